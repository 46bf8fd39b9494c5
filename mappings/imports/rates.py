"""Tax rates as a company keeps them with its goods: rates.csv and rounding.yaml in one folder, both dated.

The folder that ships (made_up/) is an example and says so. Columns of rates.csv: see its head lines.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from mappings import codes, yamls
from mappings.canonical.columns import scaled
from mappings.errors import ConfigurationError
from mappings.imports.exact import MODES
from mappings.imports.parameters import in_force

SHIPPED = Path(__file__).parent / "made_up"
RATES, ROUNDING = "rates.csv", "rounding.yaml"
_FOREVER = date(9999, 12, 31)
_PERCENT = ("vat", "consumption", "duty")
_PER_UNIT = ("consumption_per_unit", "duty_per_unit")


@dataclass(frozen=True)
class Rate:
    """One row: ratios of the price (VAT, consumption tax, duty) and yuan for one unit; `place` names file and line."""

    hs_code: str
    since: date
    until: date
    vat: Fraction
    consumption: Fraction
    consumption_per_unit: Fraction
    duty: Fraction
    duty_per_unit: Fraction
    unit: str
    price_from: int | None
    place: str

    @property
    def specific(self) -> bool:
        """Whether the tax depends on a quantity, so that the line needs one in `unit`."""
        return bool(self.consumption_per_unit or self.duty_per_unit or self.price_from is not None)


@dataclass(frozen=True)
class Rounding:
    """How taxes are rounded: to multiples of `step` (scaled), by `mode`, each line or the parcel's sum."""

    mode: str
    step: int
    where: str


@dataclass(frozen=True)
class Rates:
    """A company's table of rates."""

    rows: tuple[Rate, ...]
    rounding: tuple[Mapping[str, Any], ...]
    made_up: bool = False

    def candidates(self, hs_code: str, day: date) -> list[int]:
        """Numbers of the rows for a code on a day: those of the longest beginning of it, by rising price."""
        held = [n for n, r in enumerate(self.rows) if hs_code.startswith(r.hs_code) and r.since <= day <= r.until]
        longest = max((len(self.rows[n].hs_code) for n in held), default=0)
        found = [n for n in held if len(self.rows[n].hs_code) == longest]
        return sorted(found, key=lambda n: self.rows[n].price_from or 0)

    def rounds(self, day: date) -> Rounding:
        """The rounding on a day. Raises ConfigurationError before its first."""
        held = in_force(self.rounding, day)
        if held is None:
            raise ConfigurationError(f"{ROUNDING} says nothing of {day} 该日期没有舍入规则: add an earlier `from`")
        return Rounding(held["mode"], 10 ** (5 - int(held["digits"])), held["where"])


def read(folder: Path) -> Rates:
    """The table in a folder. Raises ConfigurationError that names file, line and value."""
    rounding, rates = folder / ROUNDING, folder / RATES
    try:
        lines = rates.read_text(encoding="utf-8-sig").splitlines()
        said = yamls.load((rounding if rounding.is_file() else SHIPPED / ROUNDING).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigurationError(f"The tax table in {folder.name} cannot be read 税率表无法读取: {error}") from error
    numbered = [(n, line) for n, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    rows = csv.DictReader(line for _, line in numbered)
    made = tuple(_rate(row, f"{RATES}:{n}") for (n, _), row in zip(numbered[1:], rows, strict=True))
    _refuse_overlaps(made)
    return Rates(made, _rounding(said), made_up=folder == SHIPPED)


@lru_cache
def shipped() -> Rates:
    """The made-up example."""
    return read(SHIPPED)


def _rounding(said: Any) -> tuple[Mapping[str, Any], ...]:
    entries: Sequence[Mapping[str, Any]] = said.get("rounding") or [] if isinstance(said, dict) else []
    for one in entries:
        fits = one.get("mode") in MODES and one.get("where") in ("line", "parcel") and isinstance(one.get("from"), date)
        if not fits or one.get("digits") not in range(6):
            raise ConfigurationError(
                f"{ROUNDING}: each entry has from, mode ({', '.join(MODES)}), digits (0-5), "
                "where (line, parcel) 格式有误"
            )
    return tuple(entries)


def _rate(row: Mapping[str, str | None], place: str) -> Rate:
    """A row, judged."""
    said = {name: (value or "").strip() for name, value in row.items() if isinstance(name, str) and name}
    unit = said.get("unit", "")
    code = said.get("hs_code", "")
    if not (code.isascii() and code.isdigit() and 2 <= len(code) <= 10):
        raise _wrong(place, "hs_code", code, "2 to 10 digits 2至10位数字")
    numbers = {name: _number(said, name, place) for name in (*_PERCENT, *_PER_UNIT)}
    ratios = {name: numbers[name] / 100 for name in _PERCENT}
    if ratios["consumption"] >= 1:
        raise _wrong(place, "consumption", said["consumption"], "below 100 须小于100")
    price_from = scaled(Decimal(said["price_from"])) if _given(said, "price_from", place) else None
    made = Rate(
        code, _day(said, "valid_from", place) or date.min, _day(said, "valid_to", place) or _FOREVER,
        ratios["vat"], ratios["consumption"], numbers["consumption_per_unit"], ratios["duty"],
        numbers["duty_per_unit"], codes.unit(unit), price_from, place,
    )  # fmt: skip
    if made.specific and not made.unit:
        raise _wrong(place, "unit", unit, "the unit (UN/ECE Rec 20 or its customs code) of what is counted 计量单位")
    return made


def _given(said: Mapping[str, str], name: str, place: str) -> bool:
    _number(said, name, place)
    return bool(said.get(name))


def _number(said: Mapping[str, str], name: str, place: str) -> Fraction:
    text = said.get(name) or "0"
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise _wrong(place, name, text, "a plain number 数字") from None
    if not number.is_finite() or number < 0:
        raise _wrong(place, name, text, "a number from 0 不小于0的数字")
    return Fraction(number)


def _day(said: Mapping[str, str], name: str, place: str) -> date | None:
    text = said.get(name, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise _wrong(place, name, text, "a day as 2026-01-31 日期") from None


def _wrong(place: str, name: str, value: str, wanted: str) -> ConfigurationError:
    return ConfigurationError(f"{place}: {name} reads {value!r} 税率表有误; write 请写 {wanted}")


def _refuse_overlaps(rows: Sequence[Rate]) -> None:
    """Two rows of one code and price may not hold on the same day: which one would be meant?"""
    latest: dict[tuple[str, int], Rate] = {}
    for row in sorted(rows, key=lambda r: (r.hs_code, r.price_from or 0, r.since)):
        before = latest.get((row.hs_code, row.price_from or 0))
        if before is not None and before.until >= row.since:
            raise ConfigurationError(
                f"{before.place} and {row.place} both hold for {row.hs_code} on {row.since} 税率重叠: "
                "give the first a valid_to"
            )
        latest[(row.hs_code, row.price_from or 0)] = row
