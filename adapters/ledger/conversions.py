"""The conversion record: what a projection dropped, rounded or defaulted, field by field (DESIGN, promise 1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, delete, select

from adapters.ledger import bulk
from adapters.ledger.ledger import reads, writes
from adapters.ledger.shipments import lock
from adapters.ledger.tables import conversion

KINDS = ("dropped", "rounded", "defaulted", "no_equal", "constant")


class Conversion(NamedTuple):
    """One field of a projection: `target` in the authority's message, `source` in the canonical model."""

    target: str
    source: str
    kind: str
    count: int  # type: ignore[assignment]  # a tuple has a method of this name
    example: str = ""
    note: str = ""


@writes
def replace_conversions(
    tx: Connection, shipment_id: int, authority: str, message_type: str, rows: Sequence[Conversion]
) -> int:
    """The record of one message type, in place of the one of an earlier conversion. Returns how many rows."""
    lock(tx, shipment_id)
    c = conversion.c
    mine = (c.shipment_id == shipment_id) & (c.authority == authority) & (c.message_type == message_type)
    tx.execute(delete(conversion).where(mine))
    columns = ("shipment_id", "authority", "message_type", *Conversion._fields)
    return bulk.insert(tx, conversion, columns, [(shipment_id, authority, message_type, *row) for row in rows])


@reads
def conversions(tx: Connection, shipment_id: int, authority: str | None = None) -> list[Row[Any]]:
    """The conversion record of a shipment."""
    query = select(conversion).where(conversion.c.shipment_id == shipment_id)
    if authority is not None:
        query = query.where(conversion.c.authority == authority)
    return list(tx.execute(query.order_by(conversion.c.id)).all())
