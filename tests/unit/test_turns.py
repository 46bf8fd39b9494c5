"""In which order shipments are looked at."""

from __future__ import annotations

from deployments.pools import FEW
from deployments.turns import turns


def test_what_begins_comes_first_then_what_was_heard_about_then_trucks() -> None:
    size = {1: FEW + 1, 2: 3, 3: 1, 4: 1, 5: FEW, 6: 3200}
    due = {1: 5.0, 2: 4.0, 3: 9.0, 4: 2.0, 5: 1.0, 6: 3.0}
    begin, few, many = turns(due, size, under_way={4, 5, 6})
    assert begin == [3, 2], "the smallest first"
    assert few == [5, 4], "the longest due first"
    assert many == [6, 1]


def test_one_whose_size_is_not_known_waits() -> None:
    assert turns({1: 0.0, 2: 0.0}, {2: 1}, set()) == ([2], [], [])
