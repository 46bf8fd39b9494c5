"""What the command and the gateway ask of the rooms below: one function a wish, each a few calls."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters import home as homes
from adapters.ledger import events, shipments
from deployments import pools
from deployments.looking import Status, audit, follow, listing, parcels, status, write_faults
from deployments.prefect_api import Prefect
from deployments.settings import running
from mappings import clock
from mappings import faults as fault_kinds
from mappings.canonical.model import Shipment
from mappings.errors import ConfigurationError, DataFault
from tasks import dryrun
from tasks.clearing import delivering, hearing, intake
from tasks.clearing.alone import alone
from tasks.clearing.standing import procedure_of
from tasks.office import Office, open_office
from tasks.pool import take_in
from tasks.receipts import receive
from tasks.reporting.faults import explained, write_private, write_sender_files

__all__ = [
    "Status",
    "audit",
    "follow",
    "listing",
    "parcels",
    "status",
    "write_faults",
]

CLEAR = "clear-shipment/clear-shipment"
ASKS = "awaiting_approval"
File = tuple[str, bytes]


def office(home: homes.Home) -> Office:
    """The office of an installation."""
    return open_office(home)


def find(at: Office, reference: str) -> int | None:
    """The id of the shipment with this id, master waybill or plate, or None."""
    row = shipments.find(at.ledger, reference)
    return None if row is None else int(row.id)


def resolve(at: Office, reference: str) -> int:
    """The id of the shipment with this id, master waybill or plate. Raises ConfigurationError."""
    ident = find(at, reference)
    if ident is None:
        raise ConfigurationError(f"找不到货运 {reference}。There is no shipment {reference}: see `tongguan status`.")
    return ident


# ---- files in, and a dry run ------------------------------------------------------------------------------------
def files_in(folder: Path) -> list[File]:
    """The files of a folder as (name, bytes), in the order of their names. Raises ConfigurationError without any."""
    if folder.is_file():
        return [(folder.name, folder.read_bytes())]
    found = intake.folder_files(folder, homes.read().profiles) if folder.is_dir() else []
    if not found:
        raise ConfigurationError(f"文件夹 {folder.name} 不存在或为空。There is no file in {folder.name}.")
    return found


def receive_files(at: Office, files: Sequence[File], source: str, shipment: str = "") -> int:
    """Takes files in, as a new truck or as a later version of one that is there; returns the shipment's id."""
    return intake.receive_files(at, files, shipment, source).shipment_id


def take_into_pool(at: Office, path: Path, platform_code: str = "") -> dict[str, Any]:
    """Takes a file that belongs to no single truck into the pool; what became of it. Raises DataFault."""
    taken = take_in.take_file(at, path, platform_code)
    return {
        "file": taken.name, "new": taken.new, "rows": taken.rows, "unchanged": taken.unchanged, "faults": taken.faults,
        "shipments": len(taken.shipments), "examples": explained(fault_kinds.frame(taken.examples)),
    }  # fmt: skip


def work_up(at: Office, shipment_id: int) -> None:
    """Cleans and matches what was received since last time; the run that clears it would do the same."""
    with alone(at, shipment_id, wait=60.0) as mine:
        if not mine:
            raise ConfigurationError("另一进程正在办理该车次。Another worker has this truck: try again shortly.")
        intake.work_up(at, shipment_id)


def receive_shipment(at: Office, shipment: Shipment, raw: bytes, source: str, reference: str = "") -> int:
    """Takes in one shipment of an API call (`raw` is its body as it came); returns the shipment's id."""
    return intake.receive_files(
        at, [(intake.own_name(intake.SHIPMENT, f"{shipment.truck.master_waybill}.json"), raw)], reference, source
    ).shipment_id


def prepare(folder: Path, out: Path, home: homes.Home, per_sender: bool = False) -> dict[str, Any]:
    """The dry run: writes every message, report.json and faults.csv into `out`; returns the report.

    With `per_sender` also a faults-<role>.csv for each company, with its own faults alone.
    """
    run = dryrun.dry_run(folder, home.path, home.profiles)
    out.mkdir(parents=True, exist_ok=True)
    _forget(out)
    report = run.report()  # first: what it names, the next run takes away again
    (out / "report.json").write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for file in run.files:
        write_private(out / file.name, file.body)  # it names people
    write_private(out / "faults.csv", dryrun.faults_csv(run))
    write_sender_files(run.batch.faults if per_sender else run.batch.faults.head(0), out / "faults.csv")
    return report


