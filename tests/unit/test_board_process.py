"""The board's process: it shows, hangs, dies, and another begins."""

from __future__ import annotations

import os
import signal
import time
from multiprocessing.connection import Connection

import pytest

from adapters.ledger import shipments
from deployments.board import Board
from deployments.dispatch import Dispatch, Started
from deployments.prefect_api import Prefect
from mappings.clock import stopwatch
from tasks import looks
from tasks import office as offices
from tasks.notices import RUN, SHOWN, TAKEN
from tests.unit.prefect_double import PrefectServer
from tests.unit.world import captured, home, prefect, truck

__all__ = ["captured", "home", "prefect", "truck"]


def dies(ours: Connection) -> None:
    """A board that is killed with a shipment in its hands."""
    ours.recv()
    os.kill(os.getpid(), signal.SIGKILL)


def another(number: int) -> list[int]:
    """So many shipments more, that wait for their files."""
    ledger = offices.office().ledger
    like = shipments.get(ledger, 1)
    with ledger.begin() as tx:
        return [shipments.open_shipment(tx, like.agent_code, f"WAITS{i}", like.truck)[0] for i in range(number)]


def until_done(board: Board) -> dict[int, str]:
    """What it says first."""
    end = stopwatch() + 60
    while not (said := board.done()):
        assert stopwatch() < end, "the board never said that it is done"
        time.sleep(0.01)
    return said


def test_its_process_shows(captured: int, prefect: PrefectServer, monkeypatch: pytest.MonkeyPatch) -> None:
    offices.office.cache_clear()
    monkeypatch.setenv("PREFECT_API_URL", f"{prefect.base}/api")
    here = offices.office()
    prefect.has("r1")
    prefect.has("r2", "PENDING")
    board = Board()
    try:
        board.hand(captured, False, "r2")
        assert until_done(board) == {captured: TAKEN}
        board.hand(captured, False, "")
        assert until_done(board) == {captured: RUN}, "no run has had it"
        assert board.need_run == {captured}
        assert board.in_hand == {}
        looks.note_page(captured, "r1")
        board.hand(captured, False, "")
        assert until_done(board) == {captured: SHOWN}
        assert prefect.set_states == [("r1", "COMPLETED")]
        assert looks.look(captured).noted == looks.look(captured).mark
        others = another(3)
        for ident in (captured, *others):
            shipments.hold(here.ledger, ident, "why", "a person")
            board.hand(ident, 1, "")
        said = dict[int, str]()
        while len(said) < 4:
            said |= until_done(board)
        assert said == {captured: SHOWN, **dict.fromkeys(others, RUN)}, "by two hands; no run has had the others"
        assert prefect.set_states == [("r1", "COMPLETED")] * 2
    finally:
        board.end()
        here.ledger.close()


def hangs(ours: Connection) -> None:
    """A board that never says a word."""
    time.sleep(120)


def test_one_that_hangs_is_killed_and_another_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deployments.board.HANGS", 0.2)
    board = Board(hangs)
    first = board.pid
    try:
        board.hand(7, False, "")
        assert board.done() == {}, "not at once"
        assert until_done(board) == {7: RUN}
        assert board.pid != first
    finally:
        board.process.kill()
        board.end()


def test_what_it_had_when_it_died_needs_a_run_and_another_begins() -> None:
    board = Board(dies)
    first = board.pid
    try:
        board.hand(7)
        assert until_done(board) == {7: RUN}
        assert (board.need_run, board.in_hand) == ({7}, {})
        assert board.pid != first
    finally:
        board.end()


def test_a_started_run_is_in_line_until_a_worker_has_it(captured: int, prefect: PrefectServer) -> None:
    offices.office.cache_clear()
    waker = Dispatch(prefect=Prefect(prefect.base), asked_at={"express": -9.0, "trucks": -9.0})
    waker.started[captured] = Started("r1", stopwatch())
    assert waker.in_line(captured) == "r1"
    assert waker.in_line(captured + 1) == ""
    prefect.states["r1"] = "PENDING"
    waker.ended()
    waker.ended()
    assert waker.in_line(captured) == ""
    prefect.states["r1"] = "SCHEDULED"
    waker.asked_at = dict.fromkeys(waker.asked_at, -9.0)
    waker.ended()
    waker.ended()
    assert waker.in_line(captured) == "r1", "it waits to be tried again"
