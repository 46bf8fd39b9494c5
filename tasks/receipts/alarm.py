"""Alarms: a message of ours that an authority could not read (CEB900), receipts that contradict each other, and
messages of theirs that we could not read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Connection, Row

from adapters.ledger import Ledger, events, leases, raws
from adapters.ledger.ledger import alone
from tasks.receipts import lookup
from tasks.receipts.lookup import come_back

KIND, CONFLICT = "message_unreadable", "receipt_conflict"
TOLD = "alarm:told"  # the cursor of an authority: of which parked messages an operator has been told
UP_TO = "alarm:parked"  # the same as it once was: up to which of them


def alarm_unreadable(
    ledger: Ledger, authority: str, message_ids: Collection[int], shipment_ids: Collection[int] = ()
) -> int:
    """An event for each of these messages, or of these shipments, that came back whole. Returns how many are new."""
    new = 0
    for row in come_back(ledger, authority, message_ids, shipment_ids) if message_ids or shipment_ids else []:
        told = {e.detail.get("message_id") for e in events.timeline(ledger, row.shipment_id) if e.kind == KIND}
        if row.id not in told:
            detail = {"message_id": row.id, "type": row.type, "status": row.status, "documents": row.documents}
            new += events.record(ledger, row.shipment_id, KIND, detail=detail)
    return new


def alarm_conflicts(ledger: Ledger, authority: str, shipment_ids: Collection[int]) -> int:
    """An event in the timeline for each document that receipts contradict. Returns how many are new."""
    new, told = 0, dict[int, set[object]]()
    for row in lookup.conflicts(ledger, shipment_ids, authority) if shipment_ids else []:
        if row.shipment_id not in told:
            line = events.timeline(ledger, row.shipment_id)
            told[row.shipment_id] = {e.detail.get("document_id") for e in line if e.kind == CONFLICT}
        if row.id not in told[row.shipment_id]:
            detail = {"document_id": row.id, "type": row.type, "key": row.business_key, "status": row.return_status,
                      "told": row.told or ""}  # fmt: skip
            new += events.record(ledger, row.shipment_id, CONFLICT, detail=detail)
            told[row.shipment_id].add(row.id)
    return new


def untold_parked(ledger: Ledger) -> list[Row[Any]]:
    """Messages that came in, could not be read and have not been shown to an operator: id, authority, at, reason."""
    with ledger.read() as tx:
        rows = raws.parked_heads(tx)
        told = {name: _told(tx, name) for name in {row.authority for row in rows}}
    for name in [name for name, known in told.items() if known is None]:
        told[name] = _begin(ledger, name)
    return [row for row in rows if row.id not in (told[row.authority] or ())]


def tell_parked(ledger: Ledger, rows: Collection[Row[Any]]) -> None:
    """These have been shown. Each is noted: one that came before them may be parked after them, by another process."""
    with ledger.begin() as tx:
        alone(tx, TOLD)
        parked = raws.parked_heads(tx)
        for authority in {row.authority for row in rows}:
            known = (_told(tx, authority) or set()) | {row.id for row in rows if row.authority == authority}
            here = [row.id for row in parked if row.authority == authority and row.id in known]
            leases.set_cursor(tx, authority, TOLD, _runs(here))


def _told(tx: Connection, authority: str) -> set[int] | None:
    """The messages that an operator has been told of; None where nobody has noted any."""
    value = leases.get_cursor(tx, authority, TOLD, "none")
    if value == "none":
        return None
    runs = (run.split("-") for run in value.split(",") if run)
    return {ident for first, last in runs for ident in range(int(first), int(last) + 1)}


def _begin(ledger: Ledger, authority: str) -> set[int]:
    """Notes for the first time: what an older version has told, of what is parked by now."""
    with ledger.begin() as tx:
        alone(tx, TOLD)
        if (known := _told(tx, authority)) is not None:
            return known
        last = int(leases.get_cursor(tx, authority, UP_TO) or 0)
        here = [row.id for row in raws.parked_heads(tx) if row.authority == authority and row.id <= last]
        leases.set_cursor(tx, authority, TOLD, _runs(here))
        return set(here)


def _runs(ascending: Iterable[int]) -> str:
    """Numbers as runs, each from its first to its last: 3-7,9-9."""
    runs: list[list[int]] = []
    for ident in ascending:
        if runs and ident == runs[-1][1] + 1:
            runs[-1][1] = ident
        else:
            runs.append([ident, ident])
    return ",".join(f"{first}-{last}" for first, last in runs)
