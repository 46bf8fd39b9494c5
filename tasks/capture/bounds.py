"""How large a workbook becomes when it is opened: looked at before anything opens it.

A workbook is a packed archive, and a reader makes room for the whole rectangle that its cells span: a few kilobytes can
ask for more memory than any machine has.
"""

from __future__ import annotations

import io
import re
import zipfile

from tasks.capture.captured import Trouble

_CELL = re.compile(rb"<(?:\w+:)?c\b[^>]*?\sr=[\"']([A-Z]{1,3})(\d{1,7})[\"']")
_PERHAPS = re.compile(rb"r=[\"']([A-Z]{1,3})(\d{1,7})[\"']")  # every cell and more, in a third of the time
_FAR = re.compile(rb"r=[\"'](?:[A-Z]{3}|[A-Z]{1,2}\d{5})")  # without one, 702 columns and 9,999 rows at the most
_READ = re.compile(r"xl/(worksheets/[^/]+|sharedStrings)\.xml|content\.xml", re.IGNORECASE)
MOST_CELLS = 50_000_000  # of the rectangle that a sheet spans: our own limit, four hundred megabytes and more in memory


def check(data: bytes, limit: int) -> None:
    """Raises Trouble (CAP-013, CAP-015) where unpacking would exceed `limit` bytes or a sheet spans too many cells."""
    if not data.startswith(b"PK"):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(info.file_size for info in archive.infolist())
            if unpacked > limit:
                raise Trouble("CAP-013", str(unpacked), str(limit))
            for info in archive.infolist():
                if _READ.fullmatch(info.filename):  # read whole: its length and checksum are then what the archive says
                    _span(archive.read(info), info.filename)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError) as error:
        raise Trouble("CAP-010", f"{type(error).__name__}: {error}") from error


def _span(sheet: bytes, name: str) -> None:
    if not _FAR.search(sheet):
        return
    width, height = _rectangle(_PERHAPS, sheet)
    if width * height > MOST_CELLS:  # unless a text only looks like cells
        width, height = _rectangle(_CELL, sheet)
    if width * height > MOST_CELLS:
        raise Trouble("CAP-015", f"{name}: {height} × {width}", str(MOST_CELLS))


def _rectangle(cells: re.Pattern[bytes], sheet: bytes) -> tuple[int, int]:
    """The last column and the last row that the cells name."""
    found = cells.findall(sheet)
    columns, rows = {column for column, _ in found}, {row for _, row in found}
    return max(map(_number, columns), default=0), max(map(int, rows), default=0)


def _number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
