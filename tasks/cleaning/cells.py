"""Texts into canonical values, each distinct text once.

A column is cut into its distinct texts and the number of the text in each row; what follows works on the distinct ones.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from mappings import codes
from mappings.canonical.columns import SCALE
from mappings.errors import ConfigurationError
from mappings.profiles import Field

JOINT = "\x1f"  # between a number and its unit where the unit stands in a column of its own
LIMIT = 9 * 10**18  # of a scaled integer (64 bits): fourteen digits before the point are within it
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff\ufeff\u200b]")
_PLAIN = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,5})?")
_SIGNS = "£$€¥￥ \u00a0\u202f"
_TRUE = frozenset({"1", "y", "yes", "true", "t", "x", "是", "已取消", "cancelled", "canceled"})
_FALSE = frozenset({"0", "n", "no", "false", "f", "", "否"})


@dataclass
class Distinct:
    """A column as distinct texts and, for each row, the number of its text."""

    codes: np.ndarray
    texts: list[str]
    raw: list[str] = field(default_factory=list)

    def take(self, values: list[str]) -> pd.Series:
        """`values` (one a distinct text) laid out by row, as a text column."""
        return pd.Series(pd.array(values, dtype="str").take(self.codes), dtype="str")


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
    numbers, texts = pd.factorize(values)
    return Distinct(numbers, [str(t) for t in texts.tolist()])


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
    notes = Cells(pd.Series(dtype="str"), found)
    made: list[str] = []
    blank = empty - {""}
    if not (one.aliases or blank or one.extract or squeeze or one.default) and _all_simple(found.texts):
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
        made.append(text or one.default or "")
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


def _grouping(one: Field) -> str:
    if one.grouping is not None:
        return one.grouping
    return "," if one.decimal == "." else "."


def _number(text: str, one: Field, grouping: str) -> Decimal | None:
    """A text as a number; None when it is none. Groups must be groups of three."""
    plain = text.strip(_SIGNS).replace("\u00a0", " ").replace("\u2212", "-")
    if grouping and grouping in plain:
        whole, point, rest = plain.partition(one.decimal)
        if not re.fullmatch(rf"[-+]?\d{{1,3}}(?:{re.escape(grouping)}\d{{3}})+", whole):
            return None
        plain = whole.replace(grouping, "") + point + rest
    plain = plain.replace(" ", "") if re.fullmatch(r"[-+]?\d{1,3}( \d{3})+\D?\d*", plain) else plain
    if one.decimal == ",":
        plain = plain.replace(",", ".", 1)
    if plain.isascii() and re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,2})?", plain):
        try:
            return Decimal(plain)
        except InvalidOperation:
            return None
    return None


def decimals(texts: list[str], one: Field, notes: Cells, whole: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Scaled integers (whole: plain integers) of texts and a mask of the missing. Notes VAL-001 and VAL-005."""
    values, absent = np.zeros(len(texts), dtype=np.int64), np.zeros(len(texts), dtype=bool)
    grouping, step = _grouping(one), 1 if whole else SCALE
    simple = one.decimal == "." and not (one.scale or one.unit or one.unit_from or one.minor_unit or whole)
    for number, text in enumerate(texts):
        if not text:
            absent[number] = True
        elif simple and _PLAIN.fullmatch(text):
            front, _, rest = text.partition(".")
            amount = int(front) * SCALE + (int(f"{rest:0<5}") if front[0] != "-" else -int(f"{rest:0<5}"))
            values[number] = amount
        else:
            scaled = _scaled(text, one, grouping, step)
            if scaled is None:
                absent[number] = bool(not text.partition(JOINT)[0])
                if not absent[number]:
                    notes.note("VAL-001", number)
                absent[number] = True
                continue
            exact, values[number] = scaled
            if not exact:
                notes.note("VAL-001" if whole else "VAL-005", number, str(Decimal(int(values[number])) / SCALE))
                absent[number] = whole
    return values, absent


def _scaled(text: str, one: Field, grouping: str, step: int) -> tuple[bool, int] | None:
    text, _, unit = text.partition(JOINT)
    number = _number(text, one, grouping) if text else None
    factor = _factor(one, unit)
    if number is None or factor is None:
        return None
    amount = number * factor * step
    rounded = amount.to_integral_value(rounding=ROUND_HALF_UP)
    return None if abs(rounded) > LIMIT else (amount == rounded, int(rounded))


def _factor(one: Field, unit: str) -> Decimal | None:
    factor = Decimal(one.scale or 1)
    if one.minor_unit:
        try:
            return factor.scaleb(-codes.minor_digits(codes.currency(unit)))
        except ConfigurationError:
            return None
    if one.unit_from or one.unit:
        kilograms = codes.kilograms(codes.unit(unit if one.unit_from and unit else one.unit or unit))
        return factor * Decimal(kilograms) if kilograms else None
    return factor


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


def times(texts: list[str], one: Field, notes: Cells) -> pd.DatetimeIndex:
    """Instants (UTC) of texts, read in the field's forms; a text without offset is local to its zone. Notes VAL-002."""
    made = np.full(len(texts), np.datetime64("NaT", "us"))
    todo = np.array([bool(text) for text in texts], dtype=bool)
    source = pd.Series(texts, dtype="object")
    for form in one.formats or ("iso",):
        if todo.any():
            found = _instants(source[todo].reset_index(drop=True), form, one.timezone)
            made[todo] = found.tz_convert(None).as_unit("us").to_numpy()
            todo &= np.isnat(made)
    for number in np.flatnonzero(todo):
        notes.note("VAL-002", int(number))
    return pd.DatetimeIndex(made).tz_localize("UTC")


_OFFSET = re.compile(r"(?:[zZ]|[+-]\d\d:?\d\d)$")
_NUMERIC = {"unix": (1_000, "1970-01-01"), "unix_ms": (1, "1970-01-01"), "excel": (86_400_000, "1899-12-30")}


def _instants(texts: pd.Series, form: str, zone: str) -> pd.DatetimeIndex:
    if form in _NUMERIC:
        milliseconds, origin = _NUMERIC[form]
        numbers = (pd.to_numeric(texts, errors="coerce") * milliseconds).round()
        naive = pd.Timestamp(origin) + pd.to_timedelta(numbers, unit="ms", errors="coerce")
        return _utc(pd.DatetimeIndex(naive), "UTC" if form != "excel" else zone)
    if form == "iso":
        aware = (texts.str.contains(_OFFSET) & texts.str.contains(":", regex=False)).to_numpy(dtype=bool)
        made = np.full(len(texts), np.datetime64("NaT", "us"))
        offset = pd.to_datetime(texts[aware], format="ISO8601", utc=True, errors="coerce")
        made[aware] = pd.DatetimeIndex(offset).tz_convert(None).as_unit("us").to_numpy()
        local = pd.DatetimeIndex(pd.to_datetime(texts[~aware], format="ISO8601", errors="coerce"))
        made[~aware] = _utc(local, zone).tz_convert(None).to_numpy()
        return pd.DatetimeIndex(made).tz_localize("UTC")
    if "%z" in form:
        return pd.DatetimeIndex(pd.to_datetime(texts, format=form, utc=True, errors="coerce"))
    return _utc(pd.DatetimeIndex(pd.to_datetime(texts, format=form, errors="coerce")), zone)


def _utc(naive: pd.DatetimeIndex, zone: str) -> pd.DatetimeIndex:
    local = naive.tz_localize(ZoneInfo(zone), ambiguous=np.zeros(len(naive), bool), nonexistent="shift_forward")
    return local.tz_convert("UTC").as_unit("us")
