"""Waking trucks on a work pool: one run for each change, none twice, and a dead worker's truck gets another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from adapters.ledger import leases, shipments, touches
from deployments import dispatch, pools, pulse, waking
from deployments.dispatch import Dispatch
from deployments.prefect_api import Prefect
from deployments.showing import QUIET_VARIABLE
from mappings import clock
from mappings.clock import stopwatch
from mappings.errors import ConfigurationError
from tasks import looks, stages
from tasks import office as offices
from tasks.actors import TURNED_AWAY
from tasks.clearing import alone, settling
from tests.unit.prefect_double import PrefectServer
from tests.unit.world import captured, home, prefect, truck

__all__ = ["captured", "home", "prefect", "truck"]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is only to be shown is shown at once (tests/unit/test_showing.py has the waiting)."""
    monkeypatch.setenv(QUIET_VARIABLE, "0")


@pytest.fixture
def woken(captured: int, prefect: PrefectServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dispatch]:
    """A dispatch of an installation with one truck."""
    offices.office.cache_clear()
    monkeypatch.setattr(dispatch, "ASK", dict.fromkeys(dispatch.ASK, 0.0))
    yield Dispatch(prefect=Prefect(prefect.base))
    offices.office.cache_clear()


def ran(shipment: int) -> None:
    """What a run leaves behind at its end."""
    looks.note_run(settling.settle_shipment(offices.office(), shipment), clock.now())


def test_a_truck_gets_one_run_while_that_is_queued(woken: Dispatch, captured: int, prefect: PrefectServer) -> None:
    assert woken.beat() == [captured]
    assert [woken.beat(), woken.beat()] == [[], []]
    [run] = prefect.runs
    assert run["parameters"] == {"shipment": str(captured), "actor": "pulse"}
    assert set(run["tags"]) >= {f"shipment:{captured}", "direction:export", "state:awaiting_approval"}
    assert run["work_queue_name"] == pools.EXPRESS, "60 parcels are few"


