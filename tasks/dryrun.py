"""The dry run: every message of a truck as if nothing were rejected, timed by its plan. No network, no ledger."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters import home as homes
from adapters.cn_ecommerce import signature
from adapters.keys.local import local_keys
from adapters.keys.provider import KeyProvider
from mappings import procedures
from mappings.canonical.batch import Batch
from mappings.errors import DataFault
from mappings.identity import Identities, seeded
from tasks import hongkong
from tasks.capture import read_folder
from tasks.cleaning.score import Score
from tasks.clearing.intake import to_batch
from tasks.conversion.declare import declarations, reports
from tasks.conversion.lists import list_types, listing
from tasks.conversion.messages import Making
from tasks.conversion.partners import roles, signers, theirs
from tasks.conversion.record import conversion_record, list_record
from tasks.hongkong.record import bundling
from tasks.reporting.faults import explained, sender_csv

CN = "cn_ecommerce"
UNKNOWN_CCRN = "PENDING"


@dataclass(frozen=True)
class DryFile:
    """One message of the dry run: the name of its file and its bytes."""

    name: str
    type: str
    seq: int
    owner_role: str
    documents: int
    body: bytes


@dataclass(frozen=True)
class DryRun:
    """All of a dry run."""

    batch: Batch
    scores: list[Score]
    files: list[DryFile]
    conversion: dict[str, list[dict[str, Any]]]
    notes: list[str]

    def report(self) -> dict[str, Any]:
        """What report.json says; it holds no person's data."""
        states = Counter(self.batch.parcels["parcel.state"].tolist())
        truck = self.batch.truck
        return {
            "master_waybill": truck.master_waybill,
            "mainland_plate": truck.mainland_plate,
            "planned": truck.planned.model_dump(mode="json"),
            "parcels": {"total": len(self.batch.parcels), **dict(sorted(states.items()))},
            "reasons": dict(Counter(r for r in self.batch.parcels["parcel.reason"].tolist() if r).most_common()),
            "messages": [
                {k: v for k, v in asdict(f).items() if k != "body"}
                | {"bytes": len(f.body), "sha256": hashlib.sha256(f.body).hexdigest()}
                for f in self.files
            ],
            "faults": dict(Counter(self.batch.faults["code"].tolist()).most_common()),
            "file_faults": explained(self.batch.faults[self.batch.faults["order_no"] == ""]),
            "senders": [asdict(score) for score in self.scores],
            "conversion": self.conversion,
            "notes": self.notes,
        }


def _china(batch: Batch, identities: Identities, notes: list[str]) -> Iterator[Any]:
    """China's messages in the order of the procedure, each at the time that the plan gives it."""
    plan = batch.truck.planned
    yield from declarations(batch, Making(identities, plan.arrival_at_yard))
    for kind in list_types(batch.truck):
        at = plan.departure if kind == "CEB509Message" else plan.arrival_at_yard
        try:
            yield from listing(batch, kind, Making(identities, at), plan.departure)
        except DataFault as fault:
            notes.append(str(fault))
    if types := reports(batch.truck):
        yield from declarations(batch, Making(identities, plan.arrival_at_yard), types)


def _hong_kong(
    batch: Batch, identities: Identities, at: datetime, notes: list[str]
) -> tuple[list[Any], dict[str, list[dict[str, Any]]]]:
    steps = procedures.load(batch.truck.direction, batch.truck.regime).steps
    if "hk_agent" not in batch.truck.parties or not any("HKRoadACI" in step.sends for step in steps):
        return [], {}
    try:
        filing = hongkong.lodge(batch, at, identities)
        bundle = hongkong.bundle(batch.truck, UNKNOWN_CCRN, identities)
    except DataFault as fault:
        notes.append(f"Hong Kong 香港: {fault}")
        return [], {}
    notes.append(
        f"HKRoadBundle names the CCRN {UNKNOWN_CCRN}: Hong Kong gives the number when it answers. "
        "绑定报文中的 CCRN 待香港海关答复后填入。"
    )
    return [*filing.messages, bundle], {
        "HKRoadACI": filing.conversion, "HKRoadBundle": bundling(batch.truck, "HKRoadBundle")
    }  # fmt: skip


def _signed(message: Any, batch: Batch, keys: KeyProvider) -> bytes:
    party = batch.truck.parties[message.owner_role]
    body = signature.sign(message.body, party.code, keys) if message.authority == CN else message.body
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + body


def _partner_note(kind: str, batch: Batch) -> str:
    party = batch.truck.parties.get(roles()["messages"][kind]["role"])
    name = party.name if party else kind
    return f"{kind}: {name} sends it itself; none is written here. 由{name}自行申报，此处不生成。"


def dry_run(folder: Path, home: Path, profiles: Path | None = None) -> DryRun:
    """The dry run of a folder. Raises DataFault when its files are no whole truck."""
    batch, scores = to_batch(read_folder(folder, profiles), homes.read(home))
    ready = batch.ready()
    notes: list[str] = []
    identities = seeded(int.from_bytes(hashlib.sha256(batch.truck.master_waybill.encode()).digest()[:8]))
    made = list(_china(ready, identities, notes)) if len(ready.parcels) else []
    at = batch.truck.planned.arrival_at_yard
    hong_kong, dropped = _hong_kong(ready, identities, at, notes) if made else ([], {})
    signing = signers(batch.truck) | {"hk_agent"}
    keys, ours = local_keys([p for role, p in batch.truck.parties.items() if role in signing], home)
    notes += [_partner_note(kind, batch) for kind in sorted(theirs(batch.truck))]
    if ours:
        notes.append("Signed with dry-run keys, which no authority trusts. 使用试运行密钥签名，任何海关均不认可。")
    files = [
        DryFile(f"{m.type}_{m.seq:04d}.xml", m.type, m.seq, m.owner_role, len(m.documents), _signed(m, batch, keys))
        for m in (*made, *hong_kong)
    ]
    told = (*list_types(batch.truck), *reports(batch.truck))
    lists = {kind: list_record(ready, kind) for kind in told if any(m.type == kind for m in made)}
    conversion = {**(conversion_record(ready) if made else {}), **lists, **dropped}
    return DryRun(batch, scores, files, conversion, notes)


def faults_csv(run: DryRun) -> bytes:
    """The sender's file of faults."""
    return sender_csv(run.batch.faults)
