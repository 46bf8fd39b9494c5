"""The board: what has only to be shown goes past the lanes; where it cannot show a shipment a run does."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import pytest

from adapters.ledger import shipments
from deployments import waking
from deployments.board import LINE, ROOM, Board
from deployments.dispatch import Dispatch, Started
from deployments.pools import FEW
from deployments.prefect_api import Prefect
from deployments.showing import FULL, NEWS, QUIET, SOON, STEADY, TRUCK
from mappings.clock import stopwatch
from tasks import looks, stages
from tasks import office as offices
from tasks.notices import AWAY, HELD, LEFT, RUN, SHOWN, TAKEN
from tests.unit.prefect_double import PrefectServer
from tests.unit.pulse_scene import BEAT, At, Pool, Scene, opened
from tests.unit.world import captured, home, prefect, truck

__all__ = ["captured", "home", "prefect", "truck"]


@dataclass
class Shows:
    """The board: by the next beat it has done with what it is handed, and says what the test tells it to."""

    says: Callable[[int], str]
    in_hand: dict[int, float] = field(default_factory=dict)
    had: list[tuple[int, int, str]] = field(default_factory=list)
    need_run: set[int] = field(default_factory=set)
    away: int = 0
    slow: bool = False  # it is done with nothing
    can_show = Board.can_show
    has_room = Board.has_room

    def hand(self, shipment_id: int, first: int = 0, in_line: str = "") -> None:
        self.in_hand[shipment_id] = 0.0
        self.had.append((shipment_id, first, in_line))

    def done(self) -> dict[int, str]:
        if self.slow:
            return {}
        said = {shipment_id: self.says(shipment_id) for shipment_id in self.in_hand}
        self.need_run |= {shipment_id for shipment_id, one in said.items() if one == RUN}
        for answer in said.values():
            self.away = self.away + 1 if answer == AWAY else 0
        self.in_hand.clear()
        return said


class Boarded(Scene):
    """The same with a board, and nothing left to do. `answers` are what the board says, the last one for ever."""

    def begin(self) -> None:
        self.found = self.found._replace(left=False, begins=False)
        self.answers = [SHOWN]
        self.desk, self.board = At(), Shows(lambda _: self.said())
        self.waker = Line(desk=self.desk, board=self.board)  # type: ignore[arg-type]

    def said(self) -> str:
        said = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if said == SHOWN:
            self.noted = self.look().mark
        return said

    def shown(self, seconds: float) -> int:
        """How often the board was handed it in so long; no run is ordered."""
        before = len(self.board.had)
        assert self.beats(seconds) == 0
        return len(self.board.had) - before


@dataclass
class Line(Pool):
    """Runs that are out are in line until the test says that a worker has them."""

    taken: bool = False

    def in_line(self, shipment_id: int) -> str:
        return "r9" if shipment_id in self.out and not self.taken else ""


@pytest.fixture
def scene(captured: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Boarded]:
    """A shipment that the pulse has looked at, shown as it is."""
    yield from opened(Boarded, captured, monkeypatch)


def test_one_change_is_shown_once_and_sooner_than_by_a_run(scene: Boarded) -> None:
    scene.change()
    assert scene.shown(SOON * QUIET - BEAT) == 0
    assert scene.shown(3 * BEAT) == 1
    assert scene.board.had == [(scene.id, True, "")], "before trucks"
    assert scene.shown(3 * STEADY) == 0
    assert stages.touched() == {}


def test_steady_change_is_shown_at_the_bound(scene: Boarded) -> None:
    began = scene.now
    for _ in range(200):
        scene.change()
        scene.shown(SOON * QUIET / 2)
    times = (scene.now - began) / (SOON * STEADY)
    assert times > 5
    assert times - 2 <= len(scene.board.had) <= times + 1


def test_news_waits_for_no_other_receipt(scene: Boarded) -> None:
    scene.found = scene.found._replace(stands="released")
    for _ in range(round(NEWS * QUIET / BEAT) + 2):
        scene.change()
        scene.shown(BEAT)
    assert scene.board.had == [(scene.id, 2, "")], "before those without news"
    for _ in range(round(SOON * QUIET / BEAT) + 2):
        scene.change()
        scene.shown(BEAT)
    assert len(scene.board.had) == 1, "it stands as it was shown: only receipts came"


@pytest.mark.parametrize("answer", [HELD, AWAY, LEFT])
def test_news_that_was_not_shown_is_news(scene: Boarded, answer: str) -> None:
    scene.answers = [answer, SHOWN]
    scene.found = scene.found._replace(stands="released")
    scene.change()
    assert scene.shown(SOON * QUIET + 9 * waking.TROUBLED) == 2
    assert [rank for _, rank, _ in scene.board.had] == [2, 2]
    scene.found = scene.found._replace(stands="departed")
    for _ in range(2):
        scene.change()
        assert scene.shown(SOON * QUIET + 4 * BEAT) == 1
    assert [rank for _, rank, _ in scene.board.had[2:]] == [2, 1], "what was shown is none"


@pytest.mark.parametrize("answer", [HELD, AWAY, LEFT])
def test_a_receipt_that_was_not_shown_is_none(scene: Boarded, answer: str) -> None:
    scene.answers = [answer, SHOWN]
    scene.change()
    assert scene.shown(SOON * QUIET + 9 * waking.TROUBLED) == 2
    assert [rank for _, rank, _ in scene.board.had] == [1, 1]


def test_an_absent_prefect_is_not_asked_for_each_receipt_of_one_with_news(scene: Boarded) -> None:
    scene.answers = [AWAY]
    scene.found = scene.found._replace(stands="released")
    for _ in range(200):
        scene.change()
        scene.beats(2 * BEAT)
    assert 4 <= len(scene.board.had) <= 40 / (SOON * STEADY) + 4, "in 40 seconds: news, then as what goes on changing"


def test_a_moment_without_prefect_puts_no_news_aside(scene: Boarded) -> None:
    scene.board.slow, scene.board.in_hand = True, dict.fromkeys(range(1000, 1000 + LINE), 0.0)
    scene.board.away = 1
    scene.found = scene.found._replace(stands="released")
    scene.change()
    scene.beats(2 * BEAT)
    scene.board.away = 0
    assert scene.shown(SOON * QUIET + BEAT) == 1
    assert scene.board.had == [(scene.id, 2, "")]


def test_what_was_shown_first_is_not_what_was_handed_in_second(scene: Boarded) -> None:
    scene.board.slow = True
    for stands in ("reviewed", "released"):
        scene.found = scene.found._replace(stands=stands)
        scene.change()
        assert scene.shown(SOON * QUIET + 2 * BEAT) == 1
    scene.board.says, scene.board.slow = lambda _: SHOWN, False  # the first of them: it says nothing of the second
    scene.beats(BEAT)
    scene.board.says = lambda _: scene.said()
    scene.change()
    assert scene.shown(SOON * QUIET + 2 * BEAT) == 1
    assert [rank for _, rank, _ in scene.board.had] == [2, 2, 2], "it was never shown as released"


def test_a_run_that_was_ordered_has_as_long_as_ever_to_begin(scene: Boarded) -> None:
    scene.board.need_run.add(scene.id)
    scene.change()
    assert scene.beats(QUIET + 2 * BEAT) == 1
    scene.found = scene.found._replace(stands="released")
    scene.change()
    assert scene.shown(SOON * QUIET - BEAT) == 0
    assert scene.shown(3 * BEAT) == 1
    assert scene.board.had == [(scene.id, 2, "r9")]


def test_what_was_never_shown_stands_not_otherwise(scene: Boarded) -> None:
    scene.noted, scene.found = "", scene.found._replace(stands="ready")
    scene.waker.out.add(scene.id)
    scene.change()
    assert scene.shown(SOON * QUIET + 2 * BEAT) == 1
    assert scene.board.had == [(scene.id, 1, "r9")]


def test_one_that_needs_a_run_gets_it_when_it_ever_did_though_the_desk_is_at_it(scene: Boarded) -> None:
    scene.board.need_run.add(scene.id)
    scene.found = scene.found._replace(left=True)
    runs, began = 0, scene.now
    while not runs:
        scene.change()
        runs = scene.beats(BEAT)
    assert scene.now - began <= STEADY + 3 * BEAT


def test_it_waits_for_no_line_that_is_gone(scene: Boarded) -> None:
    scene.board.slow, scene.board.in_hand = True, dict.fromkeys(range(1000, 1000 + LINE), 0.0)
    scene.change()
    assert scene.shown(2 * QUIET) == 0
    del scene.board.in_hand[1000]
    assert scene.shown(3 * BEAT) == 1


def test_trucks_are_no_line(scene: Boarded) -> None:
    trucks = range(1000, 1000 + LINE)
    scene.board.slow, scene.board.in_hand = True, dict.fromkeys(trucks, 0.0)
    scene.waker.size |= dict.fromkeys(trucks, FEW + 1)
    scene.change()
    assert scene.shown(SOON * QUIET + 2 * BEAT) == 1


def test_where_there_is_a_line_what_is_no_news_waits_and_news_passes(scene: Boarded) -> None:
    others = dict.fromkeys(range(1000, 1000 + LINE), 0.0)
    scene.board.slow, scene.board.in_hand = True, others
    scene.change()
    assert scene.shown(FULL * SOON * STEADY - 3 * BEAT) == 0
    assert scene.shown(5 * BEAT) == 1, "but not for ever"
    assert scene.board.had == [(scene.id, 1, "")]
    scene.found = scene.found._replace(stands="released")
    scene.change()
    assert scene.shown(SOON * QUIET + 2 * BEAT) == 1, "it is handed in again, and passes"
    assert scene.board.had[1:] == [(scene.id, 2, "")]
    assert scene.shown(STEADY) == 0


def test_what_the_desk_takes_again_and_again_needs_no_run_for_long(scene: Boarded) -> None:
    """A run would only wait in its lane for what the board shows when the desk has come to an end."""
    scene.found = scene.found._replace(left=True)
    for _ in range(round(FULL * STEADY / BEAT) - 3):
        scene.change()
        assert scene.beats(BEAT) == 0
    assert len(scene.desk.had) > 100
    runs = 0
    for _ in range(6):
        scene.change()
        runs += scene.beats(BEAT)
    assert runs == 1, "but it is shown"


def test_what_has_work_left_or_never_had_a_run_gets_one(scene: Boarded) -> None:
    scene.desk.full, scene.found = True, scene.found._replace(left=True)
    scene.change()
    assert scene.beats(4 * QUIET) == 1
    scene.run()
    scene.found, scene.noted = scene.found._replace(left=False), ""
    scene.change()
    assert scene.beats(4 * QUIET) == 1
    assert scene.board.had == []


@pytest.mark.parametrize("answer", [HELD, AWAY, LEFT])
def test_what_could_not_be_shown_is_tried_again(scene: Boarded, answer: str) -> None:
    scene.answers = [answer, answer, SHOWN]
    scene.change()
    assert scene.shown(SOON * QUIET + 9 * waking.TROUBLED) == 3
    assert scene.shown(3 * STEADY) == 0
    assert stages.touched() == {}


def test_an_absent_prefect_is_tried_more_and_more_seldom(scene: Boarded) -> None:
    scene.answers = [AWAY]
    scene.change()
    assert 3 <= scene.shown(20 * waking.TROUBLED) <= 5


def test_a_truck_with_something_left_for_hong_kong_gets_a_run(scene: Boarded) -> None:
    """Its look does not see that (it is rough); the board's does."""
    scene.waker.desk = None
    scene.waker.size[scene.id] = FEW + 1
    scene.answers = [LEFT]
    scene.change()
    assert scene.beats(3 * TRUCK * QUIET) == 1
    assert len(scene.board.had) == 1
    scene.run()
    scene.answers = [SHOWN]
    scene.change()
    assert scene.shown(2 * TRUCK * QUIET) == 1, "and it is the board's again"


