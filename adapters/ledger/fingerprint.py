"""What a ledger says of a shipment without ids, guids and times: equal after a crash and without one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, func, select

from adapters.ledger.ledger import reads
from adapters.ledger.tables import application, conversion, document, event, fault, message, parcel, shipment

_CONTENT: list[tuple[Table, tuple[str, ...]]] = [
    (document, ("authority", "type", "business_key", "attempt", "app_type", "state", "return_status", "final",
                "conflict")),
    (parcel, ("seq", "platform_code", "order_no", "carrier_code", "waybill_no", "state", "reason")),
    (message, ("authority", "type", "attempt", "seq", "state", "documents")),
    (application, ("kind", "type", "number", "part", "attempt", "state", "code", "after")),
    (conversion, ("authority", "message_type", "target", "source", "kind", "count")),
]  # fmt: skip


@reads
def fingerprint(tx: Connection, shipment_id: int) -> dict[str, Any]:
    """Sorted content of the shipment's tables; events by kind, once each, because a rerun may tell them again."""
    found: dict[str, Any] = {}
    for table, columns in _CONTENT:
        found[table.name] = _sorted(tx, table, [table.c[name] for name in columns], shipment_id)
    c = fault.c
    current = select(c.code, c.order_no, c.stage, c.file, c.sheet, c.row, c.column, func.count())
    current = current.where(c.shipment_id == shipment_id, c.current)
    grouped = current.group_by(c.code, c.order_no, c.stage, c.file, c.sheet, c.row, c.column)
    found["fault"] = sorted((tuple(row) for row in tx.execute(grouped).all()), key=repr)
    kinds = select(event.c.kind).where(event.c.shipment_id == shipment_id).distinct()
    found["event"] = sorted(tx.execute(kinds).scalars())
    head = select(shipment.c.agent_code, shipment.c.master_waybill, shipment.c.state, shipment.c.held)
    found["shipment"] = tuple(tx.execute(head.where(shipment.c.id == shipment_id)).one())
    found["counts"] = {name: len(rows) for name, rows in found.items() if isinstance(rows, list)}
    return found


def _sorted(
    tx: Connection, table: Table, columns: list[Column[Any]] | list[ColumnElement[Any]], shipment_id: int
) -> list[tuple[Any, ...]]:
    return sorted(tuple(row) for row in tx.execute(select(*columns).where(table.c.shipment_id == shipment_id)).all())
