"""When runs show what the desk has done: on a clock of the test, with a desk and a Prefect that are stood in for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import update

from adapters.ledger import shipments, touches
from adapters.ledger.tables import shipment
from deployments import agenda, noticed, showing, waking
from deployments.pools import FEW
from deployments.showing import FULL, QUIET, STEADY, TRUCK, Showing
from mappings import clock
from mappings.errors import ConfigurationError
from tasks import office as offices
from tasks import stages
from tests.unit.pulse_scene import BEAT, Scene, opened
from tests.unit.world import captured, home, truck

__all__ = ["captured", "home", "truck"]


@pytest.fixture
def scene(captured: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """A shipment that the pulse has looked at, shown as it is."""
    yield from opened(Scene, captured, monkeypatch)


def test_ten_changes_in_a_row_are_one_run(scene: Scene) -> None:
    for _ in range(10):
        scene.change()
        assert scene.beats(QUIET / 2) == 0
    assert len(scene.desk.had) >= 10, "the desk did not wait"
    assert scene.beats(2 * QUIET) == 1
    scene.run()
    assert scene.beats(3 * STEADY) == 0
    assert stages.touched() == {}


def test_one_change_is_shown_when_it_is_quiet(scene: Scene) -> None:
    scene.change()
    assert scene.beats(QUIET - BEAT) == 0
    assert scene.beats(2 * BEAT + BEAT) == 1


def test_steady_change_is_shown_at_the_bound(scene: Scene) -> None:
    began, shown = scene.now, list[float]()
    while len(shown) < 3:
        scene.change()
        if scene.beats(QUIET / 2):
            shown.append(scene.now - began)
            scene.run()
        assert scene.now < began + 10 * STEADY
    apart = [after - before for before, after in zip([0.0, *shown], shown, strict=False)]
    assert all(STEADY <= one <= STEADY + QUIET for one in apart)
    assert len(scene.desk.had) >= 10 * STEADY / QUIET / 2, "meanwhile the desk advances every change"


def test_no_second_run_is_ordered_while_one_waits_in_the_lane(scene: Scene) -> None:
    scene.change()
    assert scene.beats(2 * QUIET) == 1
    for _ in range(5):
        scene.change()
        assert scene.beats(STEADY) == 0
    scene.run()
    assert scene.beats(3 * STEADY) == 0, "it has shown the newest"


def test_a_change_after_a_runs_last_look_is_one_more_run(scene: Scene) -> None:
    scene.change()
    scene.beats(2 * QUIET)
    scene.run(ends=False)
    scene.change()
    assert scene.beats(2 * QUIET) == 0
    scene.end()
    assert scene.beats(2 * QUIET) == 1
    scene.run()
    assert scene.beats(3 * STEADY) == 0


def test_what_changes_while_the_desk_has_it_goes_to_the_desk_again(scene: Scene) -> None:
    scene.change()
    scene.waker.beat()
    scene.change()
    scene.waker.beat()
    scene.waker.beat()
    assert len(scene.desk.had) == 2, "the desk may have seen it, or not"
    scene.beats(QUIET)
    assert len(scene.desk.had) == 2, "now it has changed nothing more"


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("seconds", [0.0, BEAT, QUIET / 2, 2 * QUIET])
def test_a_dead_pulse_loses_none(scene: Scene, seconds: float, closed: bool) -> None:
    """It dies before it saw the change, with the desk at work, while it waits for quiet, or with its run not begun."""
    scene.change()
    scene.beats(seconds)
    if closed:
        scene.over = True
        with offices.office().ledger.begin() as tx:
            tx.execute(update(shipment).values(state=shipments.CLOSED))
    scene.begin()
    assert scene.beats(2 * QUIET) == 1
    scene.run()
    assert scene.beats(3 * STEADY) == 0
    assert stages.touched() == {}
    scene.begin()
    assert scene.beats(3 * STEADY) == 0, "it was shown"


def test_where_the_desk_stays_full_a_run_does_the_work(scene: Scene) -> None:
    scene.desk.full = True
    scene.change()
    assert scene.beats(4 * QUIET) == 1
    assert scene.desk.had == []


def test_it_is_not_looked_at_while_the_desk_is_full_and_its_run_waits(scene: Scene) -> None:
    scene.desk.full = True
    scene.change()
    assert scene.beats(4 * QUIET) == 1
    looked = scene.looked
    assert scene.beats(2 * STEADY) == 0
    assert scene.looked == looked


def test_the_desk_takes_what_its_run_has_not_begun_as_soon_as_there_is_room(scene: Scene) -> None:
    scene.desk.full = True
    scene.change()
    assert scene.beats(4 * QUIET) == 1
    scene.desk.full = False
    assert scene.beats(2 * BEAT) == 0
    assert scene.desk.had == [scene.id]


def test_what_leaves_nothing_to_do_is_shown_without_the_desk(scene: Scene) -> None:
    scene.found = scene.found._replace(left=False)
    scene.change()
    assert scene.beats(2 * QUIET) == 1
    assert scene.desk.had == []
    scene.run()
    assert scene.beats(3 * STEADY) == 0
    assert stages.touched() == {}


def test_a_truck_gets_its_run_at_once_where_something_is_left(scene: Scene) -> None:
    scene.waker.desk = None
    scene.change()
    assert scene.beats(BEAT) == 1


def test_a_truck_that_is_only_to_be_shown_is_shown_when_it_is_quiet(scene: Scene) -> None:
    scene.waker.desk, scene.found = None, scene.found._replace(left=False, begins=False)
    scene.waker.size[scene.id] = FEW + 1
    scene.waker.under_way.add(scene.id)
    before = scene.looked
    for _ in range(50):
        scene.change()
        assert scene.beats(BEAT) == 0
    assert scene.looked - before <= 8, "in five seconds; not at each change"
    looked = scene.looked
    assert scene.beats(2 * noticed.RECEIPTS) == 1
    assert scene.looked - looked <= 3, "while it goes on changing, no oftener than it hears of its receipts"
    scene.run()
    assert scene.beats(3 * TRUCK * STEADY) == 0
    assert stages.touched() == {}
    for _ in range(40):
        scene.change()
        scene.beats(QUIET)
    assert len(scene.waker.ordered) > 1, "not for ever"


def test_where_runs_wait_for_a_worker_a_truck_is_shown_later_and_what_is_left_is_done_as_ever(scene: Scene) -> None:
    scene.waker.desk, scene.waker.no_worker = None, True
    scene.found = scene.found._replace(left=False)
    scene.change()
    assert scene.beats(FULL * TRUCK * STEADY - 1.0) == 0
    assert scene.beats(2.0) == 1, "but it is shown"
    scene.run()
    scene.found = scene.found._replace(left=True)
    scene.change()
    assert scene.beats(BEAT) == 1


def test_a_truck_is_shown_soon_after_a_worker_is_free_again(scene: Scene) -> None:
    scene.waker.desk, scene.waker.no_worker = None, True
    scene.found = scene.found._replace(left=False)
    scene.change()
    assert scene.beats(TRUCK * QUIET + 2.0) == 0
    scene.waker.no_worker = False
    assert scene.beats(waking.DUE + BEAT) == 1


@pytest.mark.parametrize(("parcels", "most"), [(FEW + 1, 12), (FEW, 999)])
def test_receipts_of_a_truck_are_looked_at_together(scene: Scene, parcels: int, most: int) -> None:
    scene.found = scene.found._replace(left=False, begins=False)
    scene.waker.size[scene.id] = parcels
    scene.waker.under_way.add(scene.id)
    before = scene.looked
    for _ in range(500):
        scene.change(touches.HEARD)
        scene.waker.size[scene.id] = parcels  # a small one is asked for its size after each change
        scene.beats(BEAT)
    looked = scene.looked - before
    assert 8 <= looked <= most, "50 seconds"
    assert looked > 12 or most == 12, "a small one is looked at soon"


def test_looks_at_many_trucks_leave_most_of_the_time_to_others(scene: Scene) -> None:
    scene.waker.desk, scene.found = None, scene.found._replace(left=False, begins=False)
    scene.waker.size[scene.id] = FEW + 1
    scene.waker.under_way.add(scene.id)
    scene.takes = 0.06

    def looks(trucks: int) -> int:
        """In 60 seconds in which so many trucks hear of receipts all the time."""
        before, runs, end = scene.looked, 0, scene.now + 60.0
        while scene.now < end:
            for other in range(trucks - 1):
                scene.waker.noticed.receipts.here(scene.id + 1 + other, scene.now)
            scene.change(touches.HEARD)
            if scene.beats(BEAT):
                runs += 1
                scene.run()
        assert runs >= 1, "it is shown"
        return scene.looked - before - runs

    one, four, forty = looks(1), looks(4), looks(40)
    assert four >= one - 1 >= 60 / noticed.RECEIPTS - 3
    assert 60 / noticed.LONGEST - 1 <= forty <= four - 4


def test_one_of_many_trucks_that_hear_all_the_time_is_shown_when_it_was_left_alone_and_one_of_few_when_it_is_quiet(
    scene: Scene,
) -> None:
    scene.waker.desk, scene.found = None, scene.found._replace(left=False, begins=False)
    scene.waker.size[scene.id] = FEW + 1
    scene.waker.under_way.add(scene.id)

    def looks_until_shown() -> int:
        before = scene.looked
        scene.change(touches.HEARD)
        while not scene.beats(BEAT):
            assert scene.looked - before < 9
        looked = scene.looked - before
        scene.run()
        return looked

    assert looks_until_shown() == 1, "what was found then is shown when it was quiet"
    for other in range(40):
        scene.waker.noticed.receipts.here(scene.id + 1 + other, scene.now)
    scene.waker.noticed.receipts._took.extend([0.1] * 9)
    assert scene.waker.noticed.receipts.seconds(scene.now) == noticed.LONGEST
    before = scene.now
    assert looks_until_shown() == 1
    assert scene.now - before >= noticed.LONGEST, "no sooner than it would be looked at anyway"


def test_what_a_person_does_is_shown_when_it_is_quiet_however_many_trucks_hear(scene: Scene) -> None:
    scene.waker.desk, scene.found = None, scene.found._replace(left=False, begins=False)
    scene.waker.size[scene.id] = FEW + 1
    scene.waker.under_way.add(scene.id)
    scene.waker.noticed.receipts._took.extend([0.1] * 9)
    for other in range(40):
        scene.waker.noticed.receipts.here(scene.id + other, scene.now)
    scene.change()
    assert scene.beats(TRUCK * QUIET + 2 * BEAT) == 1


def test_what_another_wakers_look_has_changed_waits_for_its_turn(scene: Scene) -> None:
    scene.waker.desk, scene.found = None, scene.found._replace(begins=False)
    scene.waker.size[scene.id] = FEW + 1
    scene.waker.under_way.add(scene.id)
    looked = scene.looked
    scene.change(touches.BY + "another")
    assert scene.beats(noticed.RECEIPTS - BEAT) == 0
    assert scene.looked == looked
    assert scene.beats(3 * BEAT) == 1


@pytest.mark.parametrize(("said", "pause"), [(touches.HEARD, noticed.RECEIPTS), ("", agenda.TROUBLED)])
def test_the_parcels_of_a_truck_whose_run_goes_on_are_settled_at_once_and_then_now_and_again(
    scene: Scene, said: str, pause: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.waker.desk, scene.found = None, scene.found._replace(begins=False)
    scene.waker.size[scene.id] = FEW + 1
    scene.waker.under_way.add(scene.id)
    settled: list[float] = []
    monkeypatch.setattr(stages, "standing", lambda *_: settled.append(scene.now))
    scene.change()
    assert scene.beats(BEAT) == 1
    began = scene.now
    for _ in range(300):
        scene.change(said)
        scene.beats(BEAT)
    assert settled[0] - began <= noticed.RECEIPTS + 2 * BEAT
    apart = [after - one for one, after in pairwise(settled)]
    assert all(pause - BEAT <= one <= pause + 2 * BEAT for one in apart), apart
    assert len(apart) >= 30 / (pause + 2 * BEAT) - 2


def test_what_a_look_changes_itself_is_no_news_to_it_but_to_another_waker(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(scene.waker, "asked", lambda _, run_id: asked.append(run_id))
    looked = scene.looked
    touches.touch(offices.office().ledger, [scene.id], scene.waker.noticed.name)
    assert scene.beats(2 * waking.DUE) == 0
    assert scene.looked == looked
    assert stages.touched() != {}, "were this waker to die now, the next one would look"
    touches.touch(offices.office().ledger, [scene.id], touches.BY + "another")
    scene.beats(2 * BEAT)
    assert scene.looked == looked + 1
    assert stages.touched() == {}
    assert asked == []
    touches.touch(offices.office().ledger, [scene.id], "r7")
    scene.beats(2 * BEAT)
    assert asked == ["r7"]


@pytest.mark.parametrize(("then", "looks"), [("nothing", 1), ("heard", 2), ("ended", 2), ("limit", 2), ("lost", 2)])
def test_what_was_found_of_a_truck_is_shown_without_another_look_where_nothing_happened_since(
    scene: Scene, then: str, looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.waker.desk = None
    scene.found = scene.found._replace(left=False, begins=False, waits_for_time=then == "lost")
    scene.waker.size[scene.id] = FEW + 1
    scene.waker.under_way.add(scene.id)
    scene.number += 1
    before = scene.looked
    scene.waker._now([scene.id])
    assert scene.beats(BEAT) == 0
    assert scene.looked == before + 1
    if then == "heard":
        touches.touch(offices.office().ledger, [scene.id], touches.HEARD)
    elif then == "ended":
        scene.waker._now([scene.id])
    elif then == "limit":
        found = scene.waker.noticed.kept[scene.id]
        scene.waker.noticed.kept[scene.id] = found._replace(limit=clock.now() - timedelta(seconds=1))
    assert scene.beats(TRUCK * QUIET + noticed.RECEIPTS) == 1
    assert scene.looked == before + looks


def test_what_a_person_does_with_a_truck_is_looked_at_soon(scene: Scene) -> None:
    scene.waker.desk, scene.found = None, scene.found._replace(begins=False)
    scene.waker.size[scene.id] = FEW + 1
    scene.waker.under_way.add(scene.id)
    scene.change(touches.HEARD)
    assert scene.beats(1.0) == 0
    scene.change()
    assert scene.beats(2 * BEAT) == 1


def test_what_waits_for_a_lost_answer_is_tried_at_the_desk_without_a_run(scene: Scene) -> None:
    scene.found = scene.found._replace(waits_for_time=True)
    scene.waker._now([scene.id])
    assert scene.beats(3 * waking.DUE) == 0
    assert len(scene.desk.had) in (2, 3)
    scene.number += 1  # the answer was found, and that says so
    assert scene.beats(waking.DUE + 2 * QUIET) == 1


def test_its_seconds_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (Showing().quiet, Showing().steady) == (QUIET, STEADY)
    monkeypatch.setenv(showing.QUIET_VARIABLE, "0")
    monkeypatch.setenv(showing.STEADY_VARIABLE, "2.5")
    assert (Showing().quiet, Showing().steady) == (0.0, 2.5)
    assert Showing().wait(1, "m") == 0.0


@pytest.mark.parametrize("text", ["soon", "-1", "inf", "nan"])
def test_no_number_of_seconds_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(showing.QUIET_VARIABLE, text)
    with pytest.raises(ConfigurationError, match=showing.QUIET_VARIABLE):
        Showing()


def test_what_the_desk_could_not_take_it_gets_again_and_no_run_does_it_instead(scene: Scene) -> None:
    scene.desk.shut_out = True
    scene.change()
    scene.beats(0.5)
    tries = len(scene.desk.had)
    assert tries >= 2, "not done, though it looks as it did when it was handed in"
    scene.desk.shut_out = False
    scene.beats(0.5)
    assert len(scene.desk.had) == tries, "the last one found it free, and then there was nothing left to do"
    scene.change()
    scene.beats(0.5)
    assert len(scene.desk.had) == tries + 1
