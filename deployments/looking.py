"""Where shipments stand, for a screen, a program or an artifact: status, lists, faults, the audit."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from adapters.ledger import audit as ledger_audit
from adapters.ledger import events, faults, messages, shipments
from adapters.ledger import parcels as ledger_parcels
from adapters.ledger.audit import Finding
from deployments import applications, books
from tasks.clearing import accounting, partners
from tasks.clearing.standing import load_standing, parcel_claims
from tasks.office import Office
from tasks.reporting.faults import sender_csv, write_private, write_sender_files


@dataclass(frozen=True)
class Status:
    """Where a shipment stands, with no person's data in it: what a screen, a program or an artifact may show."""

    id: int
    master_waybill: str
    plate: str
    state: str
    state_zh: str
    state_en: str
    held: bool
    final: bool
    waits_for_person: bool
    parcels: dict[str, int] = field(default_factory=dict)
    documents: dict[str, dict[str, int]] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    timeline: list[dict[str, Any]] = field(default_factory=list)
    planned: dict[str, str] = field(default_factory=dict)
    redeclared: int = 0  # documents that follow another of their parcel
    bills: dict[str, int] = field(default_factory=dict)  # tax bills by state
    applications: dict[str, dict[str, int]] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)  # what can happen to the truck in its procedure

    def as_json(self) -> dict[str, Any]:
        """For a program."""
        return asdict(self)


def status(at: Office, shipment_id: int) -> Status:
    """Where one shipment stands."""
    standing = load_standing(at.ledger, shipment_id)
    state = standing.state()
    names = standing.procedure.waiting(state)
    documents: dict[str, dict[str, int]] = {}
    for row in messages.documents(at.ledger, shipment_id):
        counts = documents.setdefault(row.type, {})
        counts[row.state] = counts.get(row.state, 0) + 1
    planned = standing.truck.planned.model_dump(mode="json")
    return Status(
        id=shipment_id,
        master_waybill=standing.truck.master_waybill,
        plate=standing.truck.mainland_plate,
        redeclared=len(messages.lineage(at.ledger, shipment_id)),
        bills=dict(sum(standing.bills.values(), Counter[str]())),
        events=list(standing.procedure.events),
        state=state,
        state_zh=names.zh,
        state_en=names.en,
        held=bool(standing.shipment.held),
        final=state in standing.procedure.final,
        waits_for_person=state in standing.procedure.waits_for_person,
        parcels=dict(Counter(found for found, _ in standing.parcels.values())),
        documents=documents,
        faults=dict(Counter(faults.faults(at.ledger, shipment_id)["code"].tolist())),
        timeline=[
            {"at": e.at.isoformat(), "kind": e.kind, "actor": e.actor} for e in events.timeline(at.ledger, shipment_id)
        ],
        planned=planned,
        applications=applications.counts(at, shipment_id),
    )


def parcels(at: Office, shipment_id: int) -> list[Any]:
    """The parcels of a shipment: seq, order_no, waybill_no, state, reason."""
    return list(ledger_parcels.listing(at.ledger, shipment_id))


def write_faults(at: Office, shipment_id: int, file: Path, per_sender: bool = False) -> int:
    """Writes faults.csv: all current faults, the authorities' too; `per_sender` also one for each role. How many."""
    found = faults.faults(at.ledger, shipment_id)
    write_private(file, sender_csv(found))
    if per_sender:
        write_sender_files(found, file)
    return len(found)


def listing(at: Office) -> list[Status]:
    """All shipments, oldest first."""
    return [status(at, int(row.id)) for row in shipments.listing(at.ledger)]


def follow(at: Office, shipment_id: int, seconds: float = 1.0, stop_at: tuple[str, ...] = ()) -> Iterator[Status]:
    """The status whenever it may have changed, until the truck is closed, waits for a person or is in `stop_at`."""
    while True:
        now = status(at, shipment_id)
        yield now
        if now.final or now.waits_for_person or now.state in stop_at:
            return
        time.sleep(seconds)


def audit(at: Office) -> list[Finding]:
    """What the ledger, the batches, and the books of the sandboxes that answer, say is wrong; [] when in order."""
    of_ledger = ledger_audit.audit(at.ledger, parcel_claims(), theirs=partners.by_shipment(at.ledger))
    return [*of_ledger, *accounting.findings(at.ledger), *books.findings(at.home)]
