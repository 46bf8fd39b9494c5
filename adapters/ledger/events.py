"""The timeline of a shipment. Physical events are input and happen once: telling of one again changes nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from adapters.ledger.bulk import insert_once
from adapters.ledger.ledger import reads, writes
from adapters.ledger.tables import event
from adapters.ledger.touches import touch
from mappings import clock

PHYSICAL = ("arrived", "departed", "crossed")

DELIVERED = "delivered"  # of single parcels, named by waybill in the event's detail; it may be told many times


@writes
def record(
    tx: Connection,
    shipment_id: int,
    kind: str,
    at: datetime | None = None,
    actor: str = "tongguan",
    detail: dict[str, Any] | None = None,
    once: bool = False,
    said: str = "",
) -> bool:
    """Write an event (`detail` holds no person's data). False when it may happen only once and is there already.

    `said` is what the change says of itself (touches.BY).
    """
    now = clock.now()
    values = {
        "shipment_id": shipment_id,
        "kind": kind,
        "at": at or now,
        "recorded_at": now,
        "actor": actor,
        "detail": detail or {},
        "once": kind if once or kind in PHYSICAL else None,
    }
    if insert_once(tx, event, values) is None:
        return False
    touch(tx, [shipment_id], said)
    return True


@reads
def timeline(tx: Connection, shipment_id: int) -> list[Row[Any]]:
    """All events of a shipment (kind, at, recorded_at, actor, detail), by the time they happened."""
    query = select(event).where(event.c.shipment_id == shipment_id).order_by(event.c.at, event.c.id)
    return list(tx.execute(query).all())


@reads
def happened(tx: Connection, shipment_id: int, kind: str) -> datetime | None:
    """When an event of this kind first happened to the shipment, or None."""
    query = select(event.c.at).where(event.c.shipment_id == shipment_id, event.c.kind == kind).order_by(event.c.at)
    return tx.execute(query.limit(1)).scalar()


@reads
def delivered(tx: Connection, shipment_id: int) -> dict[str, list[datetime]]:
    """When each parcel (by waybill number) was handed to its buyer, oldest telling first.

    An event has one time for all its parcels, or (from a file) `times`, one each.
    """
    query = select(event.c.at, event.c.detail).where(event.c.shipment_id == shipment_id, event.c.kind == DELIVERED)
    found: dict[str, list[datetime]] = {}
    for at, detail in tx.execute(query.order_by(event.c.id)).all():
        times = map(datetime.fromisoformat, detail.get("times", ()))
        for number in detail["waybills"]:
            found.setdefault(number, []).append(next(times, at))
    return found
