"""Faults of a shipment as its stages found them; the values, which may name a person, are sealed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from sqlalchemy import Connection, select, update

from adapters.ledger import bulk
from adapters.ledger.ledger import reads, writes
from adapters.ledger.shipments import lock
from adapters.ledger.tables import fault, parcel
from mappings import clock

COLUMNS = (
    "order_no", "waybill_no", "code", "severity", "field", "value", "other_value", "file", "sheet", "row", "column",
    "stage",
)  # fmt: skip
_WRITTEN = ("shipment_id", "parcel_id", *COLUMNS, "current", "at")


@writes
def replace_faults(tx: Connection, shipment_id: int, stage: str, frame: pd.DataFrame) -> int:
    """The faults that a stage finds now; those that it found before are no longer current. Returns how many."""
    return replace_stages(tx, shipment_id, [stage], frame.assign(stage=stage))


@writes
def replace_stages(tx: Connection, shipment_id: int, stages: Sequence[str], frame: pd.DataFrame) -> int:
    """The same for several stages at once; each row of `frame` names its stage."""
    lock(tx, shipment_id)
    mine = update(fault).where(fault.c.shipment_id == shipment_id, fault.c.stage.in_(stages), fault.c.current)
    tx.execute(mine.values(current=False))
    return add_faults(tx, shipment_id, frame[frame["stage"].isin(stages)])


@writes
def add_faults(tx: Connection, shipment_id: int, frame: pd.DataFrame) -> int:
    """More faults beside those that are current (columns as in mappings.faults). Returns how many."""
    if frame.empty:
        return 0
    orders = select(parcel.c.order_no, parcel.c.id).where(parcel.c.shipment_id == shipment_id)
    parcels = {row.order_no: row.id for row in tx.execute(orders).all()}
    now = clock.now()
    values = zip(*(_plain(frame[name]) for name in COLUMNS), strict=True)
    rows = [(shipment_id, parcels.get(row[0]), *row, True, now) for row in values]
    return bulk.insert(tx, fault, _WRITTEN, rows)


@writes
def retire_faults(tx: Connection, shipment_id: int, stage: str, code: str, orders: Sequence[str]) -> None:
    """Faults of one code that no longer hold for these orders."""
    c = fault.c
    mine = select(c.id, c.order_no).where(c.shipment_id == shipment_id, c.stage == stage, c.code == code, c.current)
    gone = [(row.id, False) for row in tx.execute(mine).all() if row.order_no in set(orders)]
    bulk.update(tx, fault, ("id", "current"), gone)


def _plain(column: pd.Series) -> list[Any]:
    """Python values; a missing text is '' and a missing row number None."""
    values = column.tolist()
    if column.hasnans:
        values = column.astype(object).where(column.notna(), None if column.name == "row" else "").tolist()
    return [None if v is None else int(v) for v in values] if column.name == "row" else [str(v) for v in values]


@reads
def faults(tx: Connection, shipment_id: int, current: bool = True, stage: str | None = None) -> pd.DataFrame:
    """The faults of a shipment, in the order they were found: the current ones, or with current=False all."""
    query = select(*(fault.c[name] for name in COLUMNS)).where(fault.c.shipment_id == shipment_id)
    if current:
        query = query.where(fault.c.current)
    if stage is not None:
        query = query.where(fault.c.stage == stage)
    found = [tuple(row) for row in tx.execute(query.order_by(fault.c.id)).all()]
    frame = pd.DataFrame.from_records(found, columns=list(COLUMNS))
    for name in COLUMNS:
        frame[name] = frame[name].astype("Int64") if name == "row" else frame[name].astype("str")
    return frame
