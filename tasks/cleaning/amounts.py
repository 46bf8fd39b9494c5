"""Arithmetic on scaled integers that never overflows in silence."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd

from mappings.canonical.columns import SCALE

LARGEST = 2**62  # of a scaled amount; a product beyond it is no amount at all
_SAFE = LARGEST


def numbers(values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """A decimal column as plain integers (missing: 0) and the mask of what is there."""
    present = values.notna().to_numpy()
    return values.to_numpy(dtype=np.int64, na_value=0), present


def column(values: np.ndarray, present: np.ndarray) -> pd.Series:
    """Integers and the mask of what is there as a decimal column."""
    return pd.Series(pd.arrays.IntegerArray(values.astype(np.int64), ~present))


def product(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The product of two scaled amounts, scaled, rounded half away from zero; beyond 64 bits it is the limit."""
    if not len(one):
        return one
    largest = int(np.abs(one).max()) * int(np.abs(other).max())
    if largest < _SAFE:
        exact = one * other
        return np.sign(exact) * ((np.abs(exact) + SCALE // 2) // SCALE)
    exact = [a * b for a, b in zip(one.tolist(), other.tolist(), strict=True)]
    rounded = [(1 if e >= 0 else -1) * ((abs(e) + SCALE // 2) // SCALE) for e in exact]
    return np.array([max(-_SAFE, min(_SAFE, r)) for r in rounded], dtype=np.int64)


def times(values: np.ndarray, factor: Fraction) -> np.ndarray:
    """Amounts times an exact ratio, rounded once, half away from zero; beyond 64 bits it is the limit."""
    if factor == 1 or not len(values):
        return values
    above, below = factor.numerator, factor.denominator
    if int(np.abs(values).max()) * abs(above) + below < _SAFE:
        exact = values * above
        return np.sign(exact) * ((np.abs(exact) + below // 2) // below)
    rounded = [(1 if v * above >= 0 else -1) * ((abs(v * above) + below // 2) // below) for v in values.tolist()]
    return np.array([max(-_SAFE, min(_SAFE, r)) for r in rounded], dtype=np.int64)


def per_owner(owner: np.ndarray, values: np.ndarray, length: int) -> np.ndarray:
    """Sums of integers by owner (0..length-1); exact, since no float holds them."""
    total = np.zeros(length, dtype=np.int64)
    np.add.at(total, owner, values)
    return total
