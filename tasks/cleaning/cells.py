"""Texts into canonical values, each distinct text once.

A column is cut into its distinct texts and the number of the text in each row; what follows works on the distinct ones.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mappings import codes
from mappings.canonical import coded as coded_texts
from mappings.profiles import Field

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff\ufeff\u200b]")
_TRUE = frozenset({"1", "y", "yes", "true", "t", "x", "是", "已取消", "cancelled", "canceled"})
_FALSE = frozenset({"0", "n", "no", "false", "f", "", "否"})


NONE_YET = pd.Series(dtype="str")  # the values of cells that are not typed yet


@dataclass
class Distinct:
    """A column as distinct texts and, for each row, the number of its text."""

    codes: np.ndarray
    texts: list[str]
    raw: list[str] = field(default_factory=list)

    def take(self, values: list[str]) -> pd.Series:
        """`values` (one a distinct text) laid out by row, as a text column."""
        return coded_texts.column_of(self.codes, coded_texts.listed(values))


@dataclass
class Cells:
    """A typed column and its notes: fault code -> distinct texts (by number) that it concerns, with another value."""

    values: pd.Series
    distinct: Distinct
    notes: dict[str, dict[int, str]] = field(default_factory=dict)

    def note(self, code: str, number: int, other: str = "") -> None:
        """Remember that a distinct text has the fault `code`."""
        self.notes.setdefault(code, {})[number] = other


def distinct(values: pd.Series) -> Distinct:
    """The distinct texts of a column."""
    found = coded_texts.coded(coded_texts.array_of(values))
    return Distinct(found.indices.to_numpy(), found.dictionary.to_pylist())


def constant(text: str, length: int) -> Distinct:
    """A column in which the same text stands everywhere."""
    return Distinct(np.zeros(length, dtype=np.int64), [text])


def _simple(text: str) -> bool:
    return text.isascii() and text.isprintable() and text[:1] != " " and text[-1:] != " " and "  " not in text


def _all_simple(texts: list[str]) -> bool:
    """Whether every text is simple, asked of all at once."""
    joined = "|".join(texts)
    plain = joined.isascii() and joined.isprintable() and "  " not in joined
    return plain and "| " not in joined and " |" not in joined and joined[:1] != " " and joined[-1:] != " "


def tidy(found: Distinct, one: Field, empty: frozenset[str], wide: bool, squeeze: str) -> tuple[list[str], Cells]:
    """The distinct texts without outer space, control characters, aliases and marks of emptiness; and the notes."""
    notes = Cells(NONE_YET, found)
    made: list[str] = []
    blank = empty - {""}
    if not (one.aliases or blank or one.extract or squeeze or one.default or one.pad) and _all_simple(found.texts):
        return found.texts, notes
    for number, raw in enumerate(found.texts):
        text = raw if _simple(raw) else _clean(raw, number, wide, notes)
        if one.aliases:
            text = one.aliases.get(codes.folded(text), text)
        if blank and codes.folded(text) in blank:
            text = ""
        if one.extract and text:
            match = re.search(one.extract, text)
            text = (match.group(1) or "").strip() if match else ""
        if squeeze:
            text = text.translate({ord(c): None for c in squeeze})
        made.append((text.zfill(one.pad) if text.isdigit() else text) or one.default or "")
    return made, notes


def _clean(raw: str, number: int, wide: bool, notes: Cells) -> str:
    text = _ILLEGAL.sub(" ", raw.lstrip("\ufeff"))
    if text != raw:
        notes.note("TXT-002", number)
    if wide:
        half = unicodedata.normalize("NFKC", text)
        if half.split() != text.split():
            notes.note("TXT-003", number)
        text = half
    else:
        text = unicodedata.normalize("NFC", text)
    return " ".join(text.split())


def coded(texts: list[str], kind: str, one: Field, notes: Cells) -> list[str]:
    """The canonical codes of texts; what no list knows is '' and noted (VAL-003)."""
    walk = codes.crosswalk(one.codes) if one.codes else {}
    known = set(walk.values())
    made = []
    for number, text in enumerate(texts):
        code = walk.get(text, "") if one.codes else codes.lookup(kind, text) if text else ""
        code = code or (text if text in known else "")
        if text and not code:
            notes.note("VAL-003", number)
        made.append(code)
    return made


def flags(texts: list[str], one: Field, notes: Cells) -> np.ndarray:
    """True or false of texts: by the profile's pattern, else by the usual words. Notes VAL-006."""
    if one.matches:
        pattern = re.compile(one.matches)
        return np.array([bool(pattern.search(text)) for text in texts], dtype=bool)
    made = np.zeros(len(texts), dtype=bool)
    for number, text in enumerate(texts):
        word = codes.folded(text)
        made[number] = word in _TRUE
        if word not in _TRUE and word not in _FALSE:
            notes.note("VAL-006", number)
    return made
