"""The trucks' desk: what is little work of a truck that a run has had goes past the lanes; all else gets a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from adapters.ledger import touches
from deployments import noticed, waking
from deployments.pools import FEW
from deployments.showing import QUIET, STEADY, TRUCK
from deployments.truck_desk import MORE, MOST, REST, TRUCKS, UNDONE, WAITS, TruckDesk
from tasks import stages
from tasks.notices import LEFT, RUN, SHOWN
from tests.unit.board_scene import Boarded
from tests.unit.pulse_scene import BEAT, At, opened
from tests.unit.world import captured, home, prefect, truck

__all__ = ["captured", "home", "prefect", "truck"]


@dataclass
class TruckAt(At):
    """The desk: by the next beat it has said of what it is handed what the test `says`; meanwhile receipts may come."""

    scene: Any = None
    says: Any = True
    hears: bool = False
    found: set[int] = field(default_factory=set)
    undone: dict[int, float] = field(default_factory=dict)
    more: dict[int, int] = field(default_factory=dict)
    takes = TruckDesk.takes
    leaves = TruckDesk.leaves
    forget = TruckDesk.forget
    _is_free = TruckDesk._is_free

    def done(self) -> set[int]:
        self._answer = dict.fromkeys(self.in_hand, self.says)
        if self.in_hand:
            self.scene.number += self.says in (True, MORE) or self.hears
            if self.says is True:
                self.scene.found = self.scene.found._replace(left=False, load=0)
        self.in_hand.clear()
        return TruckDesk.done(self)  # type: ignore[arg-type]

    def _heard(self) -> dict[int, Any]:
        return self._answer


class Trucks(Boarded):
    """A truck that is under way, a board, and a desk for what is little work."""

    def begin(self) -> None:
        super().begin()
        self.waker.desk = None
        self.waker.size[self.id] = FEW + 1
        self.waker.truck_desk = self.at = TruckAt(scene=self)  # type: ignore[assignment]

    def look(self) -> Any:
        self.waker.size[self.id] = FEW + 1  # a change has its size asked for anew
        return super().look()

    def leaves(self, **how: Any) -> None:
        """Something comes that leaves work to do."""
        self.found = self.found._replace(left=True, **how)
        self.change()


@pytest.fixture
def scene(captured: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trucks]:
    """A truck that the pulse has looked at, shown as it is."""
    monkeypatch.setattr(stages, "parcels_of", lambda _: FEW + 1)
    made = opened(Trucks, captured, monkeypatch)
    one = next(made)
    monkeypatch.setattr("deployments.truck_desk.stopwatch", lambda: one.now)
    yield one
    yield from made


def test_what_is_little_work_is_done_at_once_and_shown_without_a_run(scene: Trucks) -> None:
    scene.leaves(load=FEW)
    assert scene.beats(3 * BEAT) == 0
    assert scene.at.had == [scene.id]
    assert scene.shown(3 * TRUCK * QUIET) == 1
    assert scene.shown(3 * TRUCK * STEADY) == 0
    assert scene.at.had == [scene.id]
    assert stages.touched() == {}


@pytest.mark.parametrize("how", [{"begins": True}, {"load": FEW + 1}, {"applied": True}, {"waits_for_time": True}])
def test_what_begins_what_is_much_what_was_applied_for_and_a_lost_answer_are_a_runs(
    scene: Trucks, how: dict[str, Any]
) -> None:
    scene.leaves(**how)
    assert scene.beats(3 * BEAT) == 1
    assert scene.at.had == []


def test_what_no_run_has_had_or_whose_run_came_to_no_good_end_gets_one(scene: Trucks) -> None:
    scene.noted = ""
    scene.leaves()
    assert scene.beats(3 * BEAT) == 1
    scene.run()
    scene.board.need_run.add(scene.id)
    scene.leaves()
    assert scene.beats(3 * BEAT) == 1
    assert scene.at.had == []
    scene.run()
    scene.leaves()
    assert scene.beats(3 * BEAT) == 0, "a run has had it, and it is the desk's again"
    assert scene.at.had == [scene.id]


@pytest.mark.parametrize(("says", "hears"), [(UNDONE, False), (UNDONE, True), (None, False)])
def test_what_the_desk_could_not_do_a_run_does_and_tells(scene: Trucks, says: Any, hears: bool) -> None:
    """An authority that is away, a file that cannot be worked up, a killed process; receipts come all the time."""
    scene.at.says, scene.at.hears = says, hears
    scene.leaves()
    assert scene.beats(5 * BEAT) == 1
    assert scene.at.had == [scene.id]
    scene.run()
    for _ in range(5):  # what comes meanwhile is a run's, too: each would be tried in vain
        scene.leaves()
        assert scene.beats(5 * BEAT) == 1
        scene.run()
    assert scene.at.had == [scene.id]
    scene.now += REST
    scene.at.says = True
    scene.leaves()
    assert scene.beats(5 * BEAT) == 0, "after a while it is the desk's again"
    assert scene.at.had == [scene.id] * 2


def test_of_which_more_is_left_each_time_the_desk_has_had_enough_in_the_end(scene: Trucks) -> None:
    scene.at.says = MORE
    scene.leaves()
    runs = sum(scene.beats(BEAT) for _ in range(30))
    assert runs == 1
    assert len(scene.at.had) == MOST
    scene.run()
    scene.at.says = True
    scene.now += REST
    scene.leaves()
    assert scene.beats(5 * BEAT) == 0


def test_its_parcels_follow_their_documents_while_it_waits_there(
    scene: Trucks, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled: list[int] = []
    monkeypatch.setattr(stages, "standing", lambda ident, _by: settled.append(ident))
    scene.at.done = set  # type: ignore[method-assign]
    scene.leaves()
    scene.beats(3 * BEAT)
    assert settled == []
    scene.change(touches.HEARD)
    scene.beats(noticed.LONGEST)
    assert settled == [scene.id]


def test_where_there_are_many_runs_already_the_desk_goes_on(scene: Trucks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waking, "AT_ONCE", 0)
    scene.waker.under_way.add(scene.id)
    scene.leaves()
    assert scene.beats(3 * BEAT) == 0
    assert scene.at.had == [scene.id]
    scene.leaves(load=FEW + 1)
    assert scene.beats(3 * BEAT) == 0, "a run has to wait"


def test_what_is_left_for_hong_kong_is_found_by_the_board_and_done_at_the_desk(scene: Trucks) -> None:
    """A look at a truck is rough, and does not see it."""
    scene.answers = [LEFT, SHOWN]
    scene.change()
    assert scene.shown(3 * TRUCK * QUIET) == 2
    assert scene.at.had == [scene.id]


@pytest.mark.parametrize("hears", [False, True])
def test_where_the_board_finds_it_left_and_the_desk_does_not_do_it_a_run_does(scene: Trucks, hears: bool) -> None:
    """Hong Kong's deadline is over, and a person is to decide: nobody can do it, and somebody has to say it."""
    scene.answers, scene.at.says, scene.at.hears = [LEFT], UNDONE, hears
    scene.change()
    assert scene.beats(TRUCK * QUIET + 5 * BEAT) == 1
    assert scene.at.had == [scene.id]
    assert scene.at.found == set()
    scene.run()
    scene.answers = [SHOWN]
    scene.change()
    assert scene.shown(2 * TRUCK * QUIET) == 1, "and it is the board's again"


