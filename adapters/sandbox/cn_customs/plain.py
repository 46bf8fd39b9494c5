"""The documents of a message that is written plainly, read in one pass: each is checked and taken by a pattern.

Written plainly is what has no comment, no CDATA, no empty-element tag, no attribute below the root, and no reference
but the three that canonical XML has in a text. Where all documents fit the pattern of their type they fit its schema
too, and their bytes are their canonical form (forms.py). The root, the first document and what follows the last go
through libxml2 as a message of one document. What does not fit is no fault: it is read whole, and judged there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from adapters.sandbox.cn_customs.forms import Cells, Form, form

PRIVATE = b"\xee"  # with this byte U+E000 to U+EFFF begin: a message that has one is read whole
_ROOT = re.compile(
    r'(?:<\?xml version="1\.0"(?: encoding="(?:UTF|utf)-8")?\?>)?[ \t\n]*'
    r"<(?P<prefix>(?:\w{1,20}:)?)(?P<name>\w{1,30})(?:[ \t\n][^<>]*)?>"
)
# The three references as one character each, so that a length counts what they stand for.
_MARKS = {"&amp;": "\ue010", "&lt;": "\ue011", "&gt;": "\ue012"}
_BLANK, _OPENS, _CLOSES = b" <>"
_HIGH = b"\xef"  # with which they begin: to look for one byte is quick
_NO_CHARACTERS = ("\ufffe".encode(), "\uffff".encode())
_MEANT = str.maketrans({"\ue010": "&", "\ue011": "<", "\ue012": ">"})


@dataclass(slots=True)
class Plain:
    """The documents of a message, their bytes, and the message with only the first of them."""

    frame: bytes
    first: bytes
    documents: bytes
    heads: list[dict[str, str]]
    lines: list[list[Cells]]

    def whole(self, canonical: bytes) -> bytes:
        """The canonical form of the message from that of its frame."""
        before, _, after = canonical.partition(self.first)
        return b"".join((before, self.documents, after))


@dataclass(slots=True)
class _Taken:
    """What the documents of a message said, and where the first of them ends in its text."""

    first: int = 0
    heads: list[dict[str, str]] = field(default_factory=list)
    lines: list[list[Cells]] = field(default_factory=list)


def read(data: bytes, type_: str) -> Plain | None:
    """The documents of a message of this type, or None where it must be read whole."""
    if PRIVATE in data:
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    referring = b"&" in data
    if referring:
        for reference, mark in _MARKS.items():
            text = text.replace(reference, mark)
    root = _ROOT.match(text)
    own = form(type_, root["prefix"]) if root is not None and root["name"] == type_ else None
    if root is None or own is None:
        return None
    end = own.end.encode()
    place = slice(len(_bytes(text[: root.end()])), data.rfind(end) + len(end))  # of the documents in the bytes
    quick = None if referring or not _simple(data, place) else _taken(own.quick, text, root.end(), own, False)
    taken = quick or _taken(own.pattern, text, root.end(), own, referring)
    return None if taken is None else _cut(data, _bytes(text[root.end() : taken.first]), taken, place)


def _simple(data: bytes, place: slice) -> bool:
    """Whether no text in this place can hold what a text may not, once each "<" is known to begin a plain tag.

    Plain tags have one ">" each: where there are as many of the one as of the other, no text has a ">".
    """
    found = np.frombuffer(data, dtype=np.uint8)[place]
    return bool(
        found.size
        and found.min() >= _BLANK
        and np.count_nonzero(found == _OPENS) == np.count_nonzero(found == _CLOSES)
        and not (_HIGH in data and any(no_character in data for no_character in _NO_CHARACTERS))
    )


def _taken(pattern: re.Pattern[str], text: str, start: int, own: Form, referring: bool) -> _Taken | None:
    """Every document from here to the last end of one; None where one is not whole, or there are too many."""
    end = text.rfind(own.end) + len(own.end)
    found = list(iter(pattern.scanner(text, start, end).match, None))  # type: ignore[attr-defined]  # each where the one before ended
    if not found or found[-1].end() != end:  # something between them, or after
        return None
    every: list[Cells] = [one.groups("") for one in found]
    if referring:
        every = [[cell.translate(_MEANT) for cell in cells] for cells in every]
    taken = _grouped(every, own)
    if taken is not None:
        taken.first = next(
            one.end() for one, cells in zip(found, every, strict=True) if cells[own.ended] or cells[own.lined]
        )
    return taken


def _grouped(every: list[Cells], own: Form) -> _Taken | None:
    """Heads with their lines; None where a head or a line stands where none may, or there are too many."""
    taken, ended = _Taken(), True
    rows: list[Cells] = []
    columns, headed, ends, lined, line = own.columns, own.headed, own.ended, own.lined, own.line
    for cells in every:
        heading = cells[headed] != ""
        if heading is not ended:
            return None
        if heading:
            rows = []
            taken.heads.append(dict(zip(columns, cells, strict=False)))
            taken.lines.append(rows)
            ended = cells[ends] != ""
        else:
            rows.append(line(cells))
            ended = cells[lined] != ""
    if not ended or not 1 <= len(taken.heads) <= own.documents:
        return None
    for head in taken.heads if own.unknown else ():
        head.update(own.unknown)
    least, most = own.lines
    return taken if all(least <= count <= most for count in set(map(len, taken.lines))) else None


def _cut(data: bytes, first: bytes, taken: _Taken, place: slice) -> Plain:
    frame = data[: place.start + len(first)] + data[place.stop :]
    return Plain(frame, first, data[place], taken.heads, taken.lines)


def _bytes(text: str) -> bytes:
    for reference, mark in _MARKS.items():
        text = text.replace(mark, reference)
    return text.encode()
