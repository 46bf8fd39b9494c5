"""Numbers of parcels as one short text: "1-318,320". A list names most of a truck's parcels, often all of them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, pairwise


def written(numbers: Iterable[int]) -> str:
    """These numbers in their order, each once; runs of them as first and last; "" for none."""
    ordered = sorted(set(numbers))
    if not ordered:
        return ""
    breaks = [i for i, (one, after) in enumerate(pairwise(ordered), 1) if after != one + 1]
    runs = zip([0, *breaks], [*breaks, len(ordered)], strict=True)
    return ",".join(_run(ordered[start], ordered[end - 1]) for start, end in runs)


def read(text: str) -> list[int]:
    """The numbers that `written` was given, in order. Raises ValueError for what it did not write."""
    return list(chain.from_iterable(map(_numbers, text.split(",")))) if text else []


def _run(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def _numbers(run: str) -> range:
    first, dash, last = run.partition("-")
    return range(int(first), int(last if dash else first) + 1)
