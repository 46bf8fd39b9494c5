"""Taking files in: stored raw first, then worked up to a batch whose parcels the ledger follows.

Identity is agent and master waybill: a file sent again, corrected or late never makes a second shipment. What comes
later is a new version of its rows, and wins over what came before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError
from sqlalchemy import Connection, Row, select

from adapters.home import Home
from adapters.ledger import Ledger, events, leases, messages, parcels, raws, shipments, sources
from adapters.ledger import faults as ledger_faults
from adapters.ledger.ledger import reads
from adapters.ledger.tables import parcel, source_file
from mappings import bounds, clock, faults, procedures
from mappings.canonical.batch import Batch
from mappings.canonical.model import Shipment, Truck
from mappings.errors import DataFault
from mappings.identity import Identities, seeded
from tasks.capture import Captured, files_of_folder, from_shipment, read_files
from tasks.capture.captured import Correction, SourceFile
from tasks.capture.merging import merged
from tasks.cleaning import clean
from tasks.cleaning.corrections import value_of
from tasks.cleaning.score import Score, score
from tasks.clearing import identity
from tasks.clearing.batches import BATCH, save_batch
from tasks.clearing.settling import settle_shipment
from tasks.clearing.standing import RECEIVED
from tasks.conversion.fit import hold_misfits
from tasks.conversion.lists import faults_ahead
from tasks.conversion.messages import Making
from tasks.imports import company_rates, is_import, judge
from tasks.matching import match
from tasks.office import Office
from tasks.pool import joining
from tasks.receipts.due import to_explain

SCORE = "score"
WORKED_UP = "intake"  # under which the ledger keeps how many deliveries of a shipment were worked up
CORRECTIONS, SHIPMENT = "corrections", "shipment"  # what we make ourselves: a person's corrections, an API call's body
DELIVERED_AT, _NUMBER = "waybill.delivered_at", "waybill.waybill_no"
_OURS = "/"  # no file of a sender has it in its name
STAGES = ("capture", "clean", "match", "import", "convert")
File = tuple[str, bytes]
_just_read: dict[tuple[object, ...], Captured] = {}  # the last delivery, so that working it up reads no file again


@dataclass
class Intake:
    """What an intake did: the shipment, whether it is new, and how its parcels changed."""

    shipment_id: int
    created: bool = False
    files: list[str] = field(default_factory=list)
    changes: parcels.Changes | None = None


def receive_files(office: Office, files: Sequence[File], shipment: str = "", source: str = "") -> Intake:
    """Keep the files of one delivery with their shipment. Raises DataFault when it is not known whose they are."""
    captured = _bounded(_read(files, office), office)
    hashed, names = {f.name: f.sha256 for f in captured.files}, [name for name, _ in files]
    apart = len(set(names)) == len(names)  # two of one name are told apart by their bytes alone
    digests = [hashed.get(name, "") if apart else "" for name in names]
    digests = [digest or hashlib.sha256(body).hexdigest() for digest, (_, body) in zip(digests, files, strict=True)]
    _just_read.clear()
    _just_read[_key(names, digests, office)] = captured
    with office.ledger.begin() as tx:
        ident, created = _shipment(tx, captured, shipment, source)
        intake = Intake(ident, created)
        known = _latest(tx, ident)
        if any(known.get(name) != digest for (name, _), digest in zip(files, digests, strict=True)):
            shipments.lock(tx, ident)  # two deliveries at once come one after the other
            known = _latest(tx, ident)
        kinds = {f.sha256: f for f in captured.files}
        for (name, body), digest in zip(files, digests, strict=True):
            if known.get(name) == digest:
                continue
            raw_id = raws.store_raw(tx, raws.IN, "files", "file", name, body, shipment_id=ident, sha256=digest)
            raws.mark_read(tx, raw_id, ident)
            found = kinds.get(digest) or SourceFile(
                name, CORRECTIONS, CORRECTIONS, source, body.count(b"\n"), digest, len(body)
            )
            sources.add_source(tx, ident, name, digest, found.kind, found.profile, found.sender, found.rows, raw_id)
            intake.files.append(name)
            known[name] = digest
        if intake.files:
            events.record(tx, ident, RECEIVED, actor=source or "files", detail={"files": intake.files})
    return intake


def _captured(group: Sequence[Row[Any]], office: Office) -> Captured:
    """One delivery, read: what this process has just read is not fetched from the ledger again."""
    known = _just_read.pop(_key([row.name for row in group], [row.sha256 for row in group], office), None)
    if known is not None:
        return known
    with office.ledger.read() as tx:
        files = [(row.name, raws.body(tx, row.raw_id)) for row in group]
    return _read(files, office)


def _key(names: Sequence[str], digests: Sequence[str], office: Office) -> tuple[object, ...]:
    return (office.home.profiles, *zip(names, digests, strict=True))


def own_name(kind: str, name: str) -> str:
    """The name of a file of our own making, which no sender's file can have."""
    return f"{_OURS}{kind}{_OURS}{name}"