def test_what_stands_in_line_at_the_board_goes_to_the_desk_all_the_same(scene: Boarded) -> None:
    scene.board.slow = True
    scene.change()
    assert scene.shown(QUIET) == 1
    scene.found = scene.found._replace(left=True)
    scene.change()
    scene.beats(2 * BEAT)
    assert scene.desk.had == [scene.id]
    scene.found = scene.found._replace(left=False)
    assert scene.shown(2 * STEADY) == 0, "it is there already"
    scene.board.slow = False
    assert scene.shown(2 * STEADY) == 0, "it showed what it found when it came to it"
    assert stages.touched() == {}


def test_a_full_board_is_handed_nothing(scene: Boarded) -> None:
    scene.board.slow = True
    scene.board.in_hand = dict.fromkeys(range(1000, 1000 + ROOM), 0.0)
    scene.change()
    assert scene.shown(STEADY) == 0
    scene.board.in_hand.clear()
    scene.board.slow = False
    assert scene.shown(waking.CROWDED + QUIET) == 1


def test_where_it_needs_a_run_it_gets_one_and_is_shown_again_after_that(scene: Boarded) -> None:
    scene.answers = [RUN, SHOWN]
    scene.change()
    assert scene.beats(4 * QUIET) == 1
    assert len(scene.board.had) == 1
    scene.run()
    assert scene.shown(STEADY) == 0
    scene.change()
    assert scene.shown(QUIET) == 1


