"""When a lane looks for runs: told of one, a slot come free, seldom besides; as often as before where nobody tells."""

from __future__ import annotations

import itertools
import math
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from deployments import bells
from deployments.bells import DEAF, ECHO, LOOK, PAUSE, SELDOM, SPREAD, Bell
from deployments.pools import EXPRESS, TRUCKS
from deployments.warm import WarmWorker
from tests.unit.test_warm import echo


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Real seconds, as this test has them pass."""
    found = SimpleNamespace(now=100.0)
    monkeypatch.setattr(bells, "stopwatch", lambda: found.now)
    return found


def seconds_until_due(bell: Bell, clock: SimpleNamespace, room: bool = True) -> float:
    began = clock.now
    while not bell.due(room):
        clock.now += 0.01
        assert clock.now < began + 60, "never"
    return round(clock.now - began, 2)


def saw(bell: Bell, waits: bool = False) -> None:
    """A look, and what it found."""
    bell.look()
    bell.looked(waits)


@pytest.mark.parametrize("lane", [EXPRESS, TRUCKS])
def test_a_lane_looks_at_once_then_as_often_as_before_and_seldom_where_events_are_heard(
    lane: str, clock: SimpleNamespace
) -> None:
    bell = Bell(lane)
    assert bell.due(room=True)
    saw(bell)
    assert seconds_until_due(bell, clock) == pytest.approx(LOOK[lane], abs=0.02)
    bell.hears = True
    saw(bell)
    assert seconds_until_due(bell, clock) == pytest.approx(SELDOM[lane], abs=0.02)
    assert SELDOM[lane] > LOOK[lane]


@pytest.mark.parametrize("lane", [EXPRESS, TRUCKS])
def test_told_of_a_run_it_looks_within_a_moment(lane: str, clock: SimpleNamespace) -> None:
    bell = Bell(lane, hears=True)
    saw(bell)
    clock.now += PAUSE
    bell.ring()
    assert seconds_until_due(bell, clock) <= SPREAD[lane] + 0.02
    saw(bell)
    clock.now += PAUSE
    assert not bell.due(room=True), "once, until its echo"


def test_of_several_free_workers_each_looks_for_a_truck_at_another_moment(clock: SimpleNamespace) -> None:
    found = [Bell(TRUCKS) for _ in range(20)]
    for bell in found:
        bell.ring()
    assert len({bell.look_at for bell in found}) > 10
    assert max(bell.look_at for bell in found) <= clock.now + SPREAD[TRUCKS]


def test_events_without_end_put_no_look_off(clock: SimpleNamespace) -> None:
    bell, began = Bell(TRUCKS, hears=True), clock.now
    saw(bell)
    while not bell.due(room=True):
        bell.ring()
        clock.now += 0.01
        assert clock.now < began + SPREAD[TRUCKS] + 0.1
    bell.failed()
    while not bell.due(room=True):
        bell.ring()
        clock.now += 0.01
        assert clock.now < began + SPREAD[TRUCKS] + LOOK[TRUCKS] + 0.2
    assert clock.now >= began + LOOK[TRUCKS], "but a server that has failed is left alone for a while"


def test_an_event_may_come_before_its_run_can_be_seen(clock: SimpleNamespace) -> None:
    bell = Bell(EXPRESS, hears=True)
    bell.ring()
    saw(bell)
    assert seconds_until_due(bell, clock) == pytest.approx(ECHO, abs=0.02)
    saw(bell)
    assert seconds_until_due(bell, clock) == pytest.approx(SELDOM[EXPRESS], abs=0.02), "once more, not for ever"


def test_what_rings_during_a_look_is_looked_for_after_it(clock: SimpleNamespace) -> None:
    bell = Bell(EXPRESS, hears=True)
    bell.ring()
    bell.look()
    bell.ring()
    bell.looked(waits=False)
    assert not bell.due(room=True), "not ten times a second, however often it rings"
    clock.now += PAUSE
    assert bell.due(room=True)
    saw(bell)
    assert seconds_until_due(bell, clock) == pytest.approx(ECHO, abs=0.02), "that event has its second look, too"


def test_without_a_slot_the_express_lane_looks_to_tell_and_the_trucks_lane_waits_for_one(
    clock: SimpleNamespace,
) -> None:
    express, trucks = Bell(EXPRESS, hears=True), Bell(TRUCKS, hears=True)
    for bell in (express, trucks):
        saw(bell)
        bell.ring()
    clock.now += PAUSE
    assert express.due(room=False)
    clock.now += SELDOM[TRUCKS] / 4
    assert not trucks.due(room=False)
    assert trucks.due(room=True), "what rang meanwhile is not forgotten"


def test_what_was_seen_and_found_no_slot_is_looked_for_when_one_comes_free(clock: SimpleNamespace) -> None:
    bell = Bell(TRUCKS, hears=True)
    saw(bell, waits=True)
    clock.now += PAUSE
    assert not bell.due(room=False)
    assert bell.due(room=True)


def test_a_look_that_failed_is_made_again_a_little_later(clock: SimpleNamespace) -> None:
    bell = Bell(EXPRESS, hears=True)
    bell.failed()
    assert not bell.due(room=True)
    assert seconds_until_due(bell, clock) == pytest.approx(LOOK[EXPRESS], abs=0.02)


def test_a_server_that_listens_and_tells_nothing_is_asked_as_often_as_before(
    clock: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    bell = Bell(TRUCKS, hears=True)
    bell.ring()

    def finds(new: bool) -> float:
        clock.now += SELDOM[TRUCKS] + 1.1
        bell.look()
        bell.looked(waits=False, new=new)
        bell.look_at = math.inf  # no echo
        return seconds_until_due(bell, clock)

    seldom, often = pytest.approx(SELDOM[TRUCKS], abs=0.02), pytest.approx(LOOK[TRUCKS], abs=0.02)
    assert [finds(new=False) for _ in range(DEAF)] == [seldom] * DEAF
    assert [finds(new=True) for _ in range(DEAF)] == [*[seldom] * (DEAF - 1), often]
    assert caplog.messages == ["Prefect tells no events of the lane trucks: it is looked at more often"]
    bell.ring()
    assert finds(new=True) == seldom, "it is heard again"


def event(pool: str, queue: str) -> Any:
    related = [("work-queue", queue), ("work-pool", pool), ("deployment", "clear-shipment")]
    return SimpleNamespace(related=[SimpleNamespace(role=role, name=name) for role, name in related])


def test_an_event_rings_for_its_own_pool_and_lane() -> None:
    assert bells.concerns(event("mine", EXPRESS), "mine", EXPRESS)
    assert not bells.concerns(event("mine", EXPRESS), "mine", TRUCKS)
    assert not bells.concerns(event("theirs", EXPRESS), "mine", EXPRESS)


def test_a_server_that_cannot_be_reached_ends_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prefect's own loop gives up after some failures in a row; that is a worker less until somebody notices."""
    import httpx
    from prefect.utilities.services import critical_service_loop

    asked, worker = [], WarmWorker("pool", target=echo)

    async def down() -> Any:
        asked.append(bells.stopwatch())
        raise httpx.ConnectError("down")

    async def looking() -> None:
        worker._limiter = anyio.CapacityLimiter(1)
        with anyio.move_on_after(2.0):
            await critical_service_loop(worker.get_and_submit_flow_runs, interval=0.01, backoff=1)

    worker._has_successfully_synced = True
    monkeypatch.setattr(worker, "_get_scheduled_flow_runs", down)
    try:
        anyio.run(looking)
    finally:
        worker.end()
    assert len(asked) >= 3, "it went on asking"
    assert min(b - a for a, b in itertools.pairwise(asked)) >= LOOK[EXPRESS]


