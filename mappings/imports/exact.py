"""Exact arithmetic over columns of integers: no float, rounded once, parts that add up to their whole.

Columns of Python integers (dtype object) never overflow; a truck has some ten thousand lines, so they are fast enough.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

LARGEST = 2**62  # a scaled amount beyond it is no amount at all
Column = np.ndarray


def objects(values: Column) -> Column:
    """A column as Python integers."""
    return np.array([int(v) for v in values.tolist()], dtype=object)


def integers(values: Column) -> Column:
    """Python integers as a column of 64 bits; what is beyond is the limit."""
    return np.array([max(-LARGEST, min(LARGEST, int(v))) for v in values.tolist()], dtype=np.int64)


def _half_even(above: Column, below: int) -> Column:
    rounded = (2 * above + below) // (2 * below)
    tie = (2 * above + below) % (2 * below) == 0
    return rounded - (tie.astype(bool) & (rounded % 2 == 1).astype(bool)).astype(object)


MODES: dict[str, Callable[[Column, int], Column]] = {
    "half_up": lambda above, below: (2 * above + below) // (2 * below),
    "half_even": _half_even,
    "down": lambda above, below: above // below,
    "up": lambda above, below: -(-above // below),
}


def per_owner(owner: Column, values: Column, length: int) -> Column:
    """Sums by owner (0..length-1), exact."""
    total = np.array([0] * length, dtype=object)
    np.add.at(total, owner, values)
    return total


def handed_out(extra: Column, rest: Column, owner: Column) -> Column:
    """One more for the lines with the largest rest of each owner, as many as `extra` says; of equals, the first."""
    by_rest = np.argsort(-rest, kind="stable")
    order = by_rest[np.argsort(owner[by_rest], kind="stable")]
    owners = owner[order]
    rank = np.arange(len(owners)) - np.searchsorted(owners, owners)
    more = np.array([0] * len(owner), dtype=object)
    more[order] = (rank < extra[owners].astype(np.int64)).astype(np.int64)
    return more


def apportioned(totals: Column, weights: Column, owner: Column) -> Column:
    """Each owner's total over its lines by their weights; the parts add up to the total exactly.

    An owner whose weights are all 0 gives each line the same. `owner` is sorted, as the lines of a batch are.
    """
    if not len(owner):
        return objects(np.array([], dtype=np.int64))
    totals, weights = objects(totals), np.maximum(objects(weights), 0)
    sums = per_owner(owner, weights, len(totals))
    weights = np.where(sums[owner] == 0, 1, weights)
    sums = per_owner(owner, weights, len(totals))[owner]
    product = totals[owner] * weights
    part, rest = product // sums, product % sums
    left = totals - per_owner(owner, part, len(totals))
    return part + handed_out(left, rest, owner)
