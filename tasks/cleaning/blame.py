"""Faults gathered by columns: a rule names rows of a table, and each becomes a fault with its place in a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mappings import faults
from mappings.canonical.columns import formatted, plain_column, whole

SOURCE, ROW = "@source", "@row"


@dataclass(frozen=True)
class Place:
    """A file's table: where rows with its number in @source came from, and what its sender calls each field."""

    file: str
    sheet: str
    sender: str
    profile: str
    headings: dict[str, str]


def texts(values: pd.Series) -> list[str]:
    """A column's values as a person reads them: decimals plain, times in ISO form, missing ''."""
    if values.dtype == "Int64":
        return formatted(values, str) if values.name in whole() else plain_column(values)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return ["" if v is pd.NaT else v.isoformat() for v in values]
    return [str(v) for v in values.tolist()]


class Blame:
    """Collects faults; `places` are the sources that @source counts."""

    def __init__(self, places: list[Place], stage: str) -> None:
        self.places, self.stage = places, stage
        self.found: list[tuple[int, dict[str, Any]]] = []  # how many faults, and what each column says of them
        self.spots: dict[str, list[np.ndarray]] = {}

    def add(
        self, code: str, table: pd.DataFrame, at: np.ndarray, field: str,
        value: Sequence[str] | None = None, other: Sequence[str] | str = "", other_place: Sequence[str] | str = "",
        severity: str = "", provenance: str = "", column: str | None = None,
    ) -> None:  # fmt: skip
        """One fault for each row number in `at` (or where the mask `at` holds).

        `value` and `other` belong to those rows; without `value` it is the table's own. `provenance` names another
        origin of the row ("goods": where the registered goods supplied the value).
        """
        at = np.flatnonzero(at) if at.dtype == bool else at
        if not len(at):
            return
        source, row = (table[f"{provenance}{name}"].to_numpy()[at] for name in (SOURCE, ROW))
        path = f"{provenance}.{field.partition('.')[2]}" if provenance else field
        self.spots.setdefault(field, []).append(_spot(source, row))
        made = {
            "order_no": self._key(table, at, "order_no"), "waybill_no": self._key(table, at, "waybill_no"),
            "code": code, "severity": severity or faults.table()[code].severity, "field": field,
            "value": texts(table[field].iloc[at]) if value is None else value,
            "other_value": other, "file": self._of(source, "file"), "sheet": self._of(source, "sheet"),
            "row": row.tolist(), "other_place": other_place, "stage": self.stage,
            "column": self._headings(source, path) if column is None else column,
        }  # fmt: skip
        self.found.append((len(at), made))

    def blamed(self, table: pd.DataFrame, field: str) -> np.ndarray:
        """Which rows of a table have a fault in this field already."""
        spots = self.spots.get(field)
        if not spots:
            return np.zeros(len(table), dtype=bool)
        return np.isin(_spot(table[SOURCE].to_numpy(), table[ROW].to_numpy()), np.concatenate(spots))

    def place(self, table: pd.DataFrame, at: np.ndarray) -> list[str]:
        """Where rows of a table came from, as one text each: "payments.csv:12"."""
        sources, rows = table[SOURCE].to_numpy()[at], table[ROW].to_numpy()[at]
        return [f"{self.places[s].file}:{r}" if s >= 0 else "" for s, r in zip(sources, rows, strict=True)]

    def cell(self, table: pd.DataFrame, at: np.ndarray, field: str, provenance: str = "") -> list[str]:
        """Where a field's values came from: "orders.xlsx 订单!12 数量".

        `provenance` names the other origin of rows whose own file has no such column ("goods").
        """
        source, row = table[SOURCE].to_numpy()[at], table[ROW].to_numpy()[at]
        named = self._headings(source, field)
        if provenance:
            path = f"{provenance}.{field.partition('.')[2]}"
            other, beside = (table[f"{provenance}{name}"].to_numpy()[at] for name in (SOURCE, ROW))
            supplied = np.array([not name for name in named], dtype=bool) & (other >= 0)
            source, row = np.where(supplied, other, source), np.where(supplied, beside, row)
            headings = zip(named, self._headings(source, path), strict=True)
            named = [own or theirs for own, theirs in headings]
        return [self._spelt(s, r, name) for s, r, name in zip(source, row, named, strict=True)]

    def _spelt(self, source: int, row: int, heading: str) -> str:
        if source < 0:
            return ""
        place = self.places[source]
        return (
            f"{place.file} {place.sheet}!{row} {heading}" if place.sheet else f"{place.file}:{row} {heading}".rstrip()
        )

    def frame(self) -> pd.DataFrame:
        """All faults so far."""
        made = {
            name: [one for count, said in self.found for one in _each(said[name], count)] for name in faults.COLUMNS
        }
        return pd.DataFrame({name: pd.Series(values, dtype=_DTYPES[name]) for name, values in made.items()})

    @staticmethod
    def _key(table: pd.DataFrame, at: np.ndarray, short: str) -> list[str] | str:
        found = [c for c in table.columns if c.endswith(f".{short}")]
        return texts(table[found[0]].iloc[at]) if found else ""

    def _of(self, source: np.ndarray, name: str) -> list[str]:
        return [getattr(self.places[s], name) if s >= 0 else "" for s in source]

    def _headings(self, source: np.ndarray, path: str) -> list[str]:
        return [self.places[s].headings.get(path, "") if s >= 0 else "" for s in source]


_DTYPES = {name: "int64" if name == "row" else "str" for name in faults.COLUMNS}


def _each(value: Sequence[Any] | str, count: int) -> Sequence[Any]:
    return [value] * count if isinstance(value, str) else value


def _spot(source: np.ndarray, row: np.ndarray) -> np.ndarray:
    return source.astype(np.int64) * (1 << 40) + row
