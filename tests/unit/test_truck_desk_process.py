"""The trucks' desk as a process: what it says of a truck, and what it shows."""

from __future__ import annotations

import os
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from adapters import home as homes
from deployments import beside
from deployments.truck_desk import MORE, UNDONE, TruckDesk, serve_trucks
from mappings.errors import AuthorityUnavailable
from tasks.clearing import steps
from tasks.clearing.advance import Advanced, advance
from tasks.clearing.settling import settle_shipment
from tasks.clearing.standing import Standing
from tasks.notices import AWAY
from tasks.office import open_office
from tests.unit.test_desk import until_done
from tests.unit.world import captured, home, prefect, truck

__all__ = ["captured", "home", "prefect", "truck"]


def test_the_process_advances_a_truck_and_goes_by_a_name(captured: int) -> None:
    desk = TruckDesk()
    try:
        desk.hand(captured)
        until_done(desk, captured)
        assert os.getpriority(os.PRIO_PROCESS, desk.pid) > os.getpriority(os.PRIO_PROCESS, 0), "small shipments first"
        name = Path(f"/proc/{desk.pid}/comm")
        if name.exists():
            assert name.read_text("utf-8").strip() == beside.called("truck-desk") == "tg-truck-desk"
    finally:
        desk.end()


def test_many_parcels_that_a_file_makes_ready_are_left_to_a_run(captured: int, monkeypatch: pytest.MonkeyPatch) -> None:
    here = open_office(homes.read())
    taken: list[str] = []

    def take(_office: object, _shipment_id: int, step: str, standing: Standing) -> steps.Taken:
        taken.append(step)
        return steps.Taken(step, standing=standing)

    monkeypatch.setattr(steps, "take", take)
    monkeypatch.setattr(steps, "anything_to_do", lambda *_: True)
    ready = len(settle_shipment(here, captured).in_state("ready"))
    assert ready > 1
    assert advance(here, captured, ready - 1) is not None
    assert taken == []
    assert advance(here, captured, ready) is not None
    assert "declare" in taken


@pytest.mark.parametrize(
    ("left", "did", "says", "shows"),
    [(False, True, True, 1), (False, False, True, 1), (True, True, MORE, 0), (True, False, UNDONE, 0)],
)
def test_it_shows_what_is_done_and_says_where_it_could_do_nothing(
    monkeypatch: pytest.MonkeyPatch, left: bool, did: bool, says: Any, shows: int
) -> None:
    shown: list[int] = []
    monkeypatch.setattr("tasks.clearing.advance.advance", lambda *_: Advanced(AT, did))
    monkeypatch.setattr("tasks.looks.nothing_left", lambda _, at: None if left else at)
    monkeypatch.setattr("deployments.board.shower", lambda _: lambda ident, at: shown.append(ident))
    assert said_of([7], monkeypatch) == [(7, says)]
    assert len(shown) == shows


def test_where_prefect_is_away_the_next_truck_does_not_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[int] = []
    monkeypatch.setattr("tasks.clearing.advance.advance", lambda *_: Advanced(AT, True))
    monkeypatch.setattr("tasks.looks.nothing_left", lambda _, at: at)
    monkeypatch.setattr("deployments.board.shower", lambda _: lambda ident, at: shown.append(ident) or AWAY)
    assert said_of([7, 8], monkeypatch) == [(7, True), (8, True)]
    assert shown == [7], "the board shows the others"


@pytest.mark.parametrize("error", [AuthorityUnavailable("away"), RuntimeError("a defect")])
def test_what_it_comes_upon_is_said_to_be_undone(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fails(*_: object) -> Advanced:
        raise error

    monkeypatch.setattr("tasks.clearing.advance.advance", fails)
    assert said_of([7], monkeypatch) == [(7, UNDONE)]
    monkeypatch.setattr("tasks.clearing.advance.advance", lambda *_: None)
    assert said_of([7], monkeypatch) == [(7, False)], "somebody else has it"


AT: Any = object()


def said_of(shipment_ids: list[int], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the desk's process says of these trucks."""
    monkeypatch.setattr("tasks.office.office", lambda: None)
    for name in ("setsid", "nice"):
        monkeypatch.setattr(os, name, lambda *_: None)
    ours, theirs = Pipe()
    serving = Thread(target=serve_trucks, args=(theirs,))
    serving.start()
    for shipment_id in shipment_ids:
        ours.send((0, (shipment_id,)))
    assert ours.poll(30)
    said = [ours.recv() for _ in shipment_ids]
    ours.close()
    serving.join(10)
    assert not serving.is_alive()
    return said


def test_what_dies_at_the_desk_is_looked_at_again(captured: int) -> None:
    desk = TruckDesk(dies)
    try:
        desk.hand(captured)
        until_done(desk, captured)
        assert captured in desk.undone
        assert desk.leaves(captured), "by a run"
        assert not desk.leaves(captured)
    finally:
        desk.end()


def dies(ours: Connection) -> None:
    """A desk that is killed with a truck in its hands."""
    ours.recv()
    os._exit(9)
