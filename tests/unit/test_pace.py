"""What of trucks is explained: now and then, and nothing is left out. Their parcels the waker settles."""

from __future__ import annotations

import pytest

from adapters.ledger import touches
from tasks.clearing import hearing, pace
from tasks.clearing.listening import Listening
from tasks.clearing.pace import LONGEST, SECONDS, SHARE, Pace
from tasks.receipts import settle
from tasks.receipts.due import UNEXPLAINED
from tests.unit.desk import Desk

CN, HK, SMALL, TRUCK = "cn_ecommerce", "hk_road", 1, 2


class Time:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now, self.parcels = 100.0, {SMALL: 3, TRUCK: 3200}

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """It, and shipments of which one has many parcels."""
    made = Time()
    monkeypatch.setattr(pace, "stopwatch", made)
    monkeypatch.setattr(pace.intake, "size", lambda _, ident: made.parcels[ident])
    return made


def test_a_truck_is_taken_on_for_all_of_a_while_and_a_small_shipment_each_time(desk: Desk, time: Time) -> None:
    kept, ledger = Pace(many=200), desk.office.ledger
    for _ in range(2):
        for _ in range(4):
            assert kept.due(ledger, CN, [TRUCK, SMALL]) == {SMALL}
            time.now += SECONDS / 4
        assert kept.due(ledger, CN, [SMALL, TRUCK]) == {SMALL, TRUCK}
    time.now += 10 * SECONDS
    assert kept.due(ledger, CN, [TRUCK]) == set(), "what comes next has its while again, however late it comes"


def test_an_authority_that_speaks_all_the_time_takes_no_turn_of_another(desk: Desk, time: Time) -> None:
    kept, ledger = Pace(many=200), desk.office.ledger
    kept.due(ledger, CN, [TRUCK])
    time.now += SECONDS / 2
    kept.due(ledger, HK, [TRUCK])
    time.now += SECONDS / 2
    assert (kept.due(ledger, CN, [TRUCK]), kept.due(ledger, HK, [TRUCK])) == ({TRUCK}, set())
    time.now += SECONDS / 2
    assert (kept.due(ledger, CN, [TRUCK]), kept.due(ledger, HK, [TRUCK])) == (set(), {TRUCK})


def test_a_shipment_that_grows_has_a_pace_from_then_on(desk: Desk, time: Time) -> None:
    kept, ledger = Pace(many=200), desk.office.ledger
    assert kept.due(ledger, CN, [SMALL]) == {SMALL}
    time.parcels[SMALL] = 201
    assert [kept.due(ledger, CN, [SMALL]) for _ in range(2)] == [set(), set()]
    time.now += SECONDS
    assert kept.due(ledger, CN, [SMALL]) == {SMALL}


def test_many_trucks_leave_most_of_the_time_to_the_hearing(desk: Desk, time: Time) -> None:
    kept, ledger, trucks = Pace(many=200), desk.office.ledger, range(10, 50)
    time.parcels |= dict.fromkeys(trucks, 3200)
    kept.due(ledger, CN, trucks)
    time.now += SECONDS
    assert kept.due(ledger, CN, trucks) == set(trucks), "nothing is known of how long they take"
    time.now += 40 * 0.06
    kept.explained()
    kept.due(ledger, CN, trucks)
    time.now += SECONDS
    assert kept.due(ledger, CN, [*trucks, SMALL]) == {SMALL}
    time.now += 40 * 0.06 / SHARE - SECONDS
    assert kept.due(ledger, CN, trucks) == set(trucks)


def test_how_long_small_shipments_take_tells_nothing_of_trucks(desk: Desk, time: Time) -> None:
    kept, ledger = Pace(many=200), desk.office.ledger
    time.parcels |= dict.fromkeys(range(10, 50), 3200)
    kept.due(ledger, CN, [SMALL, *range(10, 50)])
    time.now += SECONDS
    assert len(kept.due(ledger, CN, [SMALL, *range(10, 50)])) == 41
    time.now += 9.0
    kept.explained()
    assert kept.interval.seconds(time.now) == SECONDS
    kept.due(ledger, CN, range(10, 50))
    time.now += SECONDS
    assert len(kept.due(ledger, CN, range(10, 50))) == 40
    time.now += 20.0
    kept.explained()
    assert kept.interval.seconds(time.now) == LONGEST