def test_a_change_while_it_is_shown_is_shown_too(scene: Boarded) -> None:
    scene.change()
    scene.beats(SOON * QUIET)
    while not scene.board.in_hand:
        scene.beats(BEAT)
    scene.said()  # it has looked
    scene.board.says = lambda _: SHOWN
    scene.change()
    assert scene.shown(2 * QUIET) == 1


def test_a_truck_is_shown_as_seldom_as_by_runs_and_waits_for_no_worker(scene: Boarded) -> None:
    scene.waker.desk, scene.waker.no_worker = None, True
    scene.waker.size[scene.id] = FEW + 1
    scene.change()
    assert scene.shown(TRUCK * QUIET - BEAT) == 0
    assert scene.shown(FULL * BEAT) == 1
    assert scene.board.had == [(scene.id, False, "")]


def test_a_run_that_waits_in_its_lane_is_ended_when_all_is_done(scene: Boarded) -> None:
    scene.noted, scene.found = "", scene.found._replace(left=True)
    scene.desk.full = True
    scene.change()
    assert scene.beats(4 * QUIET) == 1
    scene.desk.full, scene.found = False, scene.found._replace(left=False)  # the desk had room, and has done it
    assert scene.shown(waking.DUE + QUIET) == 1
    assert scene.board.had == [(scene.id, True, "r9")]
    scene.end()
    assert scene.shown(3 * STEADY) == 0
    assert stages.touched() == {}


