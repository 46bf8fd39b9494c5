"""Captured rows as typed canonical tables, with a fault for each cell that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mappings import rules
from mappings.canonical import columns
from mappings.canonical.columns import DTYPES
from mappings.profiles import EXTRA, Field
from tasks.capture.captured import RawTable
from tasks.cleaning import cells
from tasks.cleaning.blame import ROW, SOURCE, Blame
from tasks.cleaning.cells import Cells, Distinct
from tasks.cleaning.numbers import JOINT, decimals
from tasks.cleaning.times import times

ROLE = "@role"


@dataclass
class _Reader:
    """Types the columns of one captured table; remembers what it cut into distinct texts."""

    raw: RawTable
    cache: dict[tuple[object, ...], Distinct]

    def kind(self, path: str) -> str:
        known = columns.columns(self.raw.table).get(path)
        return known.kind if known else EXTRA[path]

    def _one(self, path: str, one: Field) -> Distinct:
        if one.constant is not None:
            return cells.constant(one.constant, len(self.raw.rows))
        key = (id(self.raw.rows), one.sources, one.join, one.glue, self.raw.file)
        if key not in self.cache:
            self.cache[key] = cells.distinct(self.raw.data[path])
        return self.cache[key]

    def _tidied(self, path: str, found: Distinct) -> tuple[list[str], Cells]:
        quality, kind = rules.quality(), self.kind(path)
        wide = path in quality.identifiers or kind in ("decimal", "integer", "flag", "time")
        return cells.tidy(found, self.raw.fields[path], self.raw.empty, wide, quality.squeeze.get(path, ""))

    def _read(self, path: str) -> tuple[list[str], Cells]:
        """The distinct texts of a field, tidied, each with its unit or currency where that stands in another column."""
        one = self.raw.fields[path]
        found = self._one(path, one)
        texts, notes = self._tidied(path, found)
        beside = f"{path}:unit" if one.unit_from else f"{self.raw.table}.currency" if one.minor_unit else ""
        if not beside:
            return texts, notes
        other = cells.distinct(self.raw.data[beside]) if one.unit_from else self._currency(beside, len(found.codes))
        count = len(other.texts) or 1
        pairs, numbers = np.unique(found.codes * count + other.codes, return_inverse=True)
        own = [pair // count for pair in pairs.tolist()]
        joined = [
            f"{texts[a]}{JOINT}{other.texts[p % count]}" if texts[a] else ""
            for a, p in zip(own, pairs.tolist(), strict=True)
        ]
        made = Cells(cells.NONE_YET, Distinct(numbers, joined, [found.texts[a] for a in own]))
        for code, noted in notes.notes.items():
            made.notes[code] = {pair: noted[a] for pair, a in enumerate(own) if a in noted}
        return joined, made

    def _currency(self, path: str, length: int) -> Distinct:
        one = self.raw.fields.get(path)
        return self._one(path, one) if one else cells.constant("", length)

    def column(self, path: str) -> Cells:
        """A field's typed column."""
        quality, one, kind = rules.quality(), self.raw.fields[path], self.kind(path)
        texts, notes = self._read(path)
        if kind == "text" and path in quality.codes:
            texts = cells.coded(texts, quality.codes[path], one, notes)
        notes.values = self._typed(kind, texts, one, notes)
        return notes

    def _typed(self, kind: str, texts: list[str], one: Field, notes: Cells) -> pd.Series:
        at = notes.distinct.codes
        if kind in ("decimal", "integer"):
            values, absent = decimals(texts, one, notes, whole=kind == "integer")
            return pd.Series(pd.arrays.IntegerArray(values[at], absent[at]))
        if kind == "flag":
            return pd.Series(cells.flags(texts, one, notes)[at])
        if kind == "time":
            return pd.Series(times(texts, one, notes).take(at), dtype=DTYPES["time"])
        return notes.distinct.take(texts)


def typed(raw: RawTable, source: int, blame: Blame, cache: dict[tuple[object, ...], Distinct],
          targets: Mapping[str, rules.Target]) -> pd.DataFrame:  # fmt: skip
    """One captured table as a typed frame: canonical columns, what the sender states besides, @source and @row."""
    reader = _Reader(raw, cache)
    made = {path: reader.column(path) for path in raw.fields}
    length = len(raw.rows)
    values: dict[str, pd.Series | np.ndarray] = {path: made[path].values for path in raw.fields}
    absent: dict[str, pd.Series] = {"pieces": _ones(length)}
    for path, column in columns.columns(raw.table).items():
        if path not in values:
            kind = "pieces" if path == "waybill.pieces" else column.kind
            values[path] = absent[kind] if kind in absent else absent.setdefault(kind, _missing(kind, length))
    values |= {SOURCE: np.full(length, source, dtype=np.int32), ROW: raw.rows}
    if raw.table == "line":
        values[ROLE] = _roles(raw, made)
    frame = pd.DataFrame(values, index=range(length))
    if raw.once_per:
        frame, made = _once(raw, frame, made, blame)
    _notes(frame, made, blame, targets)
    return frame


