"""The documents of a message that is written plainly, read in one pass: each is checked and taken by a pattern.

Written plainly is what has no comment, no CDATA, no empty-element tag, no attribute below the root, and no reference
but the three that canonical XML has in a text. Where all documents fit the pattern of their type they fit its schema
too, and their bytes are their canonical form (forms.py). The root, the first document and what follows the last go
through libxml2 as a message of one document. What does not fit is no fault: it is read whole, and judged there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from adapters.sandbox.cn_customs.forms import Cells, Form, form

PRIVATE = b"\xee"  # with this byte U+E000 to U+EFFF begin: a message that has one is read whole
_ROOT = re.compile(
    r'(?:<\?xml version="1\.0"(?: encoding="(?:UTF|utf)-8")?\?>)?[ \t\n]*'
    r"<(?P<prefix>(?:\w{1,20}:)?)(?P<name>\w{1,30})(?:[ \t\n][^<>]*)?>"
)
# The three references as one character each, so that a length counts what they stand for.
_MARKS = {"&amp;": "\ue010", "&lt;": "\ue011", "&gt;": "\ue012"}
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
    """What the documents of a message said, and where they stand in its text."""

    start: int
    first: int = 0
    end: int = 0
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
    taken = _taken(text, root.end(), own, referring) if root is not None and own is not None else None
    return None if taken is None else _cut(data, text, taken)


def _taken(text: str, start: int, own: Form, referring: bool) -> _Taken | None:
    """Every document from here to the last end of one; None where one is not whole, or there are too many."""
    taken, ended = _Taken(start, end=text.rfind(own.end) + len(own.end)), True
    size, columns, heads, lines = start, own.columns, taken.heads, taken.lines
    for found in own.pattern.findall(text, start, taken.end):
        size += len(found[0])
        cells = [cell.translate(_MEANT) for cell in found] if referring else found
        heading = cells[own.headed] != ""
        if heading is not ended:
            return None
        if heading:
            heads.append(dict(zip(columns, cells[1:], strict=False)))
            lines.append([])
            ended = cells[own.ended] != ""
        else:
            lines[-1].append(own.line(cells))
            ended = cells[own.lined] != ""
        if ended and not taken.first:
            taken.first = size
    if size != taken.end or not ended or not 1 <= len(heads) <= own.documents:  # something between them, or after
        return None
    for head in heads if own.unknown else ():
        head.update(own.unknown)
    least, most = own.lines
    return taken if all(least <= len(rows) <= most for rows in lines) else None


def _cut(data: bytes, text: str, taken: _Taken) -> Plain:
    head, first = _bytes(text[: taken.start]), _bytes(text[taken.start : taken.first])
    after = len(data) - len(_bytes(text[taken.end :]))
    frame = data[: len(head) + len(first)] + data[after:]
    return Plain(frame, first, data[len(head) : after], taken.heads, taken.lines)


def _bytes(text: str) -> bytes:
    for reference, mark in _MARKS.items():
        text = text.replace(mark, reference)
    return text.encode()
