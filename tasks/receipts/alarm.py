"""Alarms: a message of ours that an authority could not read (CEB900), receipts that contradict each other, and
messages of theirs that we could not read.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Row

from adapters.ledger import Ledger, events, leases, raws
from tasks.receipts import lookup
from tasks.receipts.lookup import come_back

KIND, CONFLICT = "message_unreadable", "receipt_conflict"
TOLD = "alarm:parked"  # the cursor of an authority: up to which raw message an operator has been told


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
    rows = raws.parked_heads(ledger)
    told = {name: int(leases.get_cursor(ledger, name, TOLD) or 0) for name in {row.authority for row in rows}}
    return [row for row in rows if row.id > told[row.authority]]


def tell_parked(ledger: Ledger, rows: Collection[Row[Any]]) -> None:
    """These have been shown."""
    for authority in {row.authority for row in rows}:
        last = max(row.id for row in rows if row.authority == authority)
        leases.set_cursor(ledger, authority, TOLD, str(last))
