"""A pooled file as a stream of rows, a bounded number at once: CSV and JSON lines from the ledger's pieces.

What can only be read whole (workbooks, XML, one JSON document, tables that must be arranged) is, up to a bound.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np

from adapters.ledger import Ledger, pool
from mappings.profiles import Profile, Source
from tasks.capture import extract, structured, tabular
from tasks.capture.captured import Trouble
from tasks.capture.document import Document
from tasks.capture.extract import Rows
from tasks.capture.recognise import Fit

HEAD = 1 << 18
STREAMED = ("csv", "jsonl")


class Pieces(io.RawIOBase):
    """The bytes of a file of the pool, piece by piece out of the ledger."""

    def __init__(self, ledger: Ledger, file_id: int) -> None:
        self.ledger, self.file_id = ledger, file_id
        self.number, self.here = 0, memoryview(b"")

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, into: Any) -> int:
        """The next bytes; 0 at the end."""
        if not self.here:
            self.here = memoryview(pool.piece(self.ledger, self.file_id, self.number))
            self.number += 1
        count = min(len(into), len(self.here))
        into[:count] = self.here[:count]
        self.here = self.here[count:]
        return count


@dataclass
class Reading:
    """One file being read; `notes` are the faults of its rows so far."""

    name: str
    fit: Fit
    encoding: str
    at_once: int
    notes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def profile(self) -> Profile:
        """Its layout."""
        return self.fit.profile

    def rows(self, source: io.RawIOBase | bytes) -> Iterator[Rows]:
        """All rows in order, at most `at_once` at a time. Raises Trouble."""
        if isinstance(source, bytes):
            yield from self._whole(Document(self.name, source))
            return
        lines = io.TextIOWrapper(io.BufferedReader(source, 1 << 20), self.encoding, newline="")  # a mark is read over
        yield from self._csv(lines) if self.profile.source.type == "csv" else self._jsonl(lines)

    def _csv(self, lines: Iterable[str]) -> Iterator[Rows]:
        source = self.profile.source
        reader, number = _reader(lines, source), source.header_row
        above = list(islice(reader, number))
        headings = tuple(tabular.unique(above[-1])) if above else source.columns
        while some := list(islice(reader, self.at_once)):
            yield self._cells(some, number, headings)
            number += len(some)

    def _cells(self, some: list[list[str]], before: int, headings: tuple[str, ...]) -> Rows:
        """Rows after row `before`; those of another width than the headings' are left out, told."""
        width, good, numbers = len(headings), list[list[str]](), list[int]()
        for number, cells in enumerate(some, before + 1):
            if not any(cells):
                continue
            if len(cells) == width:
                good.append(cells)
                numbers.append(number)
            else:
                fault = {"code": "CAP-008", "row": number, "value": str(len(cells)), "other_value": str(width)}
                self.notes.append(fault)
        return Rows(self.name, self.profile, 0, good, np.array(numbers, dtype=np.int64), headings)

    def _jsonl(self, lines: Iterable[str]) -> Iterator[Rows]:
        number, each = 0, iter(lines)
        while some := list(islice(each, self.at_once)):
            read = structured.parsed_lines("".join(some), self.profile.source)
            self.notes += [{**trouble, "row": trouble["row"] + number} for trouble in read.troubles]
            yield Rows(self.name, self.profile, 0, read.items, read.rows + number)
            number += len(some)

    def _whole(self, document: Document) -> Iterator[Rows]:
        for place, source in enumerate(self.profile.sources):
            whole = self._place(document, place, source)
            for first in range(0, len(whole.records), self.at_once):
                part = slice(first, first + self.at_once)
                yield replace(whole, records=whole.records[part], numbers=whole.numbers[part])

    def _place(self, document: Document, place: int, source: Source) -> Rows:
        if source.type not in ("csv", "xlsx"):
            read = structured.read(document, source)
            self.notes += read.troubles
            return Rows(self.name, self.profile, place, read.items, read.rows)
        sheet, more = extract.sheet_of(document, self.fit, source)
        self.notes += [*more, *({**trouble, "sheet": sheet.name} for trouble in sheet.troubles)]
        headings = tuple(map(str, sheet.data.columns))
        columns = [sheet.data[heading].tolist() for heading in headings]
        return Rows(self.name, self.profile, place, [list(r) for r in zip(*columns, strict=True)], sheet.rows, headings,
                    sheet.name)  # fmt: skip


def _reader(lines: Iterable[str], source: Source) -> Iterator[list[str]]:
    quoting: Any = csv.QUOTE_MINIMAL if source.quote else csv.QUOTE_NONE
    made = csv.reader(lines, delimiter=source.delimiter, quotechar=source.quote or None, quoting=quoting)
    while True:
        try:
            yield next(made)
        except StopIteration:
            return
        except csv.Error as error:
            raise Trouble("CAP-010", f"CSV: {error}", row=made.line_num) from error


def streamed(profile: Profile) -> bool:
    """Whether files of this layout can be read piece by piece."""
    one = profile.source
    return one.type in STREAMED and not one.shaped and len(profile.sources) == 1


def layout_of(rows: Rows, known: Mapping[str, Any]) -> dict[str, Any]:
    """What the ledger keeps of a file's layout: headings and sheet of each place."""
    return {**known, str(rows.place): [list(rows.headings), rows.sheet]}