def test_what_another_authority_took_long_for_costs_no_turn(desk: Desk, time: Time) -> None:
    kept, ledger = Pace(many=200), desk.office.ledger
    kept.due(ledger, CN, [TRUCK])
    time.now += LONGEST + SECONDS + 1.0
    assert kept.due(ledger, HK, []) == set()
    assert kept.due(ledger, CN, [TRUCK]) == {TRUCK}, "it was not asked about for so long"


def test_what_somebody_else_has_taken_on_has_its_while_again(desk: Desk, time: Time) -> None:
    kept, ledger = Pace(many=200), desk.office.ledger
    time.parcels = dict.fromkeys(range(200), 3200)
    kept.due(ledger, CN, [TRUCK])
    assert kept.due(ledger, CN, []) == set()
    time.now += SECONDS
    assert kept.due(ledger, CN, [TRUCK]) == set(), "the first of what came next"
    for ident in range(200):
        assert kept.due(ledger, CN, [ident]) == set()
    assert len(kept._at) == 1, "nor does what it knows grow for ever"


def test_what_a_truck_has_to_wait_for_stands_in_the_ledger(
    desk: Desk, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled: list[int] = []
    monkeypatch.setattr(hearing, "settle_shipment", lambda _, ident: settled.append(ident))
    ledger, kept = desk.office.ledger, Pace(many=200)
    time.parcels[desk.id] = 3200

    def heard() -> None:
        touches.touch(ledger, [desk.id], what=UNEXPLAINED + CN)

    heard()
    assert hearing.apply(desk.office, CN, pace=kept) == set()
    assert list(touches.touched(ledger, UNEXPLAINED + CN)) == [desk.id]
    time.now += SECONDS
    assert hearing.apply(desk.office, CN, pace=kept) == {desk.id}, "though nothing new has come"
    assert touches.touched(ledger, UNEXPLAINED + CN) == {}
    heard()
    assert hearing.apply(desk.office, CN, pace=kept) == set()
    assert settled == [], "beside a waker, which settles a truck when it looks at it"
    time.parcels[desk.id] = 3
    assert hearing.apply(desk.office, CN, pace=Pace(many=200)) == {desk.id}
    assert settled == [desk.id], "a small one's parcels are settled at once"
    heard()
    assert hearing.apply(desk.office, CN) == {desk.id}, "who has no pace, as after a death, does all that waits"
    assert settled == [desk.id] * 2


def test_who_hears_says_how_long_a_truck_took(desk: Desk, time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    def explains(*_: object) -> None:
        time.now += 2.0

    monkeypatch.setattr(settle, "explain", explains)
    ledger, kept = desk.office.ledger, Pace(many=200)
    time.parcels[desk.id] = 3200
    touches.touch(ledger, [desk.id], what=UNEXPLAINED + CN)
    assert hearing.apply(desk.office, CN, pace=kept) == set()
    time.now += SECONDS
    assert hearing.apply(desk.office, CN, pace=kept) == {desk.id}
    assert kept.interval.seconds(time.now) == pytest.approx(2.0 / SHARE)


def test_what_waits_when_nobody_is_listened_to_any_more_is_not_forgotten(
    desk: Desk, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "settle_shipment", lambda *_: None)
    monkeypatch.setattr(Listening, "senders", lambda *_: {})
    ledger = desk.office.ledger
    touches.touch(ledger, [desk.id], what=UNEXPLAINED + CN)
    assert hearing.hear(desk.office) == {desk.id}
    assert touches.touched(ledger, UNEXPLAINED + CN) == {}
    assert hearing.hear(desk.office) == set()


def test_what_is_about_to_be_shown_is_explained_whose_turn_it_is_or_not(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    explained: list[tuple[str, int]] = []
    monkeypatch.setattr(settle, "explain", lambda _, name, ident, __: explained.append((name, ident)))
    ledger = desk.office.ledger
    touches.touch(ledger, [desk.id, desk.id + 1], what=UNEXPLAINED + CN)
    hearing.explain(desk.office, desk.id)
    hearing.explain(desk.office, desk.id)
    assert explained == [(CN, desk.id)], "once, and no other truck"
    assert list(touches.touched(ledger, UNEXPLAINED + CN)) == [desk.id + 1]