def _kind(name: str) -> str:
    return name.split(_OURS)[1] if name.startswith(_OURS) else ""


def _latest(tx: Connection, shipment_id: int) -> dict[str, str]:
    """The digest of the latest file of each name."""
    return {row.name: row.sha256 for row in sources.sources(tx, shipment_id)}


def _read(files: Sequence[File], office: Office) -> Captured:
    """One delivery, read: a shipment of an API call, or the companies' files by profile; and a person's corrections."""
    called = [_called(body) for name, body in files if _kind(name) == SHIPMENT]
    others = [file for file in files if not _kind(file[0])]
    captured = merged(called) if called else read_files(others, office.home.profiles)
    ours = [body for name, body in files if _kind(name) == CORRECTIONS]
    captured.corrections = [_correction(line) for body in ours for line in body.splitlines()]
    return captured


def _correction(line: bytes) -> Correction:
    """A line of a person's corrections, judged before it is kept: one of no use would stop its truck for good."""
    try:
        made = Correction(**json.loads(line))
    except (TypeError, ValueError) as error:
        raise DataFault("A correction names order_no, field and value 更正须含订单号、字段和新值") from error
    value_of(made)
    return made


def _called(body: bytes) -> Captured:
    try:
        return from_shipment(Shipment.model_validate_json(body))
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)[:20])
        raise DataFault(f"The shipment does not fit the model 货运数据不符合模型: {told}") from None


def folder_files(folder: Path, profiles_from: Path | None = None) -> list[File]:
    """The files of a folder that capture would read, by name. Raises DataFault if there is no such folder."""
    return list(files_of_folder(folder, profiles_from))


def _shipment(tx: Connection, captured: Captured, reference: str, source: str) -> tuple[int, bool]:
    truck = captured.truck
    if truck is not None and not reference:
        agent = truck.parties.get("agent")
        if agent is None or not agent.code:
            raise DataFault("The truck names no declaration agent with a code 运输单缺少报关代理企业代码")
        return shipments.open_shipment(
            tx, agent.code, truck.master_waybill, truck.model_dump(mode="json"), truck.mainland_plate, truck.regime,
            truck.corridor, source,
        )  # fmt: skip
    found = shipments.find(tx, reference) if reference else _by_orders(tx, captured)
    if found is None:
        raise DataFault(
            "These files name no truck, and no shipment has their orders: add the truck's file, or name the shipment. "
            "文件中没有运输单，也找不到对应车次：请补充运输单文件或指明车次。",
            [*captured.faults.to_dict("records")],
        )
    if truck is not None and truck.master_waybill != found.master_waybill:
        raise DataFault(
            f"The file is about the truck {truck.master_waybill}, not {found.master_waybill}. "
            f"该文件属于另一车次（{truck.master_waybill}）。"
        )
    return int(getattr(found, "id", found)), False