def test_a_shipment_whose_run_waits_for_a_worker_is_settled_all_the_same(
    woken: Dispatch, captured: int, prefect: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled, standing = list[int](), stages.standing

    def settles(ident: int, by: str) -> Any:
        settled.append(ident)
        return standing(ident, by)

    def heard() -> int:
        settled.clear()
        touches.touch(offices.office().ledger, [captured], touches.HEARD)
        for _ in range(3):
            woken.when[captured] = 0.0
            assert woken.beat() == []
        return len(settled)

    woken.beat()
    monkeypatch.setattr(stages, "standing", settles)
    assert [heard() for _ in range(6)] == [1] * 6, "what people see of its parcels waits for nobody"
    with alone.alone(offices.office(), captured) as mine:
        assert mine
        assert heard() == 0, "who has it settles it"
    woken.when[captured] = 0.0
    woken.beat()
    assert settled == [captured], "but what came meanwhile is not forgotten"


def test_a_lane_whose_runs_no_worker_takes_is_full_until_one_does(
    woken: Dispatch, captured: int, prefect: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken.beat()
    woken.beat()
    assert not woken.full(pools.EXPRESS), "a free worker has not had the time"
    monkeypatch.setattr(dispatch, "QUEUED", 0.0)
    woken.beat()
    assert woken.full(pools.EXPRESS)
    assert not woken.full(pools.TRUCKS), "60 parcels are few"
    prefect.states["run1"] = "PENDING"
    woken.beat()
    assert not woken.full(pools.EXPRESS)


def test_nothing_is_started_for_what_the_last_run_left(woken: Dispatch, captured: int, prefect: PrefectServer) -> None:
    ran(captured)
    assert woken.beat() == []
    shipments.hold(offices.office().ledger, captured, "why", "a person")
    assert woken.beat() == [captured]
    prefect.states["run1"] = "COMPLETED"
    ran(captured)
    assert woken.beat() == []


def test_a_run_that_left_no_end_is_tried_again_later(
    woken: Dispatch, captured: int, prefect: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken.beat()
    prefect.states["run1"] = "FAILED"
    assert woken.beat() == [], "not at once: it would fail again"
    assert waking.AGAIN / 2 < woken.when[captured] - stopwatch() <= waking.AGAIN
    monkeypatch.setattr(waking, "AGAIN", 0.0)
    woken.when[captured] = 0.0  # that time has come
    assert woken.beat() == [captured]


def test_a_run_that_found_another_worker_at_work_has_shown_nothing_and_is_made_again_at_once(
    woken: Dispatch, captured: int, prefect: PrefectServer
) -> None:
    assert woken.beat() == [captured]
    prefect.states["run1"], prefect.names["run1"] = "COMPLETED", TURNED_AWAY
    assert woken.beat() == [captured]
    assert len(prefect.runs) == 2


def test_a_truck_that_a_worker_has_is_left_alone(woken: Dispatch, captured: int, prefect: PrefectServer) -> None:
    ledger = offices.office().ledger
    leases.acquire(ledger, alone.name_of(captured), "elsewhere:1", 60)
    assert woken.beat() == []
    assert touches.touched(ledger)[captured], "it is not forgotten"
    leases.release(ledger, alone.name_of(captured), "elsewhere:1")
    woken.when[captured] = 0.0  # BUSY is over
    assert woken.beat() == [captured]


def test_the_run_of_a_dead_worker_is_told_and_the_truck_goes_on(
    woken: Dispatch, captured: int, prefect: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = offices.office().ledger
    woken.beat()
    prefect.states["run1"] = "RUNNING"
    leases.acquire(ledger, alone.name_of(captured), "elsewhere:1", 60)
    monkeypatch.setattr(dispatch, "TAKING", 0.0)
    assert (woken.beat(), prefect.set_states) == ([], []), "somebody has the truck"
    leases.release(ledger, alone.name_of(captured), "elsewhere:1")
    monkeypatch.setattr(waking, "AGAIN", 0.0)
    assert woken.beat() == [captured]
    assert prefect.set_states == [("run1", "CRASHED")]


def test_one_dead_workers_trouble_hides_no_other_run_that_ended(
    woken: Dispatch, captured: int, prefect: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prefect does not take it that the first run has crashed: the second's end is heard all the same."""
    began = stopwatch()
    woken.started = {ident: dispatch.Started(f"run{ident}", began) for ident in (captured, 4711, 4712)}
    prefect.states |= {f"run{captured}": "COMPLETED", "run4711": "RUNNING", "run4712": "COMPLETED"}
    monkeypatch.setattr(dispatch, "TAKING", 0.0)

    def refuses(run_id: str, why: str) -> None:
        raise ConfigurationError(f"{run_id}: no")

    monkeypatch.setattr(woken.prefect, "crash", refuses)
    assert woken.ended() == {captured, 4712}
    assert list(woken.started) == [4711], "it is told again"
    monkeypatch.undo()
    prefect.states["run4711"] = "COMPLETED"
    woken.asked_at = dict.fromkeys(dispatch.ASK, 0.0)
    assert woken.ended() == {4711}


def test_a_worker_has_a_while_from_its_run_to_its_truck(woken: Dispatch, captured: int, prefect: PrefectServer) -> None:
    woken.beat()
    prefect.states["run1"] = "PENDING"
    assert [woken.beat(), woken.beat()] == [[], []]
    assert prefect.set_states == []


def test_no_more_runs_than_so_many_at_once(
    woken: Dispatch, prefect: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waking, "AT_ONCE", 0)
    assert woken.beat() == []
    assert prefect.runs == []


def test_a_closed_truck_is_forgotten_after_its_end_was_shown(
    woken: Dispatch, captured: int, prefect: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken.beat()
    prefect.states["run1"] = "COMPLETED"
    ran(captured)
    at_its_end = looks.look(captured)._replace(over=True)
    monkeypatch.setattr(looks, "look", lambda _, **_left: at_its_end)
    assert woken.beat() == []
    assert (woken.ran_at, woken.when, woken.tried) == ({}, {}, {})


def test_what_waits_for_time_alone_is_looked_at_again(
    woken: Dispatch, captured: int, prefect: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran(captured)
    assert woken.beat() == [], "this one waits for a person"
    waits = looks.look(captured)._replace(waits_for_time=True)
    monkeypatch.setattr(looks, "look", lambda _, **_left: waits)
    touches.touch(offices.office().ledger, [captured])
    assert woken.beat() == [], "it has just been looked at"
    assert woken.when[captured] - stopwatch() <= waking.DUE
    monkeypatch.setattr(waking, "DUE", 0.0)
    woken.when[captured] = 0.0  # that time has come
    assert woken.beat() == [captured]


def test_the_pulse_dispatches_where_it_is_told_of_a_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(pools.VARIABLE, raising=False)
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect:4200/api")
    assert isinstance(pulse.waker(), pulse.Here)
    monkeypatch.setenv(pools.VARIABLE, "tongguan")
    found = pulse.waker()
    assert isinstance(found, Dispatch)
    assert found.prefect.base == "http://prefect:4200"


def test_many_parcels_take_the_lane_of_trucks() -> None:
    assert [pools.lane(n) for n in (0, pools.FEW, pools.FEW + 1)] == [pools.EXPRESS, pools.EXPRESS, pools.TRUCKS]


class Slow:
    """Whoever waits for Prefect: nothing of what it is given is done until `go`."""

    def __init__(self) -> None:
        self.given: list[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = []

    def submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        self.given.append((Future(), work, args))
        return self.given[-1][0]

    def go(self) -> None:
        for future, work, args in self.given:
            try:
                future.set_result(work(*args))
            except ConfigurationError as error:
                future.set_exception(error)
        self.given.clear()


def test_no_beat_waits_for_prefect(woken: Dispatch, captured: int, prefect: PrefectServer) -> None:
    slow = Slow()
    woken.talk = slow  # type: ignore[assignment]
    assert woken.beat() == [captured]
    assert [woken.beat(), woken.beat(), prefect.runs] == [[], [], []], "it is asked for once, and made of nothing yet"
    slow.go()
    assert woken.beat() == []
    assert woken.started[captured].run_id == "run1"
    assert len(slow.given) == 1, "now Prefect is asked how it stands, once"
    woken.beat()
    prefect.states["run1"] = "COMPLETED"
    ran(captured)
    slow.go()
    woken.beat()
    assert not woken.started


def test_a_run_that_prefect_would_not_make_is_asked_for_again(
    woken: Dispatch, captured: int, prefect: PrefectServer, caplog: pytest.LogCaptureFixture
) -> None:
    slow = Slow()
    woken.talk = slow  # type: ignore[assignment]
    woken.prefect.api = "http://127.0.0.1:1/api"
    assert woken.beat() == [captured]
    slow.go()
    woken.prefect.api, woken.when[captured] = prefect.base + "/api", 0.0
    assert woken.beat() == [captured]
    assert "does not answer" in caplog.text
    slow.go()
    woken.beat()
    assert woken.started[captured].run_id == "run1"


def test_trucks_runs_are_asked_for_less_often_than_small_shipments(
    captured: int, prefect: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The questions to Prefect of nine seconds, with a run of each under way."""
    now, asked = [1000.0], list[list[str]]()
    monkeypatch.setattr(dispatch, "stopwatch", lambda: now[0])
    woken = Dispatch(prefect=Prefect(prefect.base))
    monkeypatch.setattr(woken.prefect, "states", lambda ids, _: asked.append(ids) or dict.fromkeys(ids, "SCHEDULED"))
    woken.size = {captured: 60, 4711: 3200}
    woken.started = {captured: dispatch.Started("small", now[0]), 4711: dispatch.Started("truck", now[0])}
    for _ in range(90):
        woken.ended()
        now[0] += 0.1
    often = {run: sum(run in ids for ids in asked) for run in ("small", "truck")}
    assert 15 <= often["small"] <= 18
    assert often["truck"] == 3
    assert woken.full(pools.EXPRESS)
    assert woken.full(pools.TRUCKS), "what was learnt of one lane is not forgotten when the other is asked for"


def test_prefect_reads_no_runs_in_line_but_now_and_then(
    woken: Dispatch, prefect: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty trucks wait, two are at work: each run that its server reads costs it some milliseconds."""
    now = [1000.0]
    monkeypatch.setattr(dispatch, "stopwatch", lambda: now[0])
    woken.started = {i: dispatch.Started(f"r{i}", now[0]) for i in range(42)}
    woken.size = dict.fromkeys(woken.started, 3200)
    prefect.states |= {"r0": "COMPLETED", "r1": "CANCELLED"}
    assert woken.ended() == {0, 1}
    now[0] += dispatch.ALL / 2
    prefect.deleted.add("r2")
    prefect.states["r3"] = "COMPLETED"
    assert woken.ended() == {3}, "one in line that is not told of waits on"
    assert woken.queued == woken.started.keys()
    now[0] += dispatch.ALL / 2
    assert woken.ended() == {2}, "a run that a person has deleted is over"
    assert prefect.read == [42, 1, 38]
