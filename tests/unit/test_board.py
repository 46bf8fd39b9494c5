"""The board: what has only to be shown goes past the lanes; where it cannot show a shipment a run does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.ledger import touches
from deployments import agenda, waking
from deployments.board import ROOM
from deployments.noticed import RECEIPTS
from deployments.pools import FEW
from deployments.showing import FULL, QUIET, SOON, STEADY, TRUCK
from tasks import stages
from tasks.notices import AWAY, HELD, LEFT, RUN, SHOWN, TAKEN
from tests.unit.board_scene import Boarded
from tests.unit.pulse_scene import BEAT, opened
from tests.unit.world import captured, home, prefect, truck

__all__ = ["captured", "home", "prefect", "truck"]


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


def test_one_that_needs_a_run_gets_it_when_it_ever_did_though_the_desk_is_at_it(scene: Boarded) -> None:
    scene.board.need_run.add(scene.id)
    scene.found = scene.found._replace(left=True)
    runs, began = 0, scene.now
    while not runs:
        scene.change()
        runs = scene.beats(BEAT)
    assert scene.now - began <= STEADY + 3 * BEAT


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
    assert scene.shown(SOON * QUIET + 9 * agenda.TROUBLED) == 3
    assert scene.shown(3 * STEADY) == 0
    assert stages.touched() == {}


def test_an_absent_prefect_is_tried_more_and_more_seldom(scene: Boarded) -> None:
    scene.answers = [AWAY]
    scene.change()
    assert 3 <= scene.shown(20 * agenda.TROUBLED) <= 5


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


def test_a_truck_that_was_shown_is_looked_at_again_with_its_receipts_and_for_anything_else_at_once(
    scene: Boarded,
) -> None:
    scene.waker.desk = None
    scene.waker.size[scene.id] = FEW + 1
    scene.waker.under_way.add(scene.id)

    def is_shown() -> int:
        """How often it is looked at in the seconds after it was shown."""
        scene.number += 1
        scene.waker._now([scene.id])
        while not scene.board.in_hand:
            assert scene.beats(BEAT) == 0
        return scene.looked

    shown = is_shown()
    scene.change(touches.HEARD)  # while the board has it, which sees it
    scene.beats(RECEIPTS - BEAT)
    assert scene.looked == shown + 1, "by the board"
    scene.beats(3 * BEAT)
    assert scene.looked == shown + 2
    shown = is_shown()
    scene.change()
    scene.beats(3 * BEAT)
    assert scene.looked == shown + 2, "by the board, and by the waker at once"


def test_what_was_kept_of_a_truck_is_over_when_the_board_has_shown_it(scene: Boarded) -> None:
    """It waits in the board's line, a person changes it, it is looked at, and the board shows that, too."""
    scene.waker.desk = None
    scene.waker.size[scene.id] = FEW + 1
    scene.waker.under_way.add(scene.id)
    scene.board.slow = True
    scene.change()
    scene.beats(TRUCK * QUIET + 3 * BEAT)
    assert len(scene.board.had) == 1
    scene.change()
    scene.beats(3 * BEAT)
    assert scene.id in scene.waker.noticed.kept
    scene.board.slow = False
    assert scene.shown(3 * TRUCK * STEADY) == 0, "it has been shown"
    assert stages.touched() == {}


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
