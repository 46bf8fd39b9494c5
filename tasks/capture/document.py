"""One file's bytes: what they are, whatever the name says, and their text under a profile's encoding.

Strict: a byte that the encoding does not allow is a fault with its row and position, never a replacement character.
"""

from __future__ import annotations

import codecs
import hashlib
from functools import cached_property
from pathlib import PurePath
from typing import Any

from tasks.capture.captured import Trouble

# A heading that only another encoding shows as the profile has it is evidence for that encoding; these are tried.
OTHER_ENCODINGS = ("utf-8", "gb18030", "big5", "utf-16")
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_HEAD = 65536
_BLANK = b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"
_SUFFIXES = {
    ".xlsx": ("xlsx",), ".xls": ("xlsx",), ".xlsm": ("xlsx",), ".ods": ("xlsx",),
    ".json": ("json",), ".jsonl": ("json",), ".ndjson": ("json",), ".xml": ("xml",),
    ".csv": ("csv",), ".tsv": ("csv",), ".txt": ("csv", "json", "xml"),
}  # fmt: skip


class Document:
    """A file; `family` is csv, xlsx, json (JSON lines too) or xml, by content. `limit`: of its bytes when unpacked."""

    def __init__(self, name: str, data: bytes, limit: int = 1 << 29) -> None:
        self.name, self.data, self.limit = name, data, limit
        self.cache: dict[Any, Any] = {}

    @cached_property
    def sha256(self) -> str:
        """The file's hash."""
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def bom(self) -> str:
        """The encoding that a byte order mark gives, or ''."""
        return next((name for mark, name in _BOMS if self.data.startswith(mark)), "")

    @cached_property
    def family(self) -> str:
        """What the content is: csv, xlsx, json or xml."""
        if self.data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
            return "xlsx"
        start = self.data[:_HEAD]
        text = start.decode("utf-16", "ignore") if self.bom == "utf-16" else start.decode("latin-1").lstrip("ï»¿")
        first = text.lstrip()[:1]
        return {"{": "json", "[": "json", "<": "xml"}.get(first, "csv")

    def contradicts_name(self) -> bool:
        """Whether the content is none of what the file's extension promises."""
        promised = _SUFFIXES.get(PurePath(self.name).suffix.lower())
        return promised is not None and self.family not in promised

    def is_empty(self) -> bool:
        """Whether there is nothing in it but white space."""
        return not self.data[:_HEAD].strip(_BLANK) and not self.data.strip(_BLANK)

    def head(self, encoding: str, size: int = _HEAD, skip: int = 0) -> str:
        """The first `size` bytes of the text from line `skip` on, read leniently: for recognising only."""
        text = self.data[: size + _HEAD * skip].decode(self.bom or encoding, "replace").lstrip("\ufeff")
        return "".join(text.splitlines(keepends=True)[skip:]) if skip else text

    def first_line(self, encoding: str, skip: int = 0) -> str:
        """Line `skip` (from 0) of the text, read leniently: for recognising only."""
        key = ("lines", self.bom or encoding, skip)
        if key not in self.cache:  # every profile asks, most of them for the same
            head = self.data[: _HEAD * (skip + 1)].decode(self.bom or encoding, "replace").lstrip("\ufeff")
            self.cache[key] = head.splitlines()[skip : skip + 1]
        return next(iter(self.cache[key]), "")

    def text(self, encoding: str) -> str:
        """The whole text, without a byte order mark. Raises Trouble with row and byte where a byte does not fit."""
        chosen = self.bom or encoding
        try:
            return self.data.decode(chosen).removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            raise self._wrong(chosen, error) from error

    def utf8(self, encoding: str) -> bytes:
        """The whole text as UTF-8 bytes without mark; checked, and not copied when it is UTF-8 already."""
        if (self.bom or encoding).lower().replace("_", "-") not in ("utf-8", "utf8", "utf-8-sig"):
            return self.text(encoding).encode("utf-8")
        try:
            self.data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise self._wrong("utf-8", error) from error
        return self.data.removeprefix(codecs.BOM_UTF8)

    def _wrong(self, encoding: str, error: UnicodeDecodeError) -> Trouble:
        row = self.data.count(b"\n", 0, error.start) + 1
        bad = self.data[error.start : error.start + 1].hex().upper()
        where = f"第{row}行，字节{error.start} (0x{bad}) / row {row}, byte {error.start} (0x{bad})"
        return Trouble("CAP-006", encoding, where, row)

    def decoded(self, encodings: tuple[str, ...]) -> str:
        """The text under the first of the encodings that fits. Raises Trouble, the first one's, when none does."""
        first: Trouble | None = None
        for encoding in encodings:
            try:
                return self.text(encoding)
            except Trouble as trouble:
                first = first or trouble
        raise first or Trouble("CAP-006", "-", "-")