def _forget(out: Path) -> None:
    """Removes the messages of an earlier dry run into the same folder, as its report names them, and nothing else."""
    try:
        names = [str(made["name"]) for made in json.loads((out / "report.json").read_text("utf-8"))["messages"]]
    except (OSError, ValueError, KeyError, TypeError):
        return
    for name in names:
        if Path(name).name == name and name.endswith(".xml"):
            (out / name).unlink(missing_ok=True)


# ---- moving a shipment on ---------------------------------------------------------------------------------------
def wake(at: Office, shipment_id: int) -> str:
    """Starts a run that advances the shipment and returns the address of its page; '' when no Prefect runs here."""
    base, pool = prefect_of(at)
    if not base:
        return ""
    row = shipments.get(at.ledger, shipment_id)
    prefect, queue = Prefect(base), pools.lane(intake.size(at.ledger, shipment_id)) if pool else ""
    tags = [f"shipment:{shipment_id}", f"state:{row.state}"]
    name = f"{row.label} {row.master_waybill}".strip()
    return prefect.page(prefect.start(CLEAR, {"shipment": str(shipment_id)}, tags, name, queue=queue))


def prefect_of(at: Office) -> tuple[str, str]:
    """Prefect's address and the work pool: of what `tongguan up` runs here, else of the environment; '' for none."""
    now = running(at.home.path)
    if now is not None:
        return now.prefect, now.pool
    return (os.environ.get("PREFECT_API_URL", "").removesuffix("/api"), pools.pool()) if pools.pool() else ("", "")


def approve(at: Office, shipment_id: int, actor: str) -> bool:
    """Notes who approved; False when it was approved already."""
    return bool(shipments.approve(at.ledger, shipment_id, actor))


def hold(at: Office, shipment_id: int, reason: str, actor: str) -> bool:
    """Holds the truck before its next stage; False when it is held already."""
    return bool(shipments.hold(at.ledger, shipment_id, reason, actor))


def resume(at: Office, shipment_id: int, actor: str) -> bool:
    """Lets it go on; False when it is not held."""
    return bool(shipments.resume(at.ledger, shipment_id, actor))


def event(
    at: Office, shipment_id: int, kind: str, happened: datetime | None, actor: str, waybills: Sequence[str] = ()
) -> bool:
    """Writes down what happened to the truck, or to the parcels named; False when that is known already.

    Raises DataFault for what cannot happen in the shipment's procedure, and for waybill numbers that it does not have.
    """
    if kind == events.DELIVERED:
        return bool(delivering.tell(at, shipment_id, waybills, happened, actor))
    procedure = procedure_of(at.ledger, shipment_id)
    if kind not in procedure.events:
        raise DataFault(
            f"{procedure.name} knows no event {kind!r} 该流程没有此事件; known 已有: {', '.join(procedure.events)}"
        )
    return bool(events.record(at.ledger, shipment_id, kind, happened, actor))


def waybills_in(file: Path) -> list[str]:
    """The waybill numbers in a file: the first value of each line that has a digit in it."""
    lines = file.read_text("utf-8-sig").splitlines()
    values = (line.replace("\t", ",").split(",")[0].strip().strip('"') for line in lines)
    return [value for value in values if any(c.isdigit() for c in value)]


def keep_push(at: Office, authority: str, body: bytes, peer: str) -> int:
    """Keeps what an authority pushed, before anything reads it; returns how many messages are new."""
    return receive.keep_push(at.ledger, at.authority(authority), body, peer)


def apply_push(at: Office, authority: str) -> list[int]:
    """Reads and applies what was pushed; returns the shipments concerned. Where it fails, the pulse does it again.

    What was fetched is left to the pulse: a push waits behind no truck's receipts.
    """
    return sorted(hearing.apply(at, authority, receive.PUSH))


def local(text: str) -> datetime:
    """A time that a person typed: ISO 8601; without a zone it is China's. Raises ConfigurationError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            f"时间格式有误：{text}。Write a time as 2026-11-23T22:00:00+08:00, not {text!r}."
        ) from error
    return at if at.tzinfo else at.replace(tzinfo=clock.CHINA)
