"""A message without people: every personal field masked, and what a free text may say of one.

Masked are the fields that the message files mark `personal`, contents without a form of their own (a free extension,
a whole message inside a receipt), and in long texts what follows the name of a personal field, as customs echoes it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from mappings.engine import spec
from mappings.engine.spec import Field
from mappings.engine.tree import CONTENT, Row, Tree

MASK = "***"
LONG = 500  # characters: a field that takes more is a text in free words
_ID_NUMBER = re.compile(
    r"(?<![0-9A-Za-z])[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])\d{3}[0-9Xx](?![0-9A-Za-z])"
)
_MOBILE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")


@lru_cache
def _echo() -> re.Pattern[str]:
    """A personal field's name, in the authority's spelling or in Chinese, and the value after it."""
    found = {name for t in spec.all_types() for _, f in spec.load(t).walk() if f.personal for name in (f.tag, f.zh)}
    names = "|".join(map(re.escape, sorted(found, key=len, reverse=True)))
    return re.compile(rf"((?:{names})\s*[:：\[]?\s*)([^,，;；\[\]]+)")


def words(text: str) -> str:
    """A text in free words without the people in it, as far as their fields' names or numbers show them."""
    return _MOBILE.sub(MASK, _ID_NUMBER.sub(MASK, _echo().sub(rf"\1{MASK}", text)))


def _value(item: Field | None, text: str) -> str:
    if item is None or item.personal or (item.kind == "C" and item.length is None):
        return MASK if text else text
    return words(text) if item.kind == "C" and (item.length or 0) >= LONG else text


def masked(tree: Tree) -> Tree:
    """The same message with people's values masked. It cannot be turned back into XML."""
    rows = {}
    for tag, given in tree.rows.items():
        items: dict[str, Field | None] = {item.tag: item for item in tree.spec.segments[tag].fields}
        items[CONTENT] = None
        rows[tag] = [Row(r.parent, {name: _value(items[name], text) for name, text in r.values.items()}) for r in given]
    return replace(tree, rows=rows, masked=True)
