"""CSV (pyarrow) and spreadsheets (calamine) as tables of texts with their row numbers."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from mappings.codes import heading as folded
from mappings.profiles import Source
from tasks.capture import bounds, grid
from tasks.capture.captured import Trouble
from tasks.capture.document import Document

_CELL = 131072  # the csv module's own limit of a cell, in characters


@dataclass
class Sheet:
    """Rows of texts: `data` has the sender's headings, `rows` their row numbers, `troubles` the rows not read."""

    data: pd.DataFrame
    rows: np.ndarray
    name: str = ""
    troubles: list[dict[str, Any]] = field(default_factory=list)


def unique(headings: list[str]) -> list[str]:
    """Headings without outer white space; a second one of the same name becomes "name#2"."""
    seen: dict[str, int] = {}
    made = []
    for heading in headings:
        name = " ".join(str(heading).split())
        seen[name] = seen.get(name, 0) + 1
        made.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return made


def csv_headings(document: Document, source: Source, encoding: str) -> list[str]:
    """The headings of a CSV file, read leniently: for recognising only."""
    if source.shaped:
        text = document.head(encoding, len(document.data) if source.transposed else grid.LOOKED_THROUGH * 4096)
        return unique(grid.arranged(_records(text, source), _bare(source), str).headings)
    if not source.header_row:
        return list(source.columns)
    line = document.first_line(encoding, source.header_row - 1)
    if not source.quote:
        return unique(line.split(source.delimiter))
    if line.count(source.quote) % 2:  # a heading with a line break in it
        return unique(next(iter(_records(document.head(encoding, skip=source.header_row - 1), source)), []))
    cells = next(csv.reader([line], delimiter=source.delimiter, quotechar=source.quote), [])
    return unique(cells)


def _bare(source: Source) -> Source:
    """The place without what only matters to its rows: enough for its headings."""
    return replace(source, fill_down=(), ignore_rows="")


def _records(text: str, source: Source) -> list[list[str]]:
    """The records of a CSV text as lists of cells, blank lines as empty ones."""
    csv.field_size_limit(len(text) + 1 if len(text) > _CELL else _CELL)
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if source.quote else csv.QUOTE_NONE
    lines = io.StringIO(text, newline="")
    try:
        return list(csv.reader(lines, delimiter=source.delimiter, quotechar=source.quote or None, quoting=quoting))
    except csv.Error as error:
        raise Trouble("CAP-010", f"CSV: {error}") from error


def _broken_heading(document: Document, source: Source, encoding: str) -> bool:
    """Whether a heading of the file has a line break in it: lines are then no rows."""
    plain = source.header_row > 0 and source.quote
    return bool(plain and document.first_line(encoding, source.header_row - 1).count(source.quote) % 2)


def _shaped_csv(document: Document, source: Source, encoding: str) -> Sheet:
    """A CSV file that must be arranged first. Rows of another width than the headings' are left out, told."""
    made = grid.arranged(_records(document.utf8(encoding).decode("utf-8"), source), source, str)
    headings, width = unique(made.headings), len(made.headings)
    good, numbers, troubles = list[list[str]](), list[int](), list[dict[str, Any]]()
    for line, number in zip(made.body, made.numbers, strict=True):
        if len(line) == width or (source.short_rows and line and len(line) < width):
            good.append([*line, *[""] * (width - len(line))])
            numbers.append(number)
        elif line:
            troubles.append({"code": "CAP-008", "row": number, "value": str(len(line)), "other_value": str(width)})
    return without_blank(Sheet(_frame(headings, good), np.array(numbers, dtype=np.int64), troubles=troubles))


def _frame(headings: list[str], body: list[list[Any]], decimal: str = ".") -> pd.DataFrame:
    columns = list(zip(*body, strict=False)) if body else [()] * len(headings)
    return pd.DataFrame({h: _column(column, decimal) for h, column in zip(headings, columns, strict=False) if h})


