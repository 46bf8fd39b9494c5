"""Texts into numbers: scaled integers of any writing that a profile describes, exact or told."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

import numpy as np

from mappings import codes
from mappings.canonical.columns import SCALE
from mappings.errors import ConfigurationError
from mappings.profiles import Field
from tasks.cleaning.cells import Cells

JOINT = "\x1f"  # between a number and its unit where the unit stands in a column of its own
LIMIT = 9 * 10**18  # of a scaled integer (64 bits): fourteen digits before the point are within it
_PLAIN = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,5})?")
_SIGNS = "£$€¥￥ \u00a0\u202f"


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
    simple = one.decimal == "." and not (
        one.scale or one.unit or one.unit_from or one.unit_written or one.minor_unit or whole
    )
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


_WITH_UNIT = re.compile(r"(.*?\d[.,]?)\s*([^\W\d_][^\d]*)")  # a number and the unit behind it


def _apart(text: str, one: Field) -> tuple[str, str]:
    """The number and its unit: from a column beside, or written behind the number."""
    text, _, unit = text.partition(JOINT)
    if one.unit_written and (found := _WITH_UNIT.fullmatch(text.strip())):
        return found[1], found[2].strip()
    return text, unit


def _scaled(text: str, one: Field, grouping: str, step: int) -> tuple[bool, int] | None:
    text, unit = _apart(text, one)
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
    if one.unit_from or one.unit or unit:
        kilograms = codes.kilograms(codes.unit(unit or one.unit))
        return factor * Decimal(kilograms) if kilograms else None
    return factor
