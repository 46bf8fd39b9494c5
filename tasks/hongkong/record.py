"""The conversion record of the Hong Kong projection: what was dropped, rounded, defaulted or had no equal, by field."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import pandas as pd

from mappings.canonical.batch import Batch
from mappings.canonical.columns import Column, columns, plain
from mappings.canonical.model import TABLES, Personal, Truck
from mappings.engine import spec
from mappings.hk_road.tables import table

MASKED = "•••"
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


def _value(truck: Truck, source: str) -> str:
    """A value of the truck, masked where it is a person's, '' where it has none."""
    found: Any = truck
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
    return found + _of_truck(batch.truck, rule["truck"])


def _of_truck(truck: Truck, rule: list[dict[str, str]]) -> list[Entry]:
    shown = ((item, _value(truck, item["source"])) for item in rule)
    return [Entry("-", item["source"], "dropped", 1, text, _note(item)) for item, text in shown if text]


def bundling(truck: Truck, message_type: str) -> list[dict[str, Any]]:
    """The record of a bundling: the constants of its message, and what of the vehicle it has no place for."""
    constants = [
        Entry(f"{segment.tag}/{item.tag}", "-", "constant", 1, item.value, "")
        for segment, item in spec.load(message_type).walk()
        if item.value
    ]
    return rows([*constants, *_of_truck(truck, table("conversion")["bundle"])], message_type)


def _note(item: dict[str, str]) -> str:
    return f"{item['en']} / {item['zh']}"


def rows(entries: list[Entry], message_type: str) -> list[dict[str, Any]]:
    """The entries as dicts for the ledger, with authority and message type."""
    return [{"authority": "hk_road", "message_type": message_type, **asdict(entry)} for entry in entries]
