"""Faults gathered by columns: a rule names rows of a table, and each becomes a fault with its place in a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
        self.frames: list[pd.DataFrame] = []
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
        rows = table.iloc[at]
        source = rows[f"{provenance}{SOURCE}"].to_numpy()
        path = f"{provenance}.{field.partition('.')[2]}" if provenance else field
        self.spots.setdefault(field, []).append(_spot(source, rows[f"{provenance}{ROW}"].to_numpy()))
        shown = list(value) if value is not None else texts(rows[field])
        made = {
            "order_no": self._key(rows, "order_no"), "waybill_no": self._key(rows, "waybill_no"),
            "code": code, "severity": severity or faults.table()[code].severity, "field": field, "value": shown,
            "other_value": other, "file": self._of(source, "file"), "sheet": self._of(source, "sheet"),
            "row": rows[f"{provenance}{ROW}"].to_numpy(), "other_place": other_place, "stage": self.stage,
            "column": self._headings(source, path) if column is None else column,
        }  # fmt: skip
        self.frames.append(pd.DataFrame(made, columns=list(faults.COLUMNS)).astype(_DTYPES))

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

    def frame(self) -> pd.DataFrame:
        """All faults so far."""
        return faults.together(self.frames)

    @staticmethod
    def _key(rows: pd.DataFrame, short: str) -> list[str] | str:
        found = [c for c in rows.columns if c.endswith(f".{short}")]
        return texts(rows[found[0]]) if found else ""

    def _of(self, source: np.ndarray, name: str) -> list[str]:
        return [getattr(self.places[s], name) if s >= 0 else "" for s in source]

    def _headings(self, source: np.ndarray, path: str) -> list[str]:
        return [self.places[s].headings.get(path, "") if s >= 0 else "" for s in source]


_DTYPES = {name: "int64" if name == "row" else "str" for name in faults.COLUMNS}


def _spot(source: np.ndarray, row: np.ndarray) -> np.ndarray:
    return source.astype(np.int64) * (1 << 40) + row
