"""What trucks make of their receipts: now and then, and nothing is left out."""

from __future__ import annotations

import pytest

from adapters.ledger import touches
from tasks.clearing import hearing, pace
from tasks.clearing.pace import SECONDS, Pace
from tasks.receipts.settle import UNEXPLAINED
from tests.unit.desk import Desk

CN, SMALL, TRUCK = "cn_ecommerce", 1, 2


class Time:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now, self.asked = 100.0, list[int]()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """It, and shipments of which one has many parcels."""
    made = Time()

    def size(_ledger: object, ident: int) -> int:
        made.asked.append(ident)
        return 3200 if ident == TRUCK else 3

    monkeypatch.setattr(pace, "stopwatch", made)
    monkeypatch.setattr(pace.intake, "size", size)
    return made


def test_a_truck_is_taken_on_once_in_a_while_and_a_small_shipment_each_time(desk: Desk, time: Time) -> None:
    kept, ledger = Pace(many=200), desk.office.ledger
    assert kept.due(ledger, [SMALL, TRUCK]) == {SMALL, TRUCK}, "the first time at once"
    for _ in range(3):
        time.now += SECONDS / 4
        assert kept.due(ledger, [TRUCK, SMALL]) == {SMALL}
    time.now += SECONDS / 4
    assert kept.due(ledger, [SMALL, TRUCK]) == {SMALL, TRUCK}
    assert time.asked == [SMALL, TRUCK], "how large they are is asked once"


def test_what_it_knows_does_not_grow_for_ever(desk: Desk, time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "_KEPT", 10)
    kept, ledger = Pace(many=2), desk.office.ledger
    for ident in range(100):
        time.now += SECONDS
        assert kept.due(ledger, [ident, ident + 1]) >= {ident + 1}
    assert len(kept._at) + len(kept._few) <= 12


def test_what_a_truck_has_to_wait_for_stands_in_the_ledger(
    desk: Desk, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled: list[int] = []
    monkeypatch.setattr(hearing, "settle_shipment", lambda _, ident: settled.append(ident))
    ledger, kept = desk.office.ledger, Pace(many=200)
    monkeypatch.setattr(pace.intake, "size", lambda *_: 3200)

    def heard() -> None:
        touches.touch(ledger, [desk.id], what=UNEXPLAINED + CN)

    heard()
    assert hearing.apply(desk.office, CN, pace=kept) == {desk.id}
    heard()
    assert hearing.apply(desk.office, CN, pace=kept) == set()
    assert list(touches.touched(ledger, UNEXPLAINED + CN)) == [desk.id]
    time.now += SECONDS
    assert hearing.apply(desk.office, CN, pace=kept) == {desk.id}, "though nothing new has come"
    assert touches.touched(ledger, UNEXPLAINED + CN) == {}
    heard()
    assert hearing.apply(desk.office, CN, pace=kept) == set()
    assert hearing.apply(desk.office, CN) == {desk.id}, "who has no pace, as after a death, does all that waits"
    assert settled == [desk.id] * 3
