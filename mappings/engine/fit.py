"""Does a value fit its field? What would fail the schema is found by column, before anything is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mappings.canonical.columns import SCALE_DIGITS
from mappings.engine import codes, columns
from mappings.engine.rows import Rows, column_of, translated
from mappings.engine.spec import Field, MessageSpec, Segment

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True)
class Misfit:
    """A value that its field cannot take. `rows` are the documents it stands in (all of them for a constant)."""

    segment: str
    field: Field
    problem: str  # empty, too_long, wrong_length, too_big, no_code, character
    value: str
    documents: np.ndarray


def _problem(item: Field, text: str) -> str:
    if not text:
        return "empty" if item.use == "M" else ""
    if item.kind == "C":
        if item.fixed and len(text) != item.length:
            return "wrong_length"
        if item.length and len(text) > item.length:
            return "too_long"
        return "character" if _ILLEGAL.search(text) else ""
    whole, _, rest = text.lstrip("-").partition(".")
    most = _digits(item)
    return "too_big" if len(whole) > most[0] or len(rest) > most[1] else ""


def _uncoded(item: Field) -> Field:
    """The same field, as its value stands before the way into the authority's codes."""
    return replace(item, code="", default="")


def _coded(spec: MessageSpec, item: Field, raw: list[str], rows: Rows) -> dict[str, str]:
    """Values without a code of the authority: these must not vanish from optional fields either."""
    listed = codes.load(spec.authority, item.code).codes
    code = zip(raw, translated(spec, item, raw, rows), strict=True)
    lost = (text for text, found in code if text and (found or item.default) not in listed)
    missing = item.use == "M" and "" in raw and not item.default
    return dict.fromkeys(lost, "no_code") | ({"": "empty"} if missing else {})


def _digits(item: Field) -> tuple[int, int]:
    """The most digits before and after the point."""
    return (item.length or SCALE_DIGITS + 14) - (item.decimals or 0), item.decimals or 0


def _numbers_fit(item: Field, column: pa.LargeStringArray) -> bool:
    """Whether all numbers surely fit: a sign counts as a digit here."""
    distinct = pc.unique(column)
    sizes, point = columns.sizes(distinct), pc.find_substring(distinct, ".").to_numpy()
    whole, most = np.where(point < 0, sizes, point), _digits(item)
    return bool(
        (whole <= most[0]).all() and (sizes - whole <= most[1] + 1).all() and (most[1] or not (point >= 0).any())
    )


def _all_fit(item: Field, column: pa.LargeStringArray) -> bool:
    """Whether all texts surely fit: the way of nearly every column, without a look at each."""
    sizes = columns.sizes(column)
    if item.use == "M" and not sizes.all():
        return False
    if item.kind == "N":
        return _numbers_fit(item, column)
    if columns.needs_a_look(column):
        return False
    if not item.length or (not item.fixed and sizes.max(initial=0) <= item.length):
        return True
    lengths = pc.utf8_length(column).to_numpy(zero_copy_only=False)
    return bool((lengths[sizes > 0] == item.length).all() if item.fixed else (lengths <= item.length).all())


def _bad(spec: MessageSpec, item: Field, raw: str | pa.LargeStringArray, rows: Rows) -> dict[str, str]:
    """The texts of a column that cannot stand in the message, each with its problem."""
    if not isinstance(raw, str) and not (item.code and item.source) and _all_fit(item, raw):
        return {}
    distinct = [raw] if isinstance(raw, str) else columns.distinct(raw)
    if item.code and item.source:
        return _coded(spec, item, distinct, rows)
    return {text: problem for text in distinct if (problem := _problem(item, text))}


def _of_field(spec: MessageSpec, segment: Segment, item: Field, rows: Rows, documents: int) -> Iterator[Misfit]:
    raw = column_of(spec, _uncoded(item) if item.code and item.source else item, rows)
    bad = _bad(spec, item, raw, rows)
    if isinstance(raw, str):
        yield from (Misfit(segment.tag, item, problem, text, np.arange(documents)) for text, problem in bad.items())
        return
    for text, at in columns.rows_of(raw, bad).items() if bad else ():
        owner = at if rows.owner is None else np.unique(rows.owner[at])
        yield Misfit(segment.tag, item, bad[text], text, owner)


def misfits(spec: MessageSpec, rows: Rows, lists: Mapping[str, Rows] | None = None) -> list[Misfit]:
    """All misfits of a type's documents, lists too long or too short among them."""
    found: list[Misfit] = []

    def visit(tag: str, here: Rows) -> None:
        segment = spec.segments[tag]
        for item in segment.fields:
            found.extend(_of_field(spec, segment, item, here, rows.count))
        for child_tag in segment.contains:
            child = spec.segments[child_tag]
            if not child.repeats:
                visit(child_tag, here)
            elif lists and child_tag in lists:
                below = lists[child_tag]
                visit(child_tag, below.within(here))
                counts = np.bincount(below.owner, minlength=rows.count) if below.owner is not None else np.array([0])
                wrong = np.flatnonzero((counts < child.least) | (counts > (child.most or 2**31)))
                if len(wrong):
                    count = Field("count", "N", None, False, None, "M", zh="项数", en="number of lines")
                    found.append(Misfit(child_tag, count, "count", f"{child.least}..{child.most}", wrong))

    visit(spec.document, rows)
    return found
