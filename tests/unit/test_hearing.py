"""Hearing goes on for as long as more comes: what was read meanwhile is applied, now and then and at the end."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import pytest

from adapters.ledger.settling import Settled
from mappings.errors import AuthorityUnavailable
from tasks.clearing import hearing
from tasks.clearing.listening import Listening
from tasks.submission.submit import Submitted
from tests.unit.desk import Desk

CN = "cn_ecommerce"


@pytest.fixture
def said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[int]]]:
    """What is read and applied, in order, while customs is heard whose fetching looks up three times."""
    told: list[tuple[str, list[int]]] = []
    reads = iter(({1}, {2}, {1, 3}))

    def fetch(_ledger: Any, _authority: Any, _senders: Any, between: Callable[[], bool]) -> None:
        for _ in range(3):
            if not between():
                break

    def read(*_: Any) -> Settled:
        found = next(reads)
        told.append(("read", sorted(found)))
        return Settled(shipments=found)

    def apply(_office: Any, _name: str, channel: str = "", pace: Any = None, changed: Collection[int] = ()) -> set[int]:
        waits = {ident for what, found in told[_applied(told) :] if what == "read" for ident in found}
        assert waits == set(changed)
        told.append(("apply", sorted(waits)))
        return {*waits, 9}

    monkeypatch.setattr(Listening, "senders", lambda *_: {CN: ["DXP"]})
    for name, double in (("fetch", fetch), ("read_stored", read), ("apply", apply)):
        monkeypatch.setattr(hearing, name, double)
    return told


def _applied(told: list[tuple[str, list[int]]]) -> int:
    """Up to where what was read has been applied."""
    return max((place for place, (what, _) in enumerate(told, 1) if what == "apply"), default=0)


@dataclass
class Time:
    """A clock that goes on by so much at each reading, and by so much at each time that trucks hear."""

    reading: float = 0.0
    hearing: float = 0.0
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time(said: list[tuple[str, list[int]]], monkeypatch: pytest.MonkeyPatch) -> Time:
    """It, as hearing has it."""
    made, read, apply = Time(), hearing.read_stored, hearing.apply

    def reads(*given: Any) -> Settled:
        made.now += made.reading
        return read(*given)

    def applies(*given: Any, **named: Any) -> set[int]:
        made.now += made.hearing
        return apply(*given, **named)

    monkeypatch.setattr(hearing, "stopwatch", made)
    monkeypatch.setattr(hearing, "read_stored", reads)
    monkeypatch.setattr(hearing, "apply", applies)
    return made


def test_trucks_hear_together_of_what_came_within_a_second(
    desk: Desk, said: list[tuple[str, list[int]]], time: Time
) -> None:
    time.reading = 0.1
    assert hearing.hear(desk.office) == {1, 2, 3, 9}
    assert said == [("read", [1]), ("read", [2]), ("read", [1, 3]), ("apply", [1, 2, 3])]


def test_where_more_comes_all_the_time_they_do_not_wait_for_the_end(
    desk: Desk, said: list[tuple[str, list[int]]], time: Time
) -> None:
    time.reading = 0.5
    assert hearing.hear(desk.office) == {1, 2, 3, 9}
    assert said == [("read", [1]), ("read", [2]), ("apply", [1, 2]), ("read", [1, 3]), ("apply", [1, 3])]


def test_where_it_takes_trucks_long_to_hear_they_hear_of_more_together(
    desk: Desk, said: list[tuple[str, list[int]]], time: Time
) -> None:
    time.reading, time.hearing = 1.0, 1.5
    assert hearing.hear(desk.office) == {1, 2, 3, 9}
    assert said == [("read", [1]), ("apply", [1]), ("read", [2]), ("read", [1, 3]), ("apply", [1, 2, 3]), ("apply", [])]


def test_after_its_seconds_the_rest_waits_for_who_hears_next(
    desk: Desk, said: list[tuple[str, list[int]]], time: Time
) -> None:
    time.reading = 0.7
    assert hearing.hear(desk.office, 1.0) == {1, 2, 9}
    assert said == [("read", [1]), ("read", [2]), ("apply", [1, 2]), ("apply", [])]


def test_what_was_read_before_the_authority_fell_silent_is_applied(
    desk: Desk, said: list[tuple[str, list[int]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(_ledger: Any, _authority: Any, _senders: Any, between: Callable[[], bool]) -> None:
        between()
        raise AuthorityUnavailable("gone")

    monkeypatch.setattr(hearing, "fetch", breaks)
    with pytest.raises(AuthorityUnavailable):
        hearing.hear(desk.office)
    assert said == [("read", [1]), ("apply", [1])]


def test_what_became_of_a_message_is_asked_of_every_authority_that_can_be_reached(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is down keeps nothing that the other would have told."""
    asked: list[tuple[str, int]] = []

    def recover(_ledger: Any, authority: Any, _worker: str, ident: int, _alone: bool) -> Submitted:
        asked.append((authority, ident))
        if authority == "down":
            raise AuthorityUnavailable("gone")
        done = Submitted()
        done.note(1, "arrived")
        return done

    monkeypatch.setattr(hearing, "recover", recover)
    monkeypatch.setattr(hearing, "settle_shipment", lambda _office, ident: asked.append(("settled", ident)))
    monkeypatch.setattr(desk.office, "authorities", {"first": "down", "second": "there"})
    with pytest.raises(AuthorityUnavailable, match="gone"):
        hearing.find_out(desk.office, 7)
    assert asked == [("down", 7), ("there", 7), ("settled", 7)]
