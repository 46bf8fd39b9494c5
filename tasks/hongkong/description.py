"""The article description of thousands of parcels (description.yaml): chapters by name, the rest by number; no cut.

WCO 137 Commodity/Description is an..512. Dutiable and sensitive goods are named first, however few they are.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mappings.canonical.batch import Batch
from mappings.engine import codes
from mappings.hk_road.tables import table
from tasks.hongkong.record import Entry

_TARGET, _SOURCE = "Commodity/Description", "line.hs_code"


@dataclass(frozen=True)
class Kind:
    """One kind of goods: its name and how many goods lines it has."""

    name: str
    lines: int


def article(batch: Batch) -> tuple[str, list[Entry]]:
    """The description, and the entries that say what it leaves unsaid."""
    rule = table("description")
    hs = batch.lines["line.hs_code"].astype(str)
    first, others, unclassified = _kinds(hs, rule)
    named = first + others
    for many in range(min(len(named), max(rule["most"], len(first))), -1, -1):
        text = _text(batch, rule, named[:many], named[many:], unclassified)
        if len(text) <= rule["length"]:
            return text, _entries(named[many:], unclassified, len(hs))
    return _text(batch, rule, [], named, unclassified), _entries(named, unclassified, len(hs))


def _kinds(hs: pd.Series, rule: dict[str, Any]) -> tuple[list[Kind], list[Kind], int]:
    """Kinds to be named in any case, the other chapters by number of lines, and the number of lines without a code."""
    names = codes.load("hk_road", "hs_chapter").codes
    counts = {str(code): int(n) for code, n in hs.value_counts().items()}
    first = []
    for item in rule["always"]:
        hit = [code for code in counts if code.startswith(item["hs"])]
        if hit:
            first.append(Kind(item.get("name") or names[item["hs"]].name_en, sum(counts.pop(code) for code in hit)))
    chapters: Counter[str] = Counter()
    for code, n in counts.items():
        chapters[code[:2]] += n
    order = sorted(chapters.items(), key=lambda item: (-item[1], item[0]))
    known = [Kind(names[chapter].name_en, n) for chapter, n in order if chapter in names]
    return first, known, sum(n for chapter, n in order if chapter not in names)


def _text(batch: Batch, rule: dict[str, Any], named: list[Kind], rest: list[Kind], unclassified: int) -> str:
    parts = [kind.name for kind in named]
    if rest:
        parts.append(rule["rest"].format(chapters=len(rest), lines=sum(k.lines for k in rest)))
    if unclassified:
        parts.append(rule["unclassified"].format(lines=unclassified))
    return rule["template"].format(parcels=len(batch.parcels), goods=rule["separator"].join(parts))


def _entries(rest: list[Kind], unclassified: int, total: int) -> list[Entry]:
    entries = [Entry(_TARGET, _SOURCE, "rounded", total, "", "goods lines are summarised by HS chapter")]
    if rest:
        note = f"{len(rest)} chapters did not fit by name and are given as a number: {', '.join(k.name for k in rest)}"
        entries.append(Entry(_TARGET, _SOURCE, "dropped", sum(k.lines for k in rest), rest[0].name, note))
    if unclassified:
        entries.append(
            Entry(_TARGET, _SOURCE, "no_equal", unclassified, "", "lines without an HS code, given as a number")
        )
    return entries
