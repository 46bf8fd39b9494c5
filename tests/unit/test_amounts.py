"""Arithmetic on scaled integers: exact, rounded once, never beyond 64 bits in silence."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.canonical.columns import SCALE
from tasks.cleaning import amounts
from tasks.cleaning.goods import _ratio


def array(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


@given(
    st.lists(st.integers(-(10**17), 10**17), min_size=1, max_size=5),
    st.fractions(min_value=0, max_value=2000, max_denominator=10**6),
)
def test_a_ratio_is_exact_and_rounded_once(values: list[int], factor: Fraction) -> None:
    half = Fraction(1, 2)
    wanted = [int(abs(v) * factor + half) * (1 if v >= 0 else -1) for v in values]
    assert amounts.times(array(*values), factor).tolist() == [max(-(2**62), min(2**62, w)) for w in wanted]


@pytest.mark.parametrize(
    ("unit", "legal", "quantity", "converted"),
    [("H87", "GRO", 144, 1), ("H87", "DZN", 12, 1), ("DZN", "H87", 2, 24), ("DZN", "GRO", 12, 1), ("PR", "CEN", 50, 1)],
)
def test_a_gross_of_pieces_is_one_gross(unit: str, legal: str, quantity: int, converted: int) -> None:
    ratio = _ratio(unit, legal)
    assert ratio is not None
    assert amounts.times(array(quantity * SCALE), ratio).tolist() == [converted * SCALE]


def test_units_that_the_table_does_not_know_have_no_ratio() -> None:
    assert _ratio("H87", "KGM") is None
    assert _ratio("KGM", "KGM") == 1


def test_a_product_beyond_all_bounds_is_the_limit() -> None:
    assert amounts.product(array(2**61, SCALE), array(2**61, 3 * SCALE)).tolist() == [amounts.LARGEST, 3 * SCALE]
    assert amounts.product(array(), array()).tolist() == []
    assert amounts.times(array(), Fraction(1, 3)).tolist() == []
