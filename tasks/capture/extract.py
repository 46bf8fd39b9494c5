"""A recognised file's rows as canonical tables of texts, by its profile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mappings.codes import heading as folded
from mappings.profiles import PLACE, Field, Profile, Source, Table
from tasks.capture import paths, structured, tabular
from tasks.capture.captured import RawTable, Trouble
from tasks.capture.document import Document
from tasks.capture.recognise import Fit

Column = Callable[[str], pd.Series | None]


def read(document: Document, fit: Fit) -> tuple[list[RawTable], list[dict[str, Any]], int]:
    """The file's tables, the faults of its rows, and how many rows it has. Raises Trouble."""
    if fit.profile.source.type in ("csv", "xlsx"):
        return _tabular(document, fit)
    return _structured(document, fit.profile)


def sheet_of(document: Document, fit: Fit, source: Source) -> tuple[tabular.Sheet, list[dict[str, Any]]]:
    """The table at one place of the file, and the faults of its encoding. Raises Trouble."""
    if source.type == "xlsx":
        return tabular.read_xlsx(document, source), []
    present = {folded(h) for h in fit.headings}
    first: Trouble | None = None
    for encoding in dict.fromkeys((fit.encoding, *source.encodings)):
        names = {folded(h) for h in tabular.csv_headings(document, source, encoding)}
        if not names <= present:
            continue
        try:
            return tabular.read_csv(document, source, encoding), _other_encoding(document, fit.profile, encoding)
        except Trouble as trouble:
            first = first or trouble
    raise first or Trouble("CAP-006", fit.encoding)


def _other_encoding(document: Document, profile: Profile, encoding: str) -> list[dict[str, Any]]:
    used = document.bom or encoding
    if used in profile.source.encodings or document.bom == "utf-8":
        return []
    return [{"code": "CAP-007", "value": used, "other_value": ", ".join(profile.source.encodings)}]


def _tabular(document: Document, fit: Fit) -> tuple[list[RawTable], list[dict[str, Any]], int]:
    made: dict[str, list[RawTable]] = {}
    notes, count = list[dict[str, Any]](), 0
    for source in fit.profile.sources:
        sheet, more = sheet_of(document, fit, source)
        notes += [*more, *({**trouble, "sheet": sheet.name} for trouble in sheet.troubles)]
        notes += _twice(sheet, fit.profile)
        count += len(sheet.rows) + len(sheet.troubles)
        for table in fit.profile.tables.values():
            if table.source == source:
                made[table.name] = _placed(document, fit.profile, table, _column_of(sheet), sheet.rows, sheet.name)
    return [raw for name in fit.profile.tables for raw in made[name]], notes, count


def _twice(sheet: tabular.Sheet, profile: Profile) -> list[dict[str, Any]]:
    """A warning for each heading that the profile reads and the file has again, where the profile takes the first."""
    present, asked = {folded(str(h)) for h in sheet.data.columns}, {folded(h): h for h in profile.known}
    again = [h for name, h in asked.items() if f"{name}#2" in present and not any(f"{name}#" in a for a in asked)]
    return [{"code": "CAP-014", "value": heading, "column": heading, "sheet": sheet.name} for heading in again]


def _column_of(sheet: tabular.Sheet) -> Column:
    names = tabular.matching(list(sheet.data.columns))

    def column(heading: str) -> pd.Series | None:
        actual = names.get(folded(heading))
        return None if actual is None else sheet.data[actual]

    return column


def _structured(document: Document, profile: Profile) -> tuple[list[RawTable], list[dict[str, Any]], int]:
    made, read = list[RawTable](), {source: structured.read(document, source) for source in profile.sources}
    for table in profile.tables.values():
        records = read[table.source]
        pairs, rows = paths.exploded(records.items, records.rows, table.rows)
        made += _placed(document, profile, table, _path_column(pairs, table.rows), rows, "")
    troubles = [trouble for records in read.values() for trouble in records.troubles]
    return made, troubles, sum(len(records.items) for records in read.values()) + len(troubles)


def _path_column(pairs: list[tuple[Any, ...]], rows: str) -> Column:
    return lambda path: paths.column(pairs, path, rows)


