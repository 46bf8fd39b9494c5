"""How long each of many is left alone: by how many there are, and how long each takes."""

from __future__ import annotations

import pytest

from mappings.intervals import LATELY, Interval

LEAST, MOST, SHARE = 5.0, 20.0, 0.2


@pytest.fixture
def interval() -> Interval:
    """One of which nothing is known yet."""
    return Interval(LEAST, MOST, SHARE)


def test_few_or_quick_ones_have_the_least(interval: Interval) -> None:
    assert interval.seconds(0.0) == LEAST
    interval.took(0.1)
    for ident in range(10):  # 10 x 0.1 s are a fifth of five seconds
        interval.here(ident, 0.0)
    assert interval.seconds(0.0) == LEAST


def test_many_take_their_share_of_the_time_and_no_more(interval: Interval) -> None:
    interval.took(0.1)
    for ident in range(30):
        interval.here(ident, 1.0)
        interval.here(ident, 2.0)  # the same one, again
    found = interval.seconds(2.0)
    assert 30 * 0.1 / found == pytest.approx(SHARE)
    for ident in range(30, 300):
        interval.here(ident, 2.0)
    assert interval.seconds(2.0) == MOST, "however many there are"


def test_who_has_not_been_here_for_long_does_not_count(interval: Interval) -> None:
    interval.took(0.1)
    for ident in range(40):
        interval.here(ident, 0.0)
    assert interval.seconds(2 * MOST) == MOST
    assert interval.seconds(2 * MOST + 0.1) == LEAST
    for ident in range(1_000):
        interval.here(ident, float(ident))
    assert len(interval._seen) <= 2 * MOST + LATELY + 1, "what it knows does not grow for ever"


def test_how_long_each_takes_is_the_median_of_the_last(interval: Interval) -> None:
    for ident in range(20):
        interval.here(ident, 0.0)
    interval.took(0.1)
    interval.took(30.0)  # it waited for the database
    interval.took(0.1)
    assert interval.seconds(0.0) == pytest.approx(20 * 0.1 / SHARE)
    for _ in range(LATELY // 2 + 1):
        interval.took(0.12)
    assert interval.seconds(0.0) == pytest.approx(20 * 0.12 / SHARE)
    for _ in range(LATELY):
        interval.took(0.01)
    assert interval.seconds(0.0) == LEAST


def test_who_was_here_in_the_last_two_times_may_come_again(interval: Interval) -> None:
    assert not interval.lately("one", 100.0)
    interval.here("one", 100.0)
    assert interval.lately("one", 100.0 + 2 * LEAST - 0.1)
    assert not interval.lately("one", 100.0 + 2 * LEAST)
    assert not interval.lately("another", 100.0)
