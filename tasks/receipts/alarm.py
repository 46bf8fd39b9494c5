"""Alarms: an authority could not read one of our messages (CEB900), so that all its documents came back."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select

from adapters.ledger import Ledger, events, messages
from adapters.ledger.tables import receipt

KIND = "message_unreadable"


def alarm_unreadable(ledger: Ledger, message_ids: Iterable[int]) -> int:
    """An event in the timeline for each message that a receipt speaks of as a whole. Returns how many are new."""
    new = 0
    for row in (messages.get(ledger, ident) for ident in sorted(message_ids)):
        with ledger.begin() as tx:
            statuses = list(
                tx.execute(select(receipt.c.status).where(receipt.c.cop_msg_id == row.cop_msg_id)).scalars()
            )
            told = {e.detail.get("message_id") for e in events.timeline(tx, row.shipment_id) if e.kind == KIND}
            if statuses and row.id not in told:
                detail = {"message_id": row.id, "type": row.type, "status": statuses[0], "documents": row.documents}
                events.record(tx, row.shipment_id, KIND, detail=detail)
                new += 1
    return new