def _by_orders(tx: Connection, captured: Captured) -> Any | None:
    """The shipment (a late or corrected file names none) that has one of the files' orders."""
    for tables in captured.tables.values():
        for table in tables:
            column = next((c for c in table.data.columns if c.endswith(".order_no")), None)
            orders = [] if column is None else table.data[column].drop_duplicates().tolist()[:500]
            query = select(parcel.c.shipment_id).where(parcel.c.order_no.in_(orders)).order_by(parcel.c.id.desc())
            found = tx.execute(query.limit(1)).scalar()
            if found is not None:
                return found
    return None


def size(ledger: Ledger, shipment_id: int) -> int:
    """How many parcels a shipment has; before its files are worked up, how many it may have by their rows."""
    return parcels.count(ledger, shipment_id) or sources.most_rows(ledger, shipment_id, ("platform", "carrier"))


def deliveries_of(office: Office, shipment_id: int) -> list[list[str]]:
    """The names of a shipment's files, delivery by delivery."""
    return [e.detail["files"] for e in events.timeline(office.ledger, shipment_id) if e.kind == RECEIVED]


def deliveries(office: Office, shipment_id: int) -> list[list[File]]:
    """The files of a shipment, delivery by delivery, as they were received."""
    with office.ledger.read() as tx:
        groups = _groups(tx, shipment_id)
        return [[(row.name, raws.body(tx, row.raw_id)) for row in group] for group in groups]


@reads
def _groups(tx: Connection, shipment_id: int) -> list[list[Row[Any]]]:
    """The source files of a shipment (name, sha256, raw_id), delivery by delivery."""
    rows = iter(sources.sources(tx, shipment_id))
    groups = [e.detail["files"] for e in events.timeline(tx, shipment_id) if e.kind == RECEIVED]
    return [[next(rows) for _ in group] for group in groups if group]  # one without files tells of the pool


def work_up(office: Office, shipment_id: int, anew: bool = False) -> Intake | None:
    """Capture, clean, score and match what was received since last time; None when nothing was (and not `anew`).

    What authorities have said of its parcels is settled first: it decides which of them a file may still change.
    """
    count = _received(office, shipment_id)
    if not anew and not anything_new(office, shipment_id, count):
        return None
    if parcels.count(office.ledger, shipment_id):
        settle_shipment(office, shipment_id)
    captured = _bounded(merged([_captured(group, office) for group in _groups(office.ledger, shipment_id)]), office)
    joined = joining.join(office, captured)
    captured = merged([*joined.parts, captured])
    waits = joining.waiting(captured) if joined.newest else joining.Waiting()
    batch, scores = to_batch(captured, office.home, office.identities, waits)
    return _store(office, shipment_id, batch, scores, count, joined.newest)


def anything_new(office: Office, shipment_id: int, count: int | None = None) -> bool:
    """Whether something (`count` deliveries by now) was received that is not worked up."""
    count = _received(office, shipment_id) if count is None else count
    return count != worked_up(office, shipment_id)


def worked_up(office: Office, shipment_id: int) -> int:
    """How many deliveries of a shipment's files were worked up; -1 where that was never done, not even of none."""
    return int(leases.get_cursor(office.ledger, WORKED_UP, str(shipment_id), "-1"))


def _bounded(captured: Captured, office: Office) -> Captured:
    """The captured files of one truck. Raises DataFault where they name more parcels than one truck may have."""
    most = bounds.parcels_per_truck(clock.now().date(), office.home.profiles)
    named = [table.data[f"{name}.order_no"] for name in ("waybill", "order") for table in captured.tables.get(name, [])
             if f"{name}.order_no" in table.data]  # fmt: skip
    count = max((column.nunique() for column in named), default=0)
    if count > most:
        raise DataFault(
            f"该车次有 {count} 个包裹，超过每车上限 {most}：请按车拆分；整日的订单和支付文件请放入订单池"
            f"（tongguan take-in）。One truck has {count} parcels, and at most {most} are taken: split its waybills "
            "and its sheet into trucks; a day's orders and payments go into the pool (tongguan take-in)."
        )
    return captured


