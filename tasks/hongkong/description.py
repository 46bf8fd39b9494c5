"""The article description of thousands of parcels (description.yaml): chapters by name, the rest by number; no cut.

WCO 137 Commodity/Description is an..512. Dutiable and sensitive goods are named first, however few they are.
"""

from __future__ import annotations

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
    """One kind of goods: its name, how many goods lines, and how many HS chapters it stands for."""

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
    first = []
    for item in rule["always"]:
        hit = hs.str.startswith(item["hs"])
        if hit.any():
            first.append(Kind(item.get("name") or names[item["hs"]].name_en, int(hit.sum())))
        hs = hs[~hit]
    chapter = hs.str[:2]
    known = chapter.isin(set(names))
    counts = chapter[known].value_counts()
    order = sorted(counts.items(), key=lambda kv: (-int(kv[1]), str(kv[0])))
    return first, [Kind(names[str(c)].name_en, int(n)) for c, n in order], int((~known).sum())


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
