"""The desk: a process that advances small shipments; it may die, and what it had is looked at again."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection, Pipe
from threading import Thread
from typing import Any

import pytest

from adapters.ledger import leases, shipments, touches
from deployments import asked, dispatch, waking
from deployments.desk import ROOM, Desk, serve
from deployments.dispatch import Dispatch
from deployments.prefect_api import Prefect
from deployments.showing import QUIET_VARIABLE, Showing
from mappings import clock
from mappings.clock import stopwatch
from tasks import looks, stages
from tasks import office as offices
from tasks.clearing import settling
from tasks.clearing.advance import advance
from tasks.clearing.alone import name_of
from tests.unit.prefect_double import PrefectServer
from tests.unit.world import captured, home, prefect, truck

__all__ = ["captured", "home", "prefect", "truck"]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is only to be shown is shown at once (tests/unit/test_showing.py has the waiting)."""
    monkeypatch.setenv(QUIET_VARIABLE, "0")


@pytest.fixture
def opened(captured: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The shipment, in this process's office."""
    offices.office.cache_clear()
    monkeypatch.setattr(dispatch, "ASK", dict.fromkeys(dispatch.ASK, 0.0))
    yield captured
    offices.office.cache_clear()


def dies(ours: Connection) -> None:
    """A desk that is killed with a shipment in its hands."""
    ours.recv()
    os.kill(os.getpid(), signal.SIGKILL)


def until_done(desk: Desk, shipment_id: int) -> None:
    """Waits until the desk is done with it."""
    end = stopwatch() + 60
    while shipment_id not in desk.done():
        assert stopwatch() < end, "the desk never said that it is done"
        time.sleep(0.01)


def test_the_desk_takes_a_shipment_on_before_its_run(opened: int, prefect: PrefectServer) -> None:
    leases.set_cursor(offices.office().ledger, "intake", str(opened), "0")  # its files are to be worked up
    desk = Desk()
    waker = Dispatch(desk=desk, prefect=Prefect(prefect.base), showing=Showing(quiet=0.5))
    try:
        assert waker.beat() == []
        assert list(desk.in_hand) == [opened]
        assert prefect.runs == [], "first the work, then the run that shows it"
        end = stopwatch() + 60
        while not waker.beat():
            assert stopwatch() < end, "the desk never said that it is done"
            time.sleep(0.02)
    finally:
        desk.end()
    assert [run["parameters"]["shipment"] for run in prefect.runs] == [str(opened)]
    assert desk.in_hand == {}


def test_a_truck_goes_past_the_desk(opened: int, prefect: PrefectServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deployments.pools.FEW", 59)
    desk = Desk(dies)
    try:
        assert Dispatch(desk=desk, prefect=Prefect(prefect.base)).beat() == [opened]
        assert desk.in_hand == {}
    finally:
        desk.end()


def test_a_desk_that_died_is_followed_by_another(opened: int) -> None:
    desk = Desk(dies)
    first = desk.pid
    try:
        desk.hand(opened)
        until_done(desk, opened)
        assert desk.in_hand == {}
        assert desk.pid != first
    finally:
        desk.end()


def test_what_it_comes_upon_ends_nothing(opened: int) -> None:
    desk = Desk()
    try:
        desk.hand(4711)
        until_done(desk, 4711)
        desk.hand(opened)
        until_done(desk, opened)
    finally:
        desk.end()


def test_one_that_begins_comes_before_those_that_something_was_heard_about(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = Pipe()
    had: list[int] = []

    def advance_(_office: Any, shipment_id: int, _most: float) -> bool:
        had.append(shipment_id)
        if len(had) == 1:  # these come while it is at the first
            for ident, begins in ((3, False), (2, False), (5, True), (4, True)):
                ours.send((begins, (ident,)))
        elif had[-1] > 3:  # and one more that begins after each that began
            ours.send((True, (10 + len(had),)))
        return True

    monkeypatch.setattr("tasks.clearing.advance.advance", advance_)
    monkeypatch.setattr("tasks.office.office", lambda: None)
    monkeypatch.setattr(os, "setsid", lambda: None)
    ours.send((False, (1,)))
    serving = Thread(target=serve, args=(theirs,))
    serving.start()
    said = [ours.recv()[0] for _ in range(40)]
    ours.close()
    serving.join(10)
    assert said[:3] == [1, 5, 4], "in the order in which they came"
    assert said.index(3) < said.index(2) < 2 + 2 * ROOM, "and neither of the others waits for ever"
    assert not serving.is_alive()


def test_the_desk_says_which_shipments_somebody_else_had(opened: int) -> None:
    here, desk = offices.office(), Desk()
    try:
        leases.acquire(here.ledger, name_of(opened), "elsewhere:1", 60)
        desk.hand(opened)
        until_done(desk, opened)
        assert desk.turned_away == {opened}
        leases.release(here.ledger, name_of(opened), "elsewhere:1")
        desk.turned_away.clear()
        desk.hand(opened)
        until_done(desk, opened)
        assert desk.turned_away == set()
    finally:
        desk.end()


def test_a_shipment_that_another_has_is_not_advanced(opened: int) -> None:
    here = offices.office()
    leases.acquire(here.ledger, name_of(opened), "elsewhere:1", 60)
    assert not advance(here, opened)
    leases.release(here.ledger, name_of(opened), "elsewhere:1")
    assert advance(here, opened)
    assert leases.holder(here.ledger, name_of(opened)) is None


# ---- runs that somebody asked for ------------------------------------------------------------------------------------
def rows() -> dict[int, list[str]]:
    return {ident: list(found.values()) for ident, found in stages.touched().items()}


def seen() -> None:
    stages.looked_at([name for found in stages.touched().values() for name in found])


def test_a_run_that_was_asked_for_is_told_with_its_approval(opened: int) -> None:
    ledger = offices.office().ledger
    seen()
    assert asked.ask("r1", {"shipment": str(opened), "approved": True, "actor": "Li"}) == opened
    assert shipments.get(ledger, opened).approved_by == "Li"
    assert "r1" in rows()[opened]


@pytest.mark.parametrize(
    "parameters",
    [{}, {"shipment": "nowhere"}, {"shipment": "1", "actor": "pulse"}, {"shipment": "1", "folder": "x"}],
)  # fmt: skip
def test_other_runs_are_not_told(opened: int, parameters: dict[str, Any]) -> None:
    seen()
    assert asked.ask("r1", parameters) is None
    assert rows() == {}


def test_while_such_a_run_has_not_ended_the_shipment_needs_no_other(opened: int, prefect: PrefectServer) -> None:
    waker = Dispatch(prefect=Prefect(prefect.base))
    touches.touch(offices.office().ledger, [opened], "theirs")
    assert waker.beat() == []
    assert waker.started[opened].run_id == "theirs"
    prefect.states["theirs"] = "COMPLETED"
    looks.note_run(settling.settle_shipment(offices.office(), opened), clock.now())
    assert waker.beat() == []
    assert (waker.started, prefect.runs) == ({}, [])
    assert waker.when[opened] > stopwatch() + waking.BUSY
