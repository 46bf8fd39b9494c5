"""What a beat costs: statements are counted, with a few shipments waiting and with five hundred."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from adapters.ledger import shipments, touches
from deployments import waking
from deployments.pulse import Pulse
from deployments.showing import QUIET_VARIABLE
from deployments.waking import Waker
from mappings import clock
from mappings.clock import stopwatch
from tasks import looks, stages
from tasks import office as offices
from tests.unit.world import captured, home, truck

__all__ = ["captured", "home", "truck"]
MANY = 40


@dataclass
class Noted(Waker):
    """Runs that leave behind what a run does, and nothing else."""

    ran: list[int] = field(default_factory=list)

    def running(self) -> Iterable[int]:
        return ()

    def start(self, shipment_id: int) -> None:
        self.ran.append(shipment_id)
        looks.note_run(stages.standing(shipment_id), clock.now())
        self._now([shipment_id])


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is only to be shown is shown at once (tests/unit/test_showing.py has the waiting)."""
    monkeypatch.setenv(QUIET_VARIABLE, "0")


@pytest.fixture
def waker(captured: int) -> Iterator[Noted]:
    offices.office.cache_clear()
    yield Noted()
    offices.office.cache_clear()


def more(number: int) -> list[int]:
    """So many shipments more, that wait for their files."""
    ledger = offices.office().ledger
    like = shipments.get(ledger, 1)
    with ledger.begin() as tx:
        return [shipments.open_shipment(tx, like.agent_code, f"WAITS{i}", like.truck)[0] for i in range(number)]


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that the ledger is given inside the block."""
    engine, said = offices.office().ledger.engine, list[str]()

    def hear(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    event.listen(engine, "before_cursor_execute", hear)
    try:
        yield said
    finally:
        event.remove(engine, "before_cursor_execute", hear)


def settled(waker: Waker) -> None:
    """Beats until nothing is left to do."""
    while waker.beat() or stages.touched():
        continue


def test_a_beat_that_does_not_come_to_all_small_ones_says_so(waker: Noted, monkeypatch: pytest.MonkeyPatch) -> None:
    settled(waker)
    assert not waker.behind
    waker.size |= {11: 1, 12: 1, 13: 3200, 14: 3200, 15: 3200}
    waker.under_way |= {11, 12, 13, 14, 15}
    monkeypatch.setattr(waker, "_look", lambda i: waker.when.pop(i) and None)
    monkeypatch.setattr(waking, "SMALL", 0.0)
    monkeypatch.setattr(waking, "SPELL", 0.0)
    waker._now([11, 12, 13, 14, 15])
    waker.beat()
    assert waker.behind
    waker.beat()
    assert waker.when.keys() & {11, 12, 13, 14, 15} == {15}
    assert not waker.behind, "trucks have their pace"
    waker._now([11, 12])
    waker.beat()
    assert waker.behind
    monkeypatch.setattr(stages, "touched", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        waker.beat()
    assert not waker.behind, "a beat that fails is not followed at once by another"


@pytest.mark.slow
def test_a_beat_with_nothing_to_do_costs_the_same_however_many_wait(waker: Noted) -> None:
    pulse = Pulse(waker)
    pulse.beat()
    settled(waker)
    with counted() as few:
        assert pulse.beat() == []
    idents = more(MANY)
    settled(waker)
    assert set(waker.ran) >= set(idents), "each was looked at, and had its run"
    with counted() as many:
        assert pulse.beat() == []
    assert many == few
    asked = [said for said in many if said.startswith("SELECT")]
    assert len(asked) <= 10, "hearing the authorities, what they left, parked messages, room in the books, what changed"
    with counted() as look:
        assert waker.beat() == []
    assert len([said for said in look if said.startswith("SELECT")]) == 1
    with counted() as one:
        shipments.hold(offices.office().ledger, idents[7], "why", "a person")
        assert waker.beat() == [idents[7]]
        settled(waker)
    assert len(one) < 200, "a change costs looks at one shipment"


def test_a_waker_that_begins_looks_at_every_open_shipment_once(waker: Noted) -> None:
    idents = [1, *more(3)]
    touches.forget(offices.office().ledger, [name for rows in stages.touched().values() for name in rows])
    assert sorted(waker.beat()) == idents
    settled(waker)
    again = Noted()
    assert again.beat() == []
    assert again.ran == []


def test_a_change_during_a_run_is_seen_after_it(waker: Noted, monkeypatch: pytest.MonkeyPatch) -> None:
    """A push that comes between a run's last look and its end does not wait for the sweep."""
    ledger = offices.office().ledger
    ran, start = list[int](), Noted.start

    def interrupted(self: Noted, shipment_id: int) -> None:
        start(self, shipment_id)
        ran.append(shipment_id)
        if len(ran) == 1:
            shipments.hold(ledger, shipment_id, "just now", "a person")

    monkeypatch.setattr(Noted, "start", interrupted)
    assert waker.beat() == [1]
    assert waker.beat() == [1]
    settled(waker)
    assert ran == [1, 1]


def test_the_limits_of_time_are_looked_at_when_they_come(waker: Noted) -> None:
    settled(waker)
    limit = looks.look(1).limit
    assert limit is not None
    assert waker.when[1] > stopwatch()


def test_one_that_makes_trouble_stops_no_other(waker: Noted, home: Path, caplog: pytest.LogCaptureFixture) -> None:
    [other] = more(1)
    ledger = offices.office().ledger
    bad = {**shipments.get(ledger, other).truck, "regime": "9999"}
    shipments.set_truck(ledger, other, bad, "")
    assert waker.beat() == [1]
    assert f"shipment {other}: " in caplog.text
    assert other in stages.touched(), "it is not forgotten"


def test_small_shipments_are_looked_at_before_trucks_and_trucks_in_turn(
    waker: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(waker)
    sizes = {11: 3200, 12: 1, 13: 800, 14: 60, 15: 3200}
    asked: list[int] = []
    monkeypatch.setattr(stages, "parcels_of", sizes.__getitem__)
    monkeypatch.setattr(waker, "_look", lambda i: asked.append(i) or (waker.when.pop(i) and ""))
    monkeypatch.setattr(waking, "SPELL", 0.0)  # no more than one truck a beat
    for ident in (15, 13, 11, 14, 12):
        waker._now([ident])
    waker.beat()
    assert asked == [12, 14, 15], "the small ones, and the truck that waits for longest"
    waker._now([12])
    waker.beat()
    assert asked[3:] == [12, 13], "what became due meanwhile is not behind the other trucks"
    waker._now([13])
    waker.beat()
    waker.beat()
    assert asked[5:] == [11, 13], "none is forgotten, and none comes twice before another"