def read_csv(document: Document, source: Source, encoding: str) -> Sheet:
    """The whole CSV file, decoded strictly. Ragged rows are left out, each with its fault."""
    if source.shaped or _broken_heading(document, source, encoding):
        return _shaped_csv(document, source, encoding)
    ragged: list[tuple[int, str, int]] = []
    text = document.utf8(encoding)

    def note(row: pa_csv.InvalidRow) -> str:
        breaks = row.text.count("\n")  # an unclosed quote swallows the rows below it: say how many
        ragged.append(
            (row.number or 0, f"{row.actual_columns}{f' (↵ × {breaks})' if breaks else ''}", row.expected_columns)
        )
        return "skip"

    headings = csv_headings(document, source, encoding)
    head = max(source.header_row, 0)
    block = max(len(text) + 1, 1 << 16)
    try:
        table = pa_csv.read_csv(
            io.BytesIO(text),
            pa_csv.ReadOptions(use_threads=False, block_size=min(block, (1 << 31) - 1), skip_rows=head,
                               column_names=headings),
            pa_csv.ParseOptions(delimiter=source.delimiter, quote_char=source.quote or False,
                                newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=note),
            pa_csv.ConvertOptions(column_types={name: pa.string() for name in headings}, strings_can_be_null=False,
                                  check_utf8=False),
        )  # fmt: skip
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            return Sheet(pd.DataFrame({h: pd.Series(dtype="str") for h in headings}), np.empty(0, np.int64))
        raise Trouble("CAP-010", str(error)) from error
    return _numbered(table.to_pandas(), ragged, head)


def _numbered(data: pd.DataFrame, ragged: list[tuple[int, str, int]], head: int) -> Sheet:
    # pyarrow counts the skipped head lines in the numbers of invalid rows, and so do we
    numbers = np.arange(head + 1, head + 1 + len(data) + len(ragged), dtype=np.int64)
    numbers = numbers[~np.isin(numbers, [number for number, _, _ in ragged])]
    troubles = [
        {"code": "CAP-008", "row": number, "value": actual, "other_value": str(expected)}
        for number, actual, expected in ragged
    ]
    return without_blank(Sheet(data, numbers, troubles=troubles))


def without_blank(sheet: Sheet) -> Sheet:
    """The sheet without rows in which nothing stands."""
    if not len(sheet.data):
        return sheet
    blank = (sheet.data.iloc[:, 0] == "").to_numpy(copy=True)
    for name in sheet.data.columns[1:]:
        if not blank.any():
            return sheet
        blank &= (sheet.data[name] == "").to_numpy()
    sheet.data, sheet.rows = sheet.data[~blank].reset_index(drop=True), sheet.rows[~blank]
    return sheet


def cell_text(value: object, decimal: str = ".") -> str:
    """A spreadsheet cell as text: numbers with the 15 digits that a spreadsheet keeps, times in ISO form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) < 1e15
        return str(int(value)) if whole else f"{value:.15g}".replace(".", decimal)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    return str(value)


def _workbook(document: Document) -> CalamineWorkbook:
    if "workbook" not in document.cache:
        bounds.check(document.data, document.limit)
        try:
            document.cache["workbook"] = CalamineWorkbook.from_filelike(io.BytesIO(document.data))
        except (CalamineError, PasswordError, OSError, ValueError) as error:
            raise Trouble("CAP-010", str(error)) from error
    return document.cache["workbook"]


def _cells(document: Document, source: Source) -> tuple[str, list[list[Any]]]:
    book = _workbook(document)
    names = book.sheet_names
    if isinstance(source.sheet, str):
        if source.sheet not in names:
            raise Trouble("CAP-010", f"工作表 / sheet {source.sheet!r}; {', '.join(names)}")
        name = source.sheet
    elif source.sheet < len(names):
        name = names[source.sheet]
    else:
        raise Trouble("CAP-010", f"工作表 / sheet {source.sheet}; {', '.join(names)}")
    if name not in document.cache:
        document.cache[name] = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    return name, document.cache[name]


def xlsx_headings(document: Document, source: Source) -> list[str]:
    """The headings of the profile's sheet."""
    _, cells = _cells(document, source)
    return unique(grid.arranged(cells, _bare(source), cell_text).headings)


def read_xlsx(document: Document, source: Source) -> Sheet:
    """The profile's sheet of a workbook (xlsx, xls, ods)."""
    name, cells = _cells(document, source)
    made = grid.arranged(cells, source, cell_text)
    data = _frame(unique(made.headings), made.body, source.decimal)
    return without_blank(Sheet(data, np.array(made.numbers, dtype=np.int64), name))


def _column(values: tuple[Any, ...], decimal: str) -> pd.Series:
    texts = list(values) if all(type(v) is str for v in values) else [cell_text(v, decimal) for v in values]
    return pd.Series(texts, dtype="str")


def matching(headings: list[str]) -> dict[str, str]:
    """Headings by their folded form, so that width, case and spacing do not matter."""
    return {folded(heading): heading for heading in reversed(headings)}
