"""Cells in rows as people lay them out: titles above, headings of several rows, merged cells, totals, records sideways.

A profile's `format` says which of these a file has; what comes out has one row of headings and a row a record.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from mappings.codes import heading as folded
from mappings.profiles import FIND, Source
from tasks.capture.captured import Trouble

LOOKED_THROUGH = 100  # rows from the top in which a header row is looked for (our own limit)

Cells = list[list[Any]]


class Arranged(NamedTuple):
    """Headings, the rows below them, and the number (from 1) of each in the sender's file."""

    headings: list[str]
    body: Cells
    numbers: list[int]


def head_row(cells: Cells, source: Source, text: Callable[[Any], str]) -> int:
    """Which row (from 1) the headings start in; 0 for none. One that is looked for: that with most of the landmarks."""
    if source.header_row != FIND:
        return source.header_row if len(cells) >= source.header_row else 0
    wanted = {folded(mark) for mark in source.landmarks}
    best, most = 1 if cells else 0, 0
    for number in range(1, min(len(cells), LOOKED_THROUGH) + 1):
        found = len(wanted & {folded(h) for h in _heads(cells, number, source, text)})
        if found > most:
            best, most = number, found
        if found == len(wanted):
            break
    return best


def _heads(cells: Cells, row: int, source: Source, text: Callable[[Any], str]) -> list[str]:
    """The headings that start in a row: those of several rows are put together, a group's name goes on to the right."""
    rows = [[text(c).strip() for c in line] for line in cells[row - 1 : row - 1 + source.header_rows]]
    width = max((len(line) for line in rows), default=0)
    levels = [[*line, *[""] * (width - len(line))] for line in rows]
    for level, line in enumerate(levels[:-1]):
        for at in range(1, width):
            same = all(above[at] == above[at - 1] for above in levels[:level])
            if not line[at] and same and any(below[at] for below in levels[level + 1 :]):
                line[at] = line[at - 1]
    return [" ".join(part for part in parts if part) for parts in zip(*levels, strict=True)]


def arranged(cells: Cells, source: Source, text: Callable[[Any], str]) -> Arranged:
    """The cells as a table, by the profile. Raises Trouble for a repeated cell under a column that is not there."""
    if source.transposed:
        width = max((len(line) for line in cells), default=0)
        cells = [[line[at] if at < len(line) else "" for line in cells] for at in range(width)]
    row = head_row(cells, source, text)
    if source.header_row and not row:
        return Arranged([], [], [])
    headings = _heads(cells, row, source, text) if row else list(source.columns)
    start = row - 1 + source.header_rows if row else 0
    body, numbers = cells[start:], list(range(start + 1, len(cells) + 1))
    if source.ignore_rows:
        kept = [n for n, line in enumerate(body) if not _ignored(line, source.ignore_rows, text)]
        body, numbers = [body[n] for n in kept], [numbers[n] for n in kept]
    return Arranged(headings, _filled(body, headings, source, text), numbers)


def _ignored(line: list[Any], pattern: str, text: Callable[[Any], str]) -> bool:
    first = next((found for cell in line if (found := text(cell).strip())), "")
    return re.search(pattern, first) is not None


def _filled(body: Cells, headings: list[str], source: Source, text: Callable[[Any], str]) -> Cells:
    """The rows with what merged cells leave empty: the value that stands above in the same column."""
    if not source.fill_down:
        return body
    at = {folded(heading): n for n, heading in reversed(list(enumerate(headings)))}
    missing = [name for name in source.fill_down if folded(name) not in at]
    if missing:
        raise Trouble("CAP-001", f"{', '.join(missing)} (fill_down)")
    columns, above = [at[folded(name)] for name in source.fill_down], dict[int, Any]()
    made: Cells = []
    for line in body:
        line = list(line)  # noqa: PLW2901 the cells are shared with other tables of the sheet
        if any(text(cell).strip() for cell in line):
            for n in columns:
                if n < len(line) and not text(line[n]).strip():
                    line[n] = above.get(n, "")
                above[n] = line[n] if n < len(line) else above.get(n, "")
        made.append(line)
    return made