def test_a_worker_asks_when_its_bell_says_so_and_takes_no_run_that_it_still_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A run that was resumed before its slot was free again would end the worker: Prefect takes its token twice."""
    from prefect.workers.base import BaseWorker

    asked, given, worker = list[float](), list[str](), WarmWorker("pool", target=echo)
    held, other = (
        SimpleNamespace(flow_run=SimpleNamespace(id=name, auto_scheduled=False)) for name in ("held", "other")
    )

    async def scheduled() -> Any:
        asked.append(bells.stopwatch())
        return [held, other]

    async def submit(_: Any, flow_run_response: Any) -> Any:
        given.extend(entry.flow_run.id for entry in flow_run_response)
        return [entry.flow_run for entry in flow_run_response]

    async def no(_: Any) -> bool:
        return False

    async def looking() -> None:
        worker._limiter = anyio.CapacityLimiter(2)
        worker._limiter.acquire_on_behalf_of_nowait("held")
        worker.bell.hears = True
        with anyio.move_on_after(1.0):
            while True:
                await worker.get_and_submit_flow_runs()
                await anyio.sleep(0.02)

    worker._has_successfully_synced = True
    monkeypatch.setattr(worker, "_get_scheduled_flow_runs", scheduled)
    monkeypatch.setattr(worker, "_clears", no)
    monkeypatch.setattr(BaseWorker, "_submit_scheduled_flow_runs", submit)
    try:
        anyio.run(looking)
    finally:
        worker.end()
    assert len(asked) == 1, "nothing rang, and events are heard"
    assert given == ["other"]
