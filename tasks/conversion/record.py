"""The conversion record of China's messages: what was dropped, defaulted, set as a constant, or has no equal code."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mappings.canonical.batch import Batch
from mappings.canonical.columns import columns
from mappings.engine import codes, spec
from mappings.engine.rows import is_column
from mappings.engine.spec import Field
from tasks.conversion.declare import AUTHORITY, PARCEL_TYPES

_DERIVED = ("payment.order_no", "waybill.order_no", "line.order_no", "order.cancelled")


def _row(target: str, source: str, kind: str, count: int, example: str = "", note: str = "") -> dict[str, Any]:
    return {"target": target, "source": source, "kind": kind, "count": count, "example": example, "note": note}


def _column(batch: Batch, path: str) -> pd.Series | None:
    frame = batch.lines if path.startswith("line.") else batch.parcels
    return frame.get(path)


def _missing(series: pd.Series) -> int:
    return int((series.isna() | (series.astype(str) == "")).sum())


def _of_field(batch: Batch, item: Field, target: str) -> dict[str, Any] | None:
    series = _column(batch, item.source) if item.source else None
    if item.value:
        return _row(target, "", "constant", len(batch.parcels), item.value)
    if item.default and (series is None or _missing(series)):
        count = len(batch.parcels) if series is None else _missing(series)
        return _row(target, item.source, "defaulted", count, item.default)
    if item.code and series is not None and is_column(series):
        listed = codes.load(AUTHORITY, item.code)
        near = [
            v
            for v in series.unique()
            if v and (c := listed.outward(v)) and c.fit == "nearest" and not v.startswith("CN:")
        ]
        if near:
            return _row(
                target, item.source, "no_equal", int(series.isin(near).sum()), near[0], "nearest code of the list"
            )
    return None


def conversion_record(batch: Batch) -> dict[str, list[dict[str, Any]]]:
    """Rows of the conversion record by message type; what no message carries is under CEB603Message as dropped."""
    found: dict[str, list[dict[str, Any]]] = {}
    used: set[str] = set(_DERIVED)
    for kind in PARCEL_TYPES:
        rows = []
        for segment, item in spec.load(kind).walk():
            used.add(item.source)
            row = _of_field(batch, item, f"{segment.tag}/{item.tag}")
            rows += [row] if row else []
        found[kind] = rows
    for table in ("order", "payment", "waybill", "line"):
        for path in columns(table):
            series = _column(batch, path)
            if path not in used and series is not None and (count := len(series) - _missing(series)):
                found[PARCEL_TYPES[-1]].append(
                    _row("-", path, "dropped", count, "", "no message of this procedure carries it")
                )
    return found
