"""What belongs to every run of the tests, and what only to their long form (`make chaos`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

LONG = pytest.mark.long


def long_but(values: Iterable[Any], *short: Any) -> list[Any]:
    """All `values` as parameters; those not named in `short` in the long form only. ValueError for one not there."""
    known = list(values)
    if missing := [value for value in short if value not in known]:
        raise ValueError(f"No such value: {missing}")
    return [value if value in short else pytest.param(*_each(value), marks=LONG) for value in known]


def _each(value: Any) -> tuple[Any, ...]:
    """The arguments of one parameter set."""
    return value if isinstance(value, tuple) else (value,)


def tours(points: Iterable[str], count: int) -> list[list[str]]:
    """Kill points dealt out to `count` trucks, in their order: each truck meets its own, one after the other."""
    known = list(points)
    return [known[first::count] for first in range(count)]