def to_batch(
    captured: Captured, home: Home, identities: Identities | None = None, waits: joining.Waiting | None = None
) -> tuple[Batch, list[Score]]:
    """The batch of captured files, what no authority could take held back, and the senders' scores.

    An import is judged by the company's table of rates. Raises ConfigurationError where a live home has none.
    """
    making = Making(identities or seeded(0), clock.now())
    batch = joining.held(match(clean(captured)), waits or joining.Waiting())
    batch = hold_misfits(judge(batch, rates=company_rates(home)) if is_import(batch) else batch, making)
    ahead = faults_ahead(batch, making)
    if ahead:
        batch = replace(batch, faults=faults.together([batch.faults, faults.frame(ahead)]))
    return batch, score(captured.files, batch.faults)


def _received(office: Office, shipment_id: int) -> int:
    return len(deliveries_of(office, shipment_id))


def _store(
    office: Office, shipment_id: int, batch: Batch, scores: list[Score], count: int, pooled: int = 0
) -> Intake:  # fmt: skip
    intake = Intake(shipment_id)
    with office.ledger.begin() as tx:
        changes = parcels.sync_parcels(
            tx, shipment_id, parcels.rows_of(batch), correctable=("rejected", "held", "excluded", "cancelled")
        )
        if changes.seqs != batch.parcels["parcel.seq"].tolist():
            batch = replace(batch, parcels=batch.parcels.assign(**{"parcel.seq": changes.seqs}))
        parcels.set_parcel_states(tx, shipment_id, identity.judged_anew(tx, shipment_id, batch, changes.unchanged))
        batch = identity.as_declared(batch, sources.load_snapshot(tx, shipment_id, BATCH), changes.conflicts)
        save_batch(tx, shipment_id, batch)
        sources.save_snapshot(
            tx, shipment_id, SCORE, json.dumps([asdict(s) for s in scores], ensure_ascii=False).encode()
        )
        extra = identity.identity_faults(changes.conflicts, changes.elsewhere)
        everything = pd.concat([batch.faults, extra], ignore_index=True)
        ledger_faults.replace_stages(tx, shipment_id, (*STAGES, identity.STAGE), everything)
        identity.hold_elsewhere(tx, shipment_id, changes.elsewhere)
        _truck(tx, shipment_id, batch.truck)
        _deliveries(tx, shipment_id, batch)
        leases.set_cursor(tx, WORKED_UP, str(shipment_id), str(count))
        for authority in messages.authorities(tx, shipment_id):  # faults stand in cells of these files
            to_explain(tx, authority, [shipment_id])
        joining.recheck(tx, shipment_id, pooled, RECEIVED)
    intake.changes = changes
    return intake


def _truck(tx: Connection, shipment_id: int, truck: Truck) -> None:
    values = truck.model_dump(mode="json")
    if shipments.get(tx, shipment_id).truck != values:
        shipments.set_truck(tx, shipment_id, values, truck.mainland_plate)


def _deliveries(tx: Connection, shipment_id: int, batch: Batch) -> None:
    """Deliveries to the buyers that a carrier's file tells, where the procedure reports them: each noted once."""
    steps = procedures.load(batch.truck.direction, batch.truck.regime).steps
    if DELIVERED_AT not in batch.parcels or all(step.name != events.DELIVERED for step in steps):
        return
    told, rows = events.delivered(tx, shipment_id), batch.parcels[[_NUMBER, DELIVERED_AT]].dropna()
    news = rows[~rows[_NUMBER].isin(told)]
    if len(news):
        times = [at.isoformat() for at in news[DELIVERED_AT]]
        detail = {"waybills": news[_NUMBER].tolist(), "times": times}
        events.record(tx, shipment_id, events.DELIVERED, news[DELIVERED_AT].max().to_pydatetime(), "files", detail)


def files_of(tx: Connection, shipment_id: int) -> list[Any]:
    """The source files of a shipment, for people."""
    return list(
        tx.execute(select(source_file).where(source_file.c.shipment_id == shipment_id).order_by(source_file.c.id))
    )
