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
    width = height = 0
    last = b""
    for found in _CELL.finditer(sheet):
        column, row = found.groups()
        height = max(height, int(row))
        if column != last:
            last, width = column, max(width, _number(column))
    if width * height > MOST_CELLS:
        raise Trouble("CAP-015", f"{name}: {height} × {width}", str(MOST_CELLS))


def _number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