def _value(one: Field, column: Column, length: int) -> pd.Series:
    """A field's texts: the first source that is not empty, or the joined parts; constants are left to cleaning."""
    if one.join:
        parts = [c for c in (column(h) for h in one.join) if c is not None]
        joined = parts[0].str.strip()
        for part in (p.str.strip() for p in parts[1:]):
            both = (joined != "") & (part != "")
            joined = joined + np.where(both, one.glue, "") + part
        return joined
    found: pd.Series | None = None
    for heading in one.sources:
        values = column(heading)
        if values is not None:
            found = values if found is None else found.where(found.str.strip() != "", values)
    return found if found is not None else pd.Series([""] * length, dtype="str")


def _kept(table: Table, column: Column, length: int) -> np.ndarray:
    keep = np.ones(length, dtype=bool)
    for conditions, wanted in ((table.where, True), (table.where_not, False)):
        for heading, values in conditions.items():
            texts = column(heading)
            if texts is None:
                raise Trouble("CAP-001", f"{heading} (where)")
            keep &= texts.str.strip().isin(values).to_numpy(dtype=bool) == wanted
    return keep


def _as_read(table: Table) -> dict[str, Field]:
    """The fields; a workbook's real dates come as ISO texts, whatever form its written dates have."""
    if table.source.type != "xlsx":
        return dict(table.fields)
    return {path: replace(f, formats=(*f.formats, "iso")) if f.formats else f for path, f in table.fields.items()}


def _placed(
    document: Document, profile: Profile, table: Table, column: Column, rows: np.ndarray, sheet: str
) -> list[RawTable]:
    """The table, or one for each place at which a row holds it: there without the rows in which nothing stands."""
    made = [_table(document, profile, place, column, rows, sheet) for place in table.places]
    return [_without_empty(raw, table) for raw in made] if table.repeat else made


def _without_empty(raw: RawTable, table: Table) -> RawTable:
    own = [p for p, f in table.fields.items() if p in raw.data and any(PLACE in h for h in f.headings)]
    filled = np.zeros(len(raw.rows), dtype=bool)
    for path in own:
        filled |= (raw.data[path].str.strip() != "").to_numpy(dtype=bool)
    return replace(raw, data=raw.data[filled].reset_index(drop=True), rows=raw.rows[filled])


def _table(
    document: Document, profile: Profile, table: Table, column: Column, rows: np.ndarray, sheet: str
) -> RawTable:
    data = {path: _value(f, column, len(rows)) for path, f in table.fields.items() if f.constant is None}
    for f in table.fields.values():
        if f.unit_from:
            data[f"{f.path}:unit"] = _value(replace(f, sources=(f.unit_from,), join=()), column, len(rows))
    frame = pd.DataFrame(data, index=range(len(rows)))
    if table.where or table.where_not:
        keep = _kept(table, column, len(rows))
        frame, rows = frame[keep].reset_index(drop=True), rows[keep]
    return RawTable(
        table.name, document.name, sheet, profile.sender, profile.name, _as_read(table), frame, rows,
        table.once_per, profile.empty, profile.charges,
    )  # fmt: skip


@dataclass(frozen=True)
class Rows:
    """Some rows of one place (of `profile.sources`) of a file, as the sender wrote them: cells or records."""

    file: str
    profile: Profile
    place: int
    records: list[Any]
    numbers: np.ndarray
    headings: tuple[str, ...] = ()
    sheet: str = ""

    def column(self, rows: str) -> tuple[Column, np.ndarray]:
        """How a heading (or path) is read, and the number of the row that each value stands in."""
        if self.profile.source.type in ("csv", "xlsx"):
            cells = list(zip(*self.records, strict=True)) or [()] * len(self.headings)
            texts = {h: pd.Series(list(c), dtype="str") for h, c in zip(self.headings, cells, strict=True) if h}
            return _column_of(tabular.Sheet(pd.DataFrame(texts), self.numbers)), self.numbers
        pairs, numbers = paths.exploded(self.records, self.numbers, rows)
        return _path_column(pairs, rows), numbers

    def tables(self, only: Mapping[str, str] | None = None) -> list[RawTable]:
        """The canonical tables of these rows; with `only` (table -> path) of each no other column than that."""
        made, read = list[RawTable](), dict[str, tuple[Column, np.ndarray]]()
        for table in self.profile.tables.values():
            if table.source != self.profile.sources[self.place] or (only is not None and table.name not in only):
                continue
            if table.rows not in read:
                read[table.rows] = self.column(table.rows)
            column, numbers = read[table.rows]
            wanted = table if only is None or table.repeat else _bare(table, only[table.name])
            made += _placed(Document(self.file, b""), self.profile, wanted, column, numbers, self.sheet)
        return made


def _bare(table: Table, path: str) -> Table:
    return replace(table, fields={path: table.fields[path]})
