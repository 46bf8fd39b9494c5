"""Import taxes of goods lines, exact to the last digit and rounded once (reference/cn_ecommerce/rules.md 6).

With P the taxable price, q the quantity in the rate's unit, d, c, v the rates of duty, consumption tax and VAT and
k, s the yuan for one unit of duty and consumption tax:

    D = (d P + k q) * share of the duty            B = (P + D + s q) / (1 - c)
    consumption tax = (c B + s q) * its share      VAT = v B * its share

Each is a * P + b * q with exact ratios a and b, the same for all lines of one rate row. Money is scaled by 100,000.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import lcm

import numpy as np
import pandas as pd

from mappings.canonical.columns import SCALE
from mappings.imports import parameters
from mappings.imports.exact import MODES, Column, handed_out, integers, objects, per_owner
from mappings.imports.rates import Rate, Rates, Rounding

TAXES = ("duty", "consumption", "vat")
NO_RATE, NO_QUANTITY = "no_rate", "no_quantity"


@dataclass(frozen=True)
class Goods:
    """Goods lines: taxable price, HS code, quantities by their units, their parcel, and whether it pays in full."""

    price: Column
    hs_code: pd.Series
    quantities: tuple[tuple[pd.Series, Column], ...]
    owner: Column
    full: Column

    def quantity_in(self, unit: str) -> tuple[Column, Column]:
        """Each line's quantity in a unit, and where it has one: the second legal one first, as the caller ordered."""
        amount, known = np.zeros(len(self.price), dtype=np.int64), np.zeros(len(self.price), dtype=bool)
        for units, quantity in self.quantities:
            fits = ~known & (units == unit).to_numpy(dtype=bool) & (quantity > 0)
            amount, known = np.where(fits, quantity, amount), known | fits
        return amount, known


@dataclass(frozen=True)
class Taxes:
    """The taxes of each line; `row` is its rate's number (-1: none), `problem` '' or why it has no taxes."""

    amounts: Mapping[str, Column]
    row: Column
    problem: Column


def shares(day: date, full: bool) -> dict[str, Fraction]:
    """What share of each tax is levied, within the limits or (full) over the single limit."""
    if full:
        return dict.fromkeys(TAXES, parameters.share("over_single_share", day))
    return {tax: parameters.share(f"{tax}_share", day) for tax in TAXES}


def factors(rate: Rate, share: Mapping[str, Fraction]) -> dict[str, tuple[Fraction, Fraction]]:
    """For each tax the ratios a (of the price) and b (of the quantity)."""
    duty = (rate.duty * share["duty"], rate.duty_per_unit * share["duty"])
    base = tuple(
        (own + levied) / (1 - rate.consumption)
        for own, levied in zip((Fraction(1), rate.consumption_per_unit), duty, strict=True)
    )
    per_unit = (Fraction(0), rate.consumption_per_unit)
    consumption = [(rate.consumption * b + s) * share["consumption"] for b, s in zip(base, per_unit, strict=True)]
    vat = [rate.vat * b * share["vat"] for b in base]
    return {"duty": duty, "consumption": (consumption[0], consumption[1]), "vat": (vat[0], vat[1])}


def rows_of(goods: Goods, rates: Rates, day: date) -> tuple[Column, Column]:
    """The number of each line's rate row, and '' or the problem where there is none."""
    row = np.full(len(goods.price), -1, dtype=np.int64)
    problem = np.full(len(goods.price), NO_RATE, dtype=object)
    numbers, distinct = pd.factorize(goods.hs_code)
    for code_number, code in enumerate(distinct):
        for candidate in rates.candidates(str(code), day) if code else []:
            mine = numbers == code_number
            rate = rates.rows[candidate]
            quantity, known = goods.quantity_in(rate.unit)
            if rate.specific:
                problem[mine & ~known] = NO_QUANTITY
                mine &= known
            if rate.price_from is not None:  # price / quantity >= price_from, without dividing
                mine &= np.greater_equal(objects(goods.price) * SCALE, rate.price_from * objects(quantity)).astype(bool)
            row[mine] = candidate
            problem[mine] = ""
    return row, problem


def taxes(goods: Goods, rates: Rates, day: date) -> Taxes:
    """The taxes of every line by the rates and shares of a day."""
    row, problem = rows_of(goods, rates, day)
    rounding = rates.rounds(day)
    count = len(goods.price)
    above = {tax: objects(np.zeros(count, dtype=np.int64)) for tax in TAXES}
    below = {tax: objects(np.ones(count, dtype=np.int64)) for tax in TAXES}
    for number in np.unique(row[row >= 0]).tolist():
        rate = rates.rows[number]
        quantity = objects(goods.quantity_in(rate.unit)[0])
        for full in (False, True):
            mine = np.flatnonzero((row == number) & (goods.full == full))
            if len(mine):
                price = objects(goods.price[mine])
                for tax, (a, b) in factors(rate, shares(day, full)).items():
                    above[tax][mine] = price * (a.numerator * b.denominator) + quantity[mine] * (
                        b.numerator * a.denominator
                    )
                    below[tax][mine] = a.denominator * b.denominator
    made = {tax: integers(rounded(above[tax], below[tax], goods.owner, rounding)) for tax in TAXES}
    return Taxes(made, row, problem)


def rounded(above: Column, below: Column, owner: Column, rounding: Rounding) -> Column:
    """Exact ratios (a column of numerators, one of denominators) as multiples of the rounding's step."""
    if not len(above):
        return above
    common = lcm(*set(below.tolist()))
    exact, unit = above * (common // below), common * rounding.step
    if rounding.where == "line":
        return MODES[rounding.mode](exact, unit) * rounding.step
    length = int(owner.max()) + 1
    total = MODES[rounding.mode](per_owner(owner, exact, length), unit)
    part, rest = exact // unit, exact % unit
    left = total - per_owner(owner, part, length)
    return (part + handed_out(left, rest, owner)) * rounding.step