def test_a_run_that_a_worker_has_is_left_to_it(scene: Boarded) -> None:
    scene.noted, scene.found = "", scene.found._replace(left=True)
    scene.desk.full = True
    scene.change()
    assert scene.beats(4 * QUIET) == 1
    scene.waker.taken = True
    scene.desk.full, scene.found = False, scene.found._replace(left=False)
    assert scene.shown(3 * STEADY) == 0
    scene.run()
    assert scene.shown(3 * STEADY) == 0


def test_one_that_was_taken_meanwhile_is_not_asked_for_all_the_time(scene: Boarded) -> None:
    scene.answers = [TAKEN]
    scene.waker.out.add(scene.id)
    scene.change()
    assert 1 <= scene.shown(3 * waking.DUE) <= 4


def test_what_a_run_that_was_taken_had_not_seen_is_shown_soon_after_its_end(scene: Boarded) -> None:
    scene.answers = [TAKEN, SHOWN]
    scene.waker.out.add(scene.id)
    scene.change()
    assert scene.shown(2 * QUIET) == 1
    scene.waker.taken = True
    scene.waker.out.discard(scene.id)  # it ends, and what it noted is how the shipment looked before the change
    assert scene.shown(waking.DUE + 2 * QUIET) == 1, "not after the half minute of a run that failed"
    assert scene.shown(3 * STEADY) == 0


# ---- the process -----------------------------------------------------------------------------------------------------
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
