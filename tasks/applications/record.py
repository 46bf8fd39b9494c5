"""The conversion record of applications: constants, values that stand in for missing ones, legal quantities rounded.

It adds up over a shipment: each preparing adds what it wrote (DESIGN, promise 1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd
from sqlalchemy import Connection

from adapters.ledger.conversions import Conversion, conversions, replace_conversions
from mappings.engine import spec
from mappings.engine.rows import Rows, is_column
from mappings.engine.spec import Field
from tasks.conversion.declare import AUTHORITY

_SHARES = {"return.quantity1": "line.quantity1", "return.quantity2": "line.quantity2"}


def _field(item: Field, target: str, rows: Rows) -> Conversion | None:
    value = rows.get(item.source) if item.source else None
    if item.value:
        return Conversion(target, "", "constant", rows.count, item.value)
    if item.default:
        lost = int((pd.Series(value).fillna("") == "").sum()) if is_column(value) else rows.count * (not value)
        return Conversion(target, item.source, "defaulted", lost, item.default) if lost else None
    if item.source in _SHARES:
        return _rounded(item, target, rows)
    return None


def _rounded(item: Field, target: str, rows: Rows) -> Conversion | None:
    """How many parts of a legal quantity do not come out even."""
    whole, part, of = (pd.Series(rows.values[p]) for p in (_SHARES[item.source], "return.quantity", "line.quantity"))
    told = zip(whole, part, of, strict=True)
    odd = len([w for w, p, o in told if not pd.isna(w) and int(w) * int(p) % int(o)])
    note = "part of the legal quantity, rounded to a hundred-thousandth"
    return Conversion(target, _SHARES[item.source], "rounded", odd, "", note) if odd else None


def record(type_: str, head: Rows, lists: Mapping[str, Rows]) -> Iterator[Conversion]:
    """What writing these documents sets as a constant, defaults or rounds."""
    message = spec.load(type_)
    inside = {message.document, *message.segments[message.document].contains}
    for segment, item in message.walk():
        rows = lists.get(segment.tag, head)
        found = _field(item, f"{segment.tag}/{item.tag}", rows.within(head)) if segment.tag in inside else None
        if found is not None:
            yield found


def add(tx: Connection, shipment_id: int, type_: str, found: list[Conversion]) -> None:
    """Add to what earlier documents of the type have told."""
    counts = {row[:3] + row[4:]: row for row in found}
    for old in conversions(tx, shipment_id, AUTHORITY):
        if old.message_type == type_:
            key = (old.target, old.source, old.kind, old.example or "", old.note)
            new = counts[key][3] if key in counts else 0
            counts[key] = Conversion(*key[:3], int(old._mapping["count"]) + new, *key[3:])
    replace_conversions(tx, shipment_id, AUTHORITY, type_, list(counts.values()))
