"""Import taxes: the reference's example, exact against fractions, rounded where the table says."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.canonical.columns import SCALE
from mappings.imports import exact, tax
from mappings.imports.exact import objects
from mappings.imports.rates import Rate, Rates

DAY = date(2026, 11, 23)
ZERO = Fraction(0)


def rate(code: str = "10", **said: Any) -> Rate:
    values: dict[str, Any] = {
        "hs_code": code, "since": date.min, "until": date.max, "vat": Fraction(13, 100), "consumption": ZERO,
        "consumption_per_unit": ZERO, "duty": ZERO, "duty_per_unit": ZERO, "unit": "", "price_from": None,
        "place": f"rates.csv:{code}",
    }  # fmt: skip
    return Rate(**(values | said))


def table(*rows: Rate, mode: str = "half_up", digits: int = 2, where: str = "line") -> Rates:
    return Rates(rows, ({"from": date.min, "mode": mode, "digits": digits, "where": where},))


def goods(prices: list[int], codes: list[str], quantity: list[int] | None = None, owner: list[int] | None = None,
          full: bool = False, unit: str = "LTR") -> tax.Goods:  # fmt: skip
    amount = np.array(quantity or [0] * len(prices), dtype=np.int64)
    units = pd.Series([unit] * len(prices), dtype="str")
    return tax.Goods(
        np.array(prices, dtype=np.int64), pd.Series(codes, dtype="str"), ((units, amount),),
        np.array(owner or range(len(prices)), dtype=np.int64), np.full(len(prices), full),
    )  # fmt: skip


def of(found: tax.Taxes, n: int = 0) -> tuple[Any, ...]:
    return tuple(Fraction(int(found.amounts[name][n]), SCALE) for name in tax.TAXES)


def test_the_example_of_the_reference() -> None:
    found = tax.taxes(goods([410 * SCALE], ["10"]), table(rate()), DAY)
    assert of(found) == (0, 0, Fraction("37.31"))


def test_consumption_tax_by_value() -> None:
    """P 410, c 15 %, v 13 %: the base is 410 / 0.85; 70 % of each."""
    found = tax.taxes(goods([410 * SCALE], ["10"]), table(rate(consumption=Fraction(15, 100))), DAY)
    assert of(found) == (0, Fraction("50.65"), Fraction("43.89"))


def test_specific_and_compound_rates_by_the_second_unit() -> None:
    """A litre of brandy at 200 yuan: base (200 + 1.02) / 0.8; consumption base * 20 % + 1.02; 70 % of each."""
    brandy = rate(consumption=Fraction(20, 100), consumption_per_unit=Fraction("1.02"), unit="LTR")
    base = (200 + Fraction("1.02")) / Fraction(8, 10)
    exactly = [(base / 5 + Fraction("1.02")) * Fraction(7, 10), base * Fraction(13, 100) * Fraction(7, 10)]
    found = tax.taxes(goods([200 * SCALE], ["10"], [SCALE]), table(brandy), DAY)
    assert of(found) == (0, *(Fraction(round(x * 100), 100) for x in exactly))
    assert of(found)[1:] == (Fraction("35.89"), Fraction("22.87"))


def test_over_the_single_limit_duty_and_full_taxes() -> None:
    """P 6,000, duty 8 %, VAT 13 %: 480 and 842.40."""
    found = tax.taxes(goods([6000 * SCALE], ["10"], full=True), table(rate(duty=Fraction(8, 100))), DAY)
    assert of(found) == (480, 0, Fraction("842.40"))


def test_duty_by_the_unit() -> None:
    levied = rate(duty=Fraction(5, 100), duty_per_unit=Fraction(3), unit="LTR")
    found = tax.taxes(goods([6000 * SCALE], ["10"], [2 * SCALE], full=True), table(levied), DAY)
    assert of(found) == (306, 0, Fraction("819.78"))


@pytest.mark.parametrize(("price", "place"), [(999_999, "rates.csv:1"), (1_000_000, "rates.csv:2")])
def test_the_price_of_a_unit_chooses_the_row(price: int, place: str) -> None:
    """Below 10 yuan a millilitre the first row holds, from 10 on the second: no rounding on the way."""
    cheap = rate(price_from=0, unit="MLT", place="rates.csv:1")
    dear = rate(price_from=10 * SCALE, unit="MLT", consumption=Fraction(15, 100), place="rates.csv:2")
    rates = table(cheap, dear)
    found = tax.taxes(goods([price], ["10"], [SCALE], unit="MLT"), rates, DAY)
    assert rates.rows[int(found.row[0])].place == place


def test_a_line_without_rate_or_quantity_says_so() -> None:
    rates = table(rate("10"), rate("22", consumption_per_unit=Fraction(1), unit="LTR"))
    found = tax.taxes(goods([SCALE] * 4, ["10", "22", "99", ""], [0] * 4), rates, DAY)
    assert found.problem.tolist() == ["", tax.NO_QUANTITY, tax.NO_RATE, tax.NO_RATE]
    assert found.row.tolist() == [0, -1, -1, -1]
    other_unit = tax.taxes(goods([SCALE], ["22"], [SCALE], unit="KGM"), rates, DAY)
    assert other_unit.problem.tolist() == [tax.NO_QUANTITY]


percent = st.integers(0, 6000).map(lambda n: Fraction(n, 10_000))
rows_of_rates = st.builds(
    lambda vat, c, s, d, k: (vat, c, s, d, k), percent, percent, st.integers(0, 500), percent, st.integers(0, 300)
)


some_lines = st.tuples(st.integers(0, 3), st.integers(0, 30_000 * SCALE), st.integers(1, 50 * SCALE))


@given(
    st.lists(some_lines, min_size=1, max_size=8),
    st.lists(rows_of_rates, min_size=1, max_size=3),
    st.sampled_from(["half_up", "half_even", "down", "up"]), st.sampled_from(["line", "parcel"]), st.integers(0, 5),
    st.booleans(),
)  # fmt: skip
def test_taxes_are_exact_and_rounded_once(
    lines: list[tuple[int, int, int]], said: list[Any], mode: str, where: str, digits: int, full: bool
) -> None:
    lines.sort()
    rates = table(
        *(rate(f"1{n}", vat=v, consumption=c, consumption_per_unit=Fraction(s, 100), duty=d,
               duty_per_unit=Fraction(k, 100), unit="LTR") for n, (v, c, s, d, k) in enumerate(said)),
        mode=mode, digits=digits, where=where,
    )  # fmt: skip
    kinds = [n % len(said) for n in range(len(lines))]
    owner = [n for n, _, _ in lines]
    found = tax.taxes(
        goods([p for _, p, _ in lines], [f"1{k}" for k in kinds], [q for _, _, q in lines], owner, full), rates, DAY
    )
    step = 10 ** (5 - digits)
    wanted: dict[str, list[Fraction]] = {name: [] for name in tax.TAXES}
    for (_, price, quantity), kind in zip(lines, kinds, strict=True):
        vat, c, s, d, k = said[kind]
        levied = Fraction(1) if full else Fraction(7, 10)
        duty = (d * price + Fraction(k, 100) * quantity) * (1 if full else 0)
        base = (price + duty + Fraction(s, 100) * quantity) / (1 - c)
        wanted["duty"].append(duty)
        wanted["consumption"].append((base * c + Fraction(s, 100) * quantity) * levied)
        wanted["vat"].append(base * vat * levied)
    for name, exactly in wanted.items():
        got = found.amounts[name].tolist()
        assert all(g % step == 0 for g in got)
        if where == "line":
            assert got == [_round(x / step, mode) * step for x in exactly]
            continue
        for n in set(owner):
            mine = [i for i, o in enumerate(owner) if o == n]
            assert sum(got[i] for i in mine) == _round(sum(exactly[i] for i in mine) / step, mode) * step
            assert all(abs(got[i] - exactly[i]) < step for i in mine), "no line is off by a whole step"


def _round(x: Fraction, mode: str) -> int:
    down = x.numerator // x.denominator
    if mode == "down" or x == down:
        return down
    if mode == "up":
        return down + 1
    rest = x - down
    if rest == Fraction(1, 2):
        return down + 1 if mode == "half_up" else down + down % 2
    return down + (rest > Fraction(1, 2))


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 10**9)), min_size=1, max_size=9),
       st.lists(st.integers(0, 10**12), min_size=3, max_size=3))  # fmt: skip
def test_parts_add_up_to_their_whole(lines: list[tuple[int, int]], totals: list[int]) -> None:
    lines.sort()
    owner, weights = (np.array([line[i] for line in lines], dtype=np.int64) for i in (0, 1))
    parts = exact.apportioned(np.array(totals, dtype=np.int64), weights, owner)
    for n in set(owner.tolist()):
        mine = owner == n
        whole = int(weights[mine].sum())
        assert parts[mine].sum() == totals[n]
        for part, weight in zip(parts[mine], weights[mine].tolist(), strict=True):
            share = Fraction(totals[n] * weight, whole) if whole else Fraction(totals[n], int(mine.sum()))
            assert abs(part - share) < 1


def test_nothing_to_apportion_and_amounts_beyond_all_bounds() -> None:
    none = np.array([], dtype=np.int64)
    assert exact.apportioned(none, none, none).tolist() == []
    assert tax.taxes(goods([], []), table(rate()), DAY).amounts["vat"].tolist() == []
    assert exact.integers(objects(np.array([1, 2])) * 2**70).tolist() == [exact.LARGEST, exact.LARGEST]
