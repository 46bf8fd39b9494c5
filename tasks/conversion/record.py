"""The conversion record of China's messages: what was dropped, defaulted, set as a constant, or has no equal code.

A value is counted as often as it is written: once a message, once a document, or once a row of its list.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from mappings import regimes
from mappings.canonical import coded
from mappings.canonical.batch import Batch
from mappings.canonical.columns import columns
from mappings.engine import codes, spec
from mappings.engine.rows import is_column
from mappings.engine.spec import Field, MessageSpec, Segment
from tasks.conversion.declare import AUTHORITY, parcel_types, reports, roles
from tasks.conversion.lists import list_types, part_bounds
from tasks.conversion.messages import BATCH_OF
from tasks.conversion.partners import theirs
from tasks.conversion.sources import stated_values, truck_values

_DERIVED = ("buyer.order_no", "payment.order_no", "waybill.order_no", "line.order_no", "order.cancelled")


def _row(target: str, source: str, kind: str, count: int, example: str = "", note: str = "") -> dict[str, Any]:
    return {"target": target, "source": source, "kind": kind, "count": count, "example": example, "note": note}


def _column(batch: Batch, path: str) -> pd.Series | None:
    frame = batch.lines if path.startswith("line.") else batch.parcels
    return batch.once(("column", path), lambda: frame.get(path))


def _missing(batch: Batch, path: str) -> int:
    """How many values of a column are not there; 0 where there is no such column."""
    return batch.once(("missing", path), lambda: _count_missing(_column(batch, path)))


def _count_missing(series: pd.Series | None) -> int:
    if series is None:
        return 0
    return coded.missing(series) if isinstance(series.dtype, pd.StringDtype) else int(series.isna().sum())


def _distinct(batch: Batch, path: str, series: pd.Series) -> list[Any]:
    return batch.once(("distinct", path), lambda: list(series.unique()))


def _times(batch: Batch, message: MessageSpec, segment: Segment) -> int:
    """How often a segment is written; 0 for one of the message's tail that we leave out."""
    entry, parcels = roles()["messages"][message.type], len(batch.parcels)
    listing = message.type in batch.once("lists", lambda: list_types(batch.truck))
    if segment.tag == entry.get("list"):
        return parcels if listing else len(batch.lines)
    documents = len(part_bounds(parcels)) - 1 if listing else parcels
    if needed := entry.get("needs"):
        documents -= _missing(batch, needed)
    if segment.tag in message.root and segment.tag != message.document:
        return -(-documents // (1 if listing else BATCH_OF)) if segment.least else 0
    return documents


def _of_field(batch: Batch, item: Field, target: str, times: int) -> dict[str, Any] | None:
    series = _column(batch, item.source) if item.source else None
    if item.value:
        return _row(target, "", "constant", times, item.value)
    if item.source.startswith("regime.") or item.source in batch.once("stand_ins", lambda: _stand_ins(batch)):
        return _row(target, item.source, "constant", times, str(truck_values(batch.truck).get(item.source, "")))
    if item.default and (series is None or _missing(batch, item.source)):
        count = times if series is None else _missing(batch, item.source)
        return _row(target, item.source, "defaulted", count, item.default)
    if item.code and series is not None and is_column(series):
        listed = codes.load(AUTHORITY, item.code)
        near = [
            v
            for v in _distinct(batch, item.source, series)
            if v and (c := listed.outward(v)) and c.fit == "nearest" and not v.startswith("CN:")
        ]
        if near:
            return _row(
                target, item.source, "no_equal", int(series.isin(near).sum()), near[0], "nearest code of the list"
            )
    return None


def _stand_ins(batch: Batch) -> set[str]:
    """The paths at which the regime's own text stands, for want of a value."""
    regime = regimes.load(batch.truck.direction, batch.truck.regime)
    values = truck_values(batch.truck)
    return {path for path, text in regime.instead.items() if values.get(path) == text}


def _of_message(batch: Batch, kind: str, used: set[str]) -> list[dict[str, Any]]:
    message, rows = spec.load(kind), []
    if kind in theirs(batch.truck):  # the partner's own message carries these
        used.update(item.source for _, item in message.walk())
        return []
    for segment, item in message.walk():
        if times := _times(batch, message, segment):
            used.add(item.source)
            row = _of_field(batch, item, f"{segment.tag}/{item.tag}", times)
            rows += [row] if row else []
    return rows


def _senders() -> set[str]:
    """What is said of a company by its being the sender of a message."""
    senders = {entry["role"] for entry in roles()["messages"].values()}
    return {f"party.{role}.{name}" for role in senders for name in ("code", "name", "dxp_id")}


def _truck_fields(batch: Batch) -> Iterator[str]:
    """The fields of the truck and its parties that have a value."""
    for path, value in stated_values(batch.truck).items():
        if isinstance(value, dict):
            yield from (f"{path}.{name}" for name, inner in value.items() if inner)
        elif value not in ("", None):
            yield path


def list_record(batch: Batch, kind: str) -> list[dict[str, Any]]:
    """The rows of the conversion record of one type over the parcels of `batch`: a list document, or a report."""
    return _of_message(batch, kind, set())


def conversion_record(batch: Batch) -> dict[str, list[dict[str, Any]]]:
    """Rows of the conversion record by message type; what no message carries is under the inventory's as dropped."""
    used: set[str] = {*_DERIVED, *_senders()}
    types = parcel_types(batch.truck)
    found = {kind: _of_message(batch, kind, used) for kind in types}
    for kind in (*list_types(batch.truck), *reports(batch.truck)):
        _of_message(batch, kind, used)  # told when it is written; what it carries is not dropped
    regime = regimes.load(batch.truck.direction, batch.truck.regime)
    used = (used | set(regime.takes.values())) - regime.without
    note = "no message of this procedure carries it"
    dropped = found[types[-1]]
    for table in ("order", "buyer", "payment", "waybill", "line"):
        for path in columns(table):
            series = _column(batch, path)
            if path not in used and series is not None and (count := len(series) - _missing(batch, path)):
                dropped.append(_row("-", path, "dropped", count, "", note))
    dropped += [_row("-", path, "dropped", 1, "", note) for path in _truck_fields(batch) if path not in used]
    return found
