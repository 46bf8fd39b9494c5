"""Receipt messages that are as regular as customs writes them, read by column straight from their text.

Only where every document has the same elements in the same order, plain text in each and the same white space between:
then a column is every n-th text, and what was looked at is the whole of a well-formed message, so that no tree of it
is needed. Whatever differs from that (None) is parsed, and read element by element from its tree.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import lru_cache

import numpy as np
from lxml import etree

from adapters.cn_ecommerce import envelope
from mappings.engine import spec
from mappings.errors import DataFault

Columns = dict[str, list[str]]
# Would make a text differ from what stands between its tags, or the message no XML: references, line ends, and these.
_UNLIKE = ("&", "\r", "]]>", "\ufffe", "\uffff")
_GAP = r"[ \t\n]*"
_JOINT = "\x00"  # stands in no XML
_OPENING = re.compile(rf"(<[^<>]+>){_GAP}<((?:[A-Za-z_][\w.-]*:)?)([A-Za-z]\w*)>{_GAP}", re.ASCII)


@lru_cache(maxsize=64)
def _leaf(mark: str) -> re.Pattern[str]:
    """An element with this prefix that has text alone: its name and its text."""
    return re.compile(rf"<({re.escape(mark)}\w+)>([^<]*)</\1>{_GAP}", re.ASCII)


def plain(message: bytes) -> bool:
    """Whether a message has no control characters but tabs and line ends (one in UTF-16 has)."""
    octets = np.frombuffer(message, np.uint8)
    return set(octets[octets < ord(" ")].tolist()) <= {ord("\n"), ord("\t"), ord("\r")}


def columns(text: str, kinds: Collection[str]) -> tuple[str, Columns] | None:
    """A message's type, one of `kinds`, and its documents' texts by tag, '' where a field is absent.

    None where it is not that regular. `text` is the message without its declaration; `plain` must be true of it.
    """
    start = None if any(mark in text for mark in _UNLIKE) else _OPENING.match(text)
    if start is None:
        return None
    pieces, mark = text.split("</"), start[2]
    root = _root(start[1], pieces[-1])
    if root is None or envelope.name(root) not in kinds or mark != (f"{root.prefix}:" if root.prefix else ""):
        return None
    kind = spec.load(envelope.name(root))
    known = [item.tag for item in kind.segments[kind.document].fields]
    leaves, end = _first(text, start.end(), mark)
    names = [leaf[1].removeprefix(mark) for leaf in leaves]
    if start[3] != kind.document or not names or len(set(names)) != len(names) or not set(names) <= set(known):
        return None
    count, rest = divmod(len(pieces) - 2, len(names) + 1)
    # As many start tags as end tags, and all those as in the first document: no element goes unseen.
    found = None if rest or text.count("<") != 2 * (len(pieces) - 1) else _texts(text, pieces, start, leaves, end)
    if found is None:
        return None
    by_name = dict(zip(names, found, strict=True))
    return kind.type, {tag: by_name.get(tag) or [""] * count for tag in known}


def _root(opening: str, closing: str) -> etree._Element | None:
    """The root element by its tags; None where they make none."""
    try:
        return envelope.parse_text(f"{opening}</{closing}")
    except DataFault:
        return None


def _first(text: str, at: int, mark: str) -> tuple[list[re.Match[str]], int]:
    """The elements of the first document, from `at` on, and where they end."""
    leaves, leaf = [], _leaf(mark)
    while found := leaf.match(text, at):
        leaves.append(found)
        at = found.end()
    return leaves, at


def _texts(
    text: str, pieces: Sequence[str], start: re.Match[str], leaves: Sequence[re.Match[str]], end: int
) -> list[list[str]] | None:
    """Every document's texts, by place of the element; None where one document is not as the first.

    A piece is what follows the mark of an end tag: its name, the start tags after it, and a text.
    """
    period, document = len(leaves) + 1, re.escape(start[2] + start[3])
    ends = [leaf.end(2) + len("</") for leaf in leaves]  # where the pieces of the first document begin
    last = pieces[len(leaves) : -2 : period]
    if last.count(text[ends[-1] : end]) != len(last) or not re.fullmatch(f"{document}>{_GAP}", pieces[-2]):
        return None
    between = pieces[period:-2:period]
    joint = re.match(f"{document}>{_GAP}<{document}>{_GAP}<{re.escape(leaves[0][1])}>", between[0]) if between else None
    firsts = _after(joint[0], between) if joint else None if between else []
    rest = [
        _after(text[ends[place - 1] : leaf.start(2)], pieces[place:-2:period])
        for place, leaf in enumerate(leaves[1:], 1)
    ]
    if firsts is None or any(found is None for found in rest):
        return None
    return [[leaves[0][2], *firsts], *(found for found in rest if found is not None)]


def _after(prefix: str, pieces: Sequence[str]) -> list[str] | None:
    """What stands after `prefix` in each piece; None where one begins otherwise."""
    found = (_JOINT + _JOINT.join(pieces)).split(_JOINT + prefix)
    return found[1:] if len(found) == len(pieces) + 1 else None