def test_what_a_run_has_done_meanwhile_is_not_left_any_more(scene: Trucks) -> None:
    scene.at.found.add(scene.id)
    scene.number += 1
    scene.noted = f"m{scene.number}"
    scene.waker._now([scene.id])
    scene.beats(2 * BEAT)
    assert scene.at.found == set()


def test_what_the_board_cannot_show_is_no_work_for_the_desk(scene: Trucks) -> None:
    scene.answers = [RUN]
    scene.change()
    assert scene.beats(3 * TRUCK * QUIET) == 1
    assert scene.at.had == []


@pytest.mark.parametrize(("many", "seconds"), [(TRUCKS, 0.0), (1, WAITS)])
def test_where_the_desk_has_its_hands_full_a_worker_has_the_truck(scene: Trucks, many: int, seconds: float) -> None:
    scene.at.done = set  # type: ignore[method-assign]
    scene.at.in_hand = dict.fromkeys(range(1000, 1000 + many), scene.now - seconds)
    scene.leaves()
    assert scene.beats(3 * BEAT) == 1


def test_a_truck_at_the_desk_gets_no_run_until_the_desk_is_done_with_it(scene: Trucks) -> None:
    done, scene.at.done = scene.at.done, set  # type: ignore[method-assign,assignment]
    scene.leaves()
    assert scene.beats(TRUCK * STEADY) == 0
    scene.change()
    assert scene.beats(TRUCK * STEADY) == 0
    assert scene.at.had == [scene.id]
    scene.at.done = done  # type: ignore[method-assign]
    assert scene.shown(2 * TRUCK * QUIET) == 1


def test_one_that_somebody_else_had_is_handed_in_again(scene: Trucks) -> None:
    scene.at.says = False
    scene.at.found.add(scene.id)  # the board has found it, a look does not
    scene.change()
    assert scene.beats(waking.BUSY) == 0
    assert len(scene.at.had) > 1
    scene.at.says = True
    assert scene.shown(2 * TRUCK * QUIET) == 1


def test_a_closed_truck_is_forgotten(scene: Trucks) -> None:
    scene.at.says = UNDONE
    scene.leaves()
    scene.beats(5 * BEAT)
    assert scene.id in scene.at.undone
    scene.over = True
    scene.run()
    scene.beats(5 * BEAT)
    assert (scene.at.undone, scene.at.more, scene.at.found) == ({}, {}, set())