def _ones(length: int) -> pd.Series:
    """A parcel is one piece unless its waybill says otherwise."""
    return pd.Series(pd.arrays.IntegerArray(np.ones(length, np.int64), np.zeros(length, bool)))


def _missing(kind: str, length: int) -> pd.Series:
    if kind in ("decimal", "integer"):
        return pd.Series(pd.arrays.IntegerArray(np.zeros(length, np.int64), np.ones(length, bool)))
    if kind == "flag":
        return pd.Series(np.zeros(length, bool))
    if kind == "time":
        return pd.Series(pd.DatetimeIndex([pd.NaT] * length, dtype=DTYPES["time"]))
    return cells.constant("", length).take([""])


def _roles(raw: RawTable, made: dict[str, Cells]) -> pd.Series:
    """What each line is: '' (goods), freight, fee or discount."""
    given = made.get(raw.charges.field)
    if given is None or not raw.charges.roles:
        return _missing("text", len(raw.rows))
    found = given.distinct
    return found.take([raw.charges.roles.get(" ".join(text.split()), "") for text in found.texts])


def _once(
    raw: RawTable, frame: pd.DataFrame, made: dict[str, Cells], blame: Blame
) -> tuple[pd.DataFrame, dict[str, Cells]]:
    """One row for each value of the key columns, the first; a later row that differs is noted (ORD-009)."""
    keys = [frame[path] for path in raw.once_per]
    numbers = pd.factorize(keys[0])[0] if len(keys) == 1 else pd.MultiIndex.from_arrays(keys).factorize()[0]
    _, first = np.unique(numbers, return_index=True)
    for path, cell in made.items():
        at = cell.distinct.codes
        differs = np.flatnonzero(at != at[first][numbers])
        if len(differs) and path not in raw.once_per:
            _, once = np.unique(numbers[differs], return_index=True)
            _differs(frame, cell, path, differs[once], first[numbers[differs[once]]], blame)
    first = np.sort(first)
    first = first[(frame[raw.once_per[0]] != "").to_numpy()[first]]
    kept = {
        path: Cells(c.values.iloc[first].reset_index(drop=True),
                    Distinct(c.distinct.codes[first], c.distinct.texts, c.distinct.raw), c.notes)
        for path, c in made.items()
    }  # fmt: skip
    return frame.iloc[first].reset_index(drop=True), kept


def _differs(frame: pd.DataFrame, cell: Cells, path: str, at: np.ndarray, first: np.ndarray, blame: Blame) -> None:
    value, other = cell.values.iloc[at], cell.values.iloc[first]
    real = ~((value.to_numpy() == other.to_numpy()) | (value.isna().to_numpy() & other.isna().to_numpy()))
    texts, numbers = cell.distinct.texts, cell.distinct.codes
    at, first = at[np.asarray(real, bool)], first[np.asarray(real, bool)]
    blame.add(
        "ORD-009", frame, at, path, [texts[n] for n in numbers[at]], [texts[n] for n in numbers[first]],
        blame.place(frame, first), severity="info" if cell.values.dtype.kind == "M" else "warning",
    )  # fmt: skip


def needed(path: str, targets: Mapping[str, rules.Target]) -> bool:
    """Whether a target message takes the field, so that the authority would see what is wrong with it."""
    table, _, short = path.partition(".")
    return (f"line.{short}" if table in ("goods", "inventory") else path) in targets or path in _KEYS


_KEYS = frozenset({
    "buyer.order_no", "payment.order_no", "waybill.order_no", "line.order_no", "inventory.order_no", "goods.item_no",
    "goods.net_weight", "line.net_weight", "order.cancelled",
})  # fmt: skip


def _notes(frame: pd.DataFrame, made: dict[str, Cells], blame: Blame, targets: Mapping[str, rules.Target]) -> None:
    unknown = rules.quality().unknown
    for path, cell in made.items():
        for code, numbers in cell.notes.items():
            at = np.flatnonzero(np.isin(cell.distinct.codes, np.fromiter(numbers, dtype=np.int64)))
            which = cell.distinct.codes[at].tolist()
            named = unknown.get(path, code) if code == "VAL-003" else code
            severity = "warning" if named.startswith("VAL") and not needed(path, targets) else ""
            shown = cell.distinct.raw or cell.distinct.texts
            blame.add(named, frame, at, path, [shown[n] for n in which], [numbers[n] for n in which], severity=severity)


def together(frames: Iterator[pd.DataFrame], table: str) -> pd.DataFrame:
    """All sources' rows of a table as one frame."""
    some = list(frames)
    if not some:
        made = columns.empty(table)
        made[SOURCE], made[ROW] = np.empty(0, np.int32), np.empty(0, np.int64)
        if table == "line":
            made[ROLE] = pd.Series(dtype="str")
        return made
    if len(some) == 1:
        return some[0]
    joined = pd.concat(some, ignore_index=True)
    for name in joined.columns:
        if joined[name].dtype == "str":
            joined[name] = joined[name].fillna("")
    return joined
