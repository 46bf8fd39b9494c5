"""Alarms: an authority could not read one of our messages (CEB900), so that all its documents came back."""

from __future__ import annotations

from collections.abc import Collection

from adapters.ledger import Ledger, events
from tasks.receipts.lookup import come_back

KIND = "message_unreadable"


def alarm_unreadable(ledger: Ledger, authority: str, message_ids: Collection[int]) -> int:
    """An event in the timeline for each of these messages that came back as a whole. Returns how many are new."""
    new = 0
    for row in come_back(ledger, authority) if message_ids else []:
        told = {e.detail.get("message_id") for e in events.timeline(ledger, row.shipment_id) if e.kind == KIND}
        if row.id in message_ids and row.id not in told:
            detail = {"message_id": row.id, "type": row.type, "status": row.status, "documents": row.documents}
            new += events.record(ledger, row.shipment_id, KIND, detail=detail)
    return new
