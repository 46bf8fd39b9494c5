"""Preparing and sending what was asked for and approved: signed, stored, claimed, posted like every declaration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Row, select

from adapters.ledger import applications as ledger
from adapters.ledger import parcels, preparing, shipments
from adapters.ledger.conversions import Conversion
from adapters.ledger.tables import document
from mappings import clock
from mappings.applications import MAY, message_types
from mappings.identity import seeded
from tasks.applications import case as cases
from tasks.applications import record, summaries
from tasks.applications.case import Case
from tasks.applications.messages import Applied, rows_of, written
from tasks.applications.settling import DECLARE_ANEW
from tasks.clearing import intake
from tasks.clearing.settling import settle_shipment
from tasks.clearing.standing import Standing
from tasks.conversion.declare import AUTHORITY
from tasks.conversion.messages import OutMessage
from tasks.office import Office
from tasks.submission.seal import seal_messages
from tasks.submission.submit import Progress, submit


def take(office: Office, shipment_id: int, progress: Progress | None = None) -> dict[str, int]:
    """Everything that applications of this shipment allow now; harmless when there is nothing. What was done, counted.

    Raises AuthorityUnavailable.
    """
    if shipments.get(office.ledger, shipment_id).held:
        return {}
    revived = revive(office, shipment_id)
    made = prepare(office, shipment_id)
    types = message_types()
    done = submit(office.ledger, office.authority(AUTHORITY), shipment_id, types, office.worker, progress)
    if revived or made or done.counts:
        settle_shipment(office, shipment_id)
    return {"declared anew": revived, "prepared": made, **done.counts}


def anything_to_do(standing: Standing) -> bool:
    """Whether there is anything of that."""
    return standing.applications_due() or any(standing.messages[kind, "prepared"] for kind in message_types())


def revive(office: Office, shipment_id: int) -> int:
    """Cancelled parcels that are to be declared anew become ready, as the newest files say. Returns how many."""
    waiting = _cancelled(office, shipment_id)
    if waiting:
        intake.work_up(office, shipment_id, anew=True)
        still = dict.fromkeys(_cancelled(office, shipment_id), ("ready", ""))
        parcels.set_parcel_states(office.ledger, shipment_id, still)
        settle_shipment(office, shipment_id)
    return len(waiting)


def _cancelled(office: Office, shipment_id: int) -> list[int]:
    states = parcels.parcel_states(office.ledger, shipment_id)
    return [seq for seq, state in states.items() if state == ("cancelled", DECLARE_ANEW)]


def prepare(office: Office, shipment_id: int) -> int:
    """Prepare the documents of what is approved; what may not be asked any more is refused. How many messages."""
    with office.ledger.read() as tx:
        waiting = ledger.listing(tx, shipment_id, states=(ledger.APPROVED,))
    return sum(_prepare(office, shipment_id, kind, waiting) for kind in dict.fromkeys(row.kind for row in waiting))


def _prepare(office: Office, shipment_id: int, kind: str, waiting: Sequence[Row[Any]]) -> int:
    with office.ledger.read() as tx:
        case = cases.load(tx, shipment_id, kind)
        rows = [row for row in waiting if row.kind == kind]
        late = {row.id: case.rule.verdict(_inventory(case, row)) for row in rows} if kind != "summary" else {}
        rows = [row for row in rows if late.get(row.id, MAY) == MAY]
        made, told = _made(office, case, rows) if rows else ([], [])
    office.ensure_keys(case.truck)
    outgoing = seal_messages(made, case.truck, office.authority(AUTHORITY), office.keys)
    with office.ledger.begin() as tx:
        for ident, code in late.items():
            if code != MAY:
                ledger.close(tx, [ident], ledger.REFUSED, code, "tongguan")
        added = preparing.add_messages(tx, shipment_id, outgoing)
        ledger.prepared(tx, _documents(tx, rows, made, kind))
        if added.message_ids:
            record.add(tx, shipment_id, case.rule.sends, told)
        if kind == "summary":
            summaries.name_inventories(tx, [row.id for row in rows])
    return len(added.message_ids)


def _inventory(case: Case, row: Row[Any]) -> str:
    """The state of the inventory that an application is about; one that another has followed is none."""
    mine = case.parcels[case.parcels["id"] == row.parcel_id].iloc[0]
    return str(mine["inventory"]) if mine["about_id"] == row.about_id else ""


def _made(office: Office, case: Case, rows: Sequence[Row[Any]]) -> tuple[list[OutMessage], list[Conversion]]:
    """The messages, and what writing them changed or set."""
    at = clock.now()
    if case.rule.kind == "summary":
        return summaries.written(case, rows, office.identities, at), []
    numbers = dict(zip(case.parcels["id"], case.parcels["invt_no"], strict=True))
    asked = pd.DataFrame({
        "seq": [r.seq for r in rows], "number": [r.number for r in rows], "attempt": [r.attempt for r in rows],
        "reason": [r.reason for r in rows], "invt_no": [numbers[r.parcel_id] for r in rows],
        "detail": [r.detail for r in rows],
    })  # fmt: skip
    seqs = {row.id: row.seq for row in rows}
    lines = [(seqs[x.application_id], x.gnum, x.quantity) for x in ledger.lines(case.tx, list(seqs))]
    applied = Applied(case.batch, case.rule, asked, pd.DataFrame(lines, columns=["seq", "gnum", "quantity"]))
    told = list(record.record(case.rule.sends, *rows_of(applied, seeded(0), at)))
    return written(applied, office.identities, at), told


def _documents(tx: Connection, rows: Sequence[Row[Any]], made: Sequence[OutMessage], kind: str) -> dict[int, int]:
    """The document of each application, by its business key (the same ones where another worker was first)."""
    said = [doc for message in made for doc in message.documents]
    if not said:
        return {}
    d, keys = document.c, [doc.business_key for doc in said]
    query = select(d.business_key, d.id).where(
        d.authority == AUTHORITY, d.type == made[0].type, d.business_key.in_(keys)
    )
    ids = dict(tuple(row) for row in tx.execute(query).all())
    if kind == "summary":
        return {row.id: ids[doc.business_key] for row, doc in zip(rows, said, strict=True)}
    by_seq = {doc.parcel_seq: ids[doc.business_key] for doc in said}
    return {row.id: by_seq[row.seq] for row in rows}
