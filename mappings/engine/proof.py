"""Whether columns pass the strict schema's facets, told of whole columns: no document has to be read again for it.

A column that passes here passes libxml2 too; one that does not may still pass there (a number with too many zeros
before it), so that who asks has the documents read then. What the facets are: schema.py.
"""

from __future__ import annotations

from functools import lru_cache, partial

import pyarrow as pa
import pyarrow.compute as pc

from mappings.canonical.coded import once
from mappings.engine import columns
from mappings.engine.spec import Field, Segment

_DIGITS = 18  # of a number to which the schema sets no limit


def passes(item: Field, texts: str | pa.LargeStringArray) -> bool:
    """Whether all texts of a field, not escaped, surely pass; '' is left out of the message where it may be."""
    if isinstance(texts, str):
        return _constant(item, texts)
    return once(texts, f"passes {item.notation} {item.use}", partial(_column, item))


def lines_pass(segment: Segment, least: int, most: int) -> bool:
    """Whether a repeated segment may stand so few and so many times in a document."""
    return least >= segment.least and (segment.most is None or most <= segment.most)


@lru_cache(maxsize=4096)
def _constant(item: Field, text: str) -> bool:
    return _column(item, columns.column([text]))


def _column(item: Field, texts: pa.LargeStringArray) -> bool:
    sizes = columns.sizes(texts)
    if item.use == "M" and not sizes.all():
        return False
    if item.kind == "N":
        return pc.all(pc.match_substring_regex(pc.unique(texts), _number(item)), min_count=0).as_py() is True
    if not item.length or (not item.fixed and sizes.max(initial=0) <= item.length):
        return True
    lengths = pc.utf8_length(texts).to_numpy(zero_copy_only=False)
    return bool((lengths[sizes > 0] == item.length).all() if item.fixed else (lengths <= item.length).all())


def _number(item: Field) -> str:
    """What a number may look like: as many digits before its point as the schema leaves beside all its decimals."""
    whole = (item.length or _DIGITS) - (item.decimals or 0)
    point = rf"(\.[0-9]{{1,{item.decimals}}})?" if item.decimals else ""
    return rf"\A(-?[0-9]{{1,{whole}}}{point})?\z"  # nothing is refused above where it must not be left out
