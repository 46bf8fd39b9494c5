"""The pattern of a document written plainly, made from its message file: order, occurrence, lengths and digits.

It takes a part of what the schema takes, and never more: a number has so many digits before its point as the schema
leaves beside all its decimals, and no sign but a minus. The quick pattern takes a part of that again: it leaves no gap
between elements, and of a text it looks for the next "<" only, so that plain.py sees to it first that there is no other
character that a text may not hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

from adapters.sandbox.cn_customs import settings
from mappings.engine import spec
from mappings.engine.spec import Field, MessageSpec, Segment

_TEXT = "[^<>&\\x00-\\x08\\x0b-\\x1f\ufffe\uffff]"
_UNTIL = "[^<]"  # of a text of which the rest is known; five times as fast as _TEXT
_GAP = "[ \\t\\n]*+"
_DIGITS = 18  # of a number to which the schema sets no limit
Cells = Sequence[str]
Names = Sequence[str]


@dataclass(frozen=True)
class Form:
    """How the documents of one type look with one prefix: a pattern that takes a head or one line at a time.

    Groups that took nothing are empty.
    """

    pattern: re.Pattern[str]
    quick: re.Pattern[str]
    end: str  # with which a document ends
    columns: tuple[str, ...]  # of a head, in the order of its groups
    unknown: dict[str, str]  # columns that the message file does not have
    headed: int  # where a match of a head has a text
    ended: int  # where it has one if its document ends there
    lined: int  # the same of a line
    line: Callable[[Cells], Cells]  # the cells of a line, in the order of messages.yaml
    lines: tuple[int, int]  # how many a document has, at least and at most
    documents: int  # how many documents a message has at most


@lru_cache(maxsize=200)
def form(type_: str, prefix: str) -> Form | None:
    """The pattern of a type, or None where its documents have another shape than a head and lines."""
    declared, own = settings.declared()[type_], spec.load(type_)
    document = own.segments[declared.document]
    if document.contains != tuple(name for name in (declared.head, declared.list) if name):
        return None
    head = own.segments[declared.head] if declared.head else document
    line = own.segments[declared.list] if declared.list else None
    if any(part.contains for part in (head, line) if part is not None and part is not document):
        return None
    if declared.head and (document.fields or (head.least, head.most) != (1, 1)):
        return None
    return _made(prefix, own, (document, head, line), declared)


def _made(
    prefix: str, own: MessageSpec, segments: tuple[Segment, Segment, Segment | None], declared: settings.Declared
) -> Form:
    document, head, line = segments
    columns = _known(head, declared.columns)
    end = f"</{prefix}{document.tag}>"
    places: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    if line is not None:
        names = _known(line, declared.lines)
        first = len(columns) + 2  # before it: the columns, the ends of head and document
        nothing = len(columns)  # empty in every match of a line
        places = tuple(first + names.index(name) if name in names else nothing for name in declared.lines)
    whole = _pattern(prefix, own, segments, columns, names)
    headed = len(columns) + (head is document)  # a document without a head of its own ends where it is one
    return Form(
        re.compile(whole), re.compile(whole.replace(_TEXT, _UNTIL).replace(_GAP, "")), end, columns,
        {n: "" for n in declared.columns if n not in columns},
        headed, 1 + len(columns), 2 + len(columns) + len(names), _picked(places),
        (line.least, line.most or 2**31) if line else (0, 0), document.most or 2**31,
    )  # fmt: skip


def _pattern(
    prefix: str, own: MessageSpec, segments: tuple[Segment, Segment, Segment | None], columns: Names, names: Names
) -> str:
    """What takes a head, or one line: a group for each column, then whether head and document end there."""
    document, head, line = segments
    body = _fields(prefix, own, head, columns)
    body = f"{_GAP}<{prefix}{head.tag}>{body}(</{prefix}{head.tag}>)" if head is not document else body + "()"
    ends = f"({_GAP}</{prefix}{document.tag}>)?+"
    parts = [f"{_GAP}<{prefix}{document.tag}>{body}{ends}"]
    if line is not None:
        parts.append(f"{_GAP}{_element(prefix, line.tag, _fields(prefix, own, line, names))}{ends}")
    return "|".join(parts)


def _known(segment: Segment, wanted: Sequence[str]) -> tuple[str, ...]:
    """Which of these fields the segment has, in its own order."""
    return tuple(item.tag for item in segment.fields if item.tag in wanted)


def _picked(places: tuple[int, ...]) -> Callable[[Any], Cells]:
    return itemgetter(*places) if len(places) > 1 else lambda cells: [cells[place] for place in places]


def _fields(prefix: str, own: MessageSpec, segment: Segment, captured: Sequence[str]) -> str:
    return "".join(_field(prefix, item, own.filled, item.tag in captured) for item in segment.fields) + _GAP


def _field(prefix: str, item: Field, filled: bool, captured: bool) -> str:
    value = _number(item) if item.kind == "N" else _text(item, int(filled and item.use == "M"))
    element = _GAP + _element(prefix, item.tag, f"({value})" if captured else value)
    return element if item.use == "M" else f"(?:{element})?+"


def _element(prefix: str, tag: str, content: str) -> str:
    return f"<{prefix}{tag}>{content}</{prefix}{tag}>"


def _number(item: Field) -> str:
    digits = (item.length or _DIGITS) - (item.decimals or 0)
    point = f"(?:\\.[0-9]{{1,{item.decimals}}}+)?+" if item.decimals else ""
    return f"-?+[0-9]{{1,{digits}}}+{point}"


def _text(item: Field, least: int) -> str:
    if item.fixed:
        return f"{_TEXT}{{{item.length}}}"
    return f"{_TEXT}{{{least},{item.length or ''}}}+"
