"""The conversion record of the Hong Kong projection: what was dropped, rounded, defaulted or had no equal, by field."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import pandas as pd

from mappings.canonical.batch import Batch
from mappings.canonical.columns import Column, columns, plain
from mappings.canonical.model import TABLES, Personal
from mappings.hk_road.tables import table

MASKED = "***"
SCALED = ("parcel.net_weight",)
KINDS = ("dropped", "rounded", "defaulted", "no_equal", "constant")


@dataclass(frozen=True)
class Entry:
    """One line of the record, in the shape of the ledger's conversion table."""

    target: str
    source: str
    kind: str
    count: int
    example: str
    note: str


def _filled(column: pd.Series) -> pd.Series:
    present = column.notna()
    return column[present & (column.astype(str) != "")] if column.dtype in ("str", "object") else column[present]


def _column(batch: Batch, source: str) -> pd.Series | None:
    for frame in (batch.parcels, batch.lines):
        if source in frame.columns:
            return frame[source]
    return None


@lru_cache
def _fields() -> dict[str, Column]:
    return {path: column for name in TABLES for path, column in columns(name).items()}


def _shown(source: str, values: pd.Series) -> str:
    """The first value as an example; a person's datum is never shown."""
    field = _fields().get(source)
    if field is not None and field.personal:
        return MASKED
    decimal = source in SCALED if field is None else field.kind == "decimal"
    return plain(int(values.iloc[0])) if decimal else str(values.iloc[0])


def _value(batch: Batch, source: str) -> str:
    """A value of the truck, masked where it is a person's, '' where it has none."""
    found: Any = batch.truck
    personal = False
    for name in source.removeprefix("truck.").split("."):
        marks = type(found).model_fields[name].metadata
        personal = personal or any(isinstance(mark, Personal) for mark in marks)
        found = getattr(found, name)
    return MASKED if personal and found else str(found)


def dropped(batch: Batch) -> list[Entry]:
    """What the shipment holds and the message has no place for: one entry a field that has any value."""
    rule = table("conversion")
    found = []
    for item in rule["dropped"]:
        column = _column(batch, item["source"])
        values = _filled(column) if column is not None else None
        if values is not None and len(values):
            found.append(
                Entry("-", item["source"], "dropped", len(values), _shown(item["source"], values), _note(item))
            )
    for item in rule["truck"]:
        text = _value(batch, item["source"])
        if text:
            found.append(Entry("-", item["source"], "dropped", 1, text, _note(item)))
    return found


def _note(item: dict[str, str]) -> str:
    return f"{item['en']} / {item['zh']}"


def rows(entries: list[Entry], message_type: str) -> list[dict[str, Any]]:
    """The entries as dicts for the ledger, with authority and message type."""
    return [{"authority": "hk_road", "message_type": message_type, **asdict(entry)} for entry in entries]
