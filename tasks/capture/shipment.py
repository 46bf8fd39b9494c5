"""One API call's shipment as captured tables, so that it goes the same way as files: cleaned, matched, explained."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from mappings import faults
from mappings.canonical import columns
from mappings.canonical.model import Shipment
from mappings.profiles import Field
from tasks.capture.captured import Captured, RawTable, SourceFile
from tasks.capture.truck import party_faults

NAME = "api"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _raw(table: str, rows: list[tuple[int, Any]], name: str) -> RawTable:
    paths = list(columns.columns(table))
    data = {
        path: pd.Series([_text(getattr(item, path.partition(".")[2])) for _, item in rows], dtype="str")
        for path in paths
    }
    fields = {path: Field(path, sources=(path,)) for path in paths}
    numbers = np.array([number for number, _ in rows], dtype=np.int64)
    return RawTable(table, name, "", "agent", name, fields, pd.DataFrame(data, index=range(len(rows))), numbers)


def _rows(shipment: Shipment) -> Iterable[tuple[str, list[tuple[int, Any]]]]:
    parcels = list(enumerate(shipment.parcels, 1))
    yield "order", [(n, p.order) for n, p in parcels]
    yield "buyer", [(n, p.buyer) for n, p in parcels if p.buyer is not None]
    yield "line", [(n, line) for n, p in parcels for line in p.lines]
    yield "inventory", [(n, line) for n, p in parcels for line in p.inventory]
    yield "payment", [(n, payment) for n, p in parcels for payment in p.payments]
    yield "waybill", [(n, p.waybill) for n, p in parcels if p.waybill is not None]
    yield "goods", list(enumerate(shipment.goods, 1))


def from_shipment(shipment: Shipment, name: str = NAME) -> Captured:
    """The shipment as captured tables; a fault's row is the parcel's number in the call, its column the field path."""
    found = faults.frame({"file": name, "stage": "capture", **f} for f in party_faults(shipment.truck))
    tables = {table: [_raw(table, rows, name)] for table, rows in _rows(shipment) if rows}
    missing = [table for table in ("order", "line") if table not in tables]
    file = SourceFile(name, "+".join(tables), name, "agent", len(shipment.parcels), "", 0)
    return Captured(shipment.truck, tables, [file], found, missing)
