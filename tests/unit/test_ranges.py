"""Numbers of parcels as one text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.ledger import ranges


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([], ""),
        ([7], "7"),
        ([1, 2, 3], "1-3"),
        ([3, 1, 2, 2], "1-3"),
        ([1, 2, 4, 6, 7], "1-2,4,6-7"),
        (range(1, 3201), "1-3200"),
    ],
)
def test_runs_are_first_and_last(numbers: list[int], text: str) -> None:
    assert ranges.written(numbers) == text
    assert ranges.read(text) == sorted(set(numbers))


@given(st.sets(st.integers(0, 5000)))
def test_what_is_written_is_read(numbers: set[int]) -> None:
    assert ranges.read(ranges.written(numbers)) == sorted(numbers)


@pytest.mark.parametrize("text", ["1-", "-1", "1,,2", "one", "1-2-3"])
def test_what_was_not_written_so_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        ranges.read(text)
