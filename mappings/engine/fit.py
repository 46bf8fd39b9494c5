"""Does a value fit its field? What would fail the schema is found by column, before anything is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from mappings.canonical.columns import SCALE_DIGITS
from mappings.engine.rows import Rows, texts
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
    most = (item.length or SCALE_DIGITS + 14) - (item.decimals or 0)
    return "too_big" if len(whole) > most or len(rest) > (item.decimals or 0) else ""


def _of_field(spec: MessageSpec, segment: Segment, item: Field, rows: Rows, outer_count: int) -> Iterator[Misfit]:
    value = texts(spec, item, rows)
    if isinstance(value, str):
        problem = _problem(item, value)
        if problem:
            yield Misfit(segment.tag, item, problem, value, np.arange(outer_count))
        return
    bad = {text: problem for text in set(value) if (problem := _problem(item, text))}
    if not bad:
        return
    column = np.array(value, dtype=object)
    for text, problem in bad.items():
        at = np.flatnonzero(column == text)
        owner = at if rows.owner is None else np.unique(rows.owner[at])
        coded = problem == "empty" and bool(item.code and item.source)
        yield Misfit(segment.tag, item, "no_code" if coded else problem, text, owner)


def misfits(spec: MessageSpec, rows: Rows, lists: Mapping[str, Rows] | None = None) -> list[Misfit]:
    """All misfits of a type's documents, lists too long or too short among them."""
    found: list[Misfit] = []

    def visit(tag: str, here: Rows, repeated: bool) -> None:
        segment = spec.segments[tag]
        for item in segment.fields:
            found.extend(_of_field(spec, segment, item, here, rows.count))
        for child_tag in segment.contains:
            child = spec.segments[child_tag]
            if not child.repeats:
                visit(child_tag, here, repeated)
            elif lists and child_tag in lists:
                below = lists[child_tag]
                visit(child_tag, Rows(below.values, below.count, below.owner, here), True)
                counts = np.bincount(below.owner, minlength=rows.count) if below.owner is not None else np.array([0])
                wrong = np.flatnonzero((counts < child.least) | (counts > (child.most or 2**31)))
                if len(wrong):
                    count = Field("count", "N", None, False, None, "M", zh="项数", en="number of lines")
                    found.append(Misfit(child_tag, count, "count", f"{child.least}..{child.most}", wrong))

    visit(spec.document, rows, False)
    return found
