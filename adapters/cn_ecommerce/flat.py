"""Receipt messages that are as regular as customs writes them, read by column straight from their text.

Only where every document has the same elements in the same order, plain text in each and nothing else between: then a
column is every n-th text. Whatever differs from that (None) is read element by element from the tree.
"""

from __future__ import annotations

import re
from functools import lru_cache

from lxml import etree

from adapters.cn_ecommerce import envelope
from mappings.engine import spec

# Each would make a text differ from what stands between its tags: comments and CDATA, references, line ends, <x/>.
_UNLIKE = ("<!", "&", "\r", "/>")


@lru_cache
def _leaf(mark: str) -> re.Pattern[str]:
    """An element with this prefix that has text alone: its name and its text."""
    return re.compile(f"<{re.escape(mark)}([A-Za-z0-9_]+)>([^<]*)</")


def columns(text: str, root: etree._Element) -> dict[str, list[str]] | None:
    """The documents' texts by tag, '' where a field is absent; None where the message is not that regular.

    `text` is the message without its declaration, `root` what it was parsed to.
    """
    if any(mark in text for mark in _UNLIKE) or "<?" in text:
        return None
    kind, mark, count = spec.load(envelope.name(root)), f"{root.prefix}:" if root.prefix else "", len(root)
    document = kind.segments[kind.document]
    found = _leaf(mark).findall(text)
    if not count or len(found) % count or text.count(f"<{mark}{kind.document}>") != count:
        return None
    width = len(found) // count
    names = [name for name, _ in found[:width]]
    known = [item.tag for item in document.fields]
    # Every end tag is that of a text, a document or the root: no element went unseen (attributes, other prefixes).
    whole = text.count("</") == len(found) + count + 1
    if not whole or len(set(names)) != width or not set(names) <= set(known):
        return None
    if [name for name, _ in found] != names * count:
        return None
    texts = [value for _, value in found]
    at = {name: place for place, name in enumerate(names)}
    return {tag: texts[at[tag] :: width] if tag in at else [""] * count for tag in known}
