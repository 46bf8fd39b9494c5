"""What a warm slot does with a run of a work pool's deployment, in this process: to its end, or to its question."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import anyio
import pytest
from prefect import Task
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    get_current_settings,
    temporary_settings,
)

from deployments import pools, warm
from deployments.bells import Bell, listen
from deployments.processes import free_ports
from deployments.serve import entries
from tasks.actors import PULSE
from tests.flows.running import Make, artifacts_of, whole

__all__ = ["whole"]
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]
POOL = "warm-test"


@pytest.fixture(scope="module")
def deployed(prefect_server: None) -> list[str]:
    """The deployments on a pool; registering them again changes nothing."""
    pools.deploy(POOL)
    return pools.deploy(POOL)


@pytest.fixture
def client() -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as made:
        yield made


def created(client: SyncPrefectClient, name: str, **parameters: Any) -> str:
    deployment = client.read_deployment_by_name(name)
    return str(client.create_flow_run_from_deployment(deployment.id, parameters=parameters).id)


def test_every_deployment_is_on_the_pool_in_its_lane(deployed: list[str], client: SyncPrefectClient) -> None:
    found = {name: client.read_deployment_by_name(name) for name in deployed}
    assert {d.name for d in found.values()} == {entry["name"] for entry in entries()}
    assert {d.work_pool_name for d in found.values()} == {POOL}
    lanes = {d.name: d.work_queue_name for d in found.values()}
    assert lanes == {entry["name"]: entry.get("lane", pools.EXPRESS) for entry in entries()}
    assert lanes["clear-shipment"] == lanes["approve"] == pools.EXPRESS
    assert lanes["sweep-waiting"] == pools.TRUCKS
    limits = {d.name: d.global_concurrency_limit is not None for d in found.values()}
    assert limits == {entry["name"]: "limit" in entry for entry in entries()}


def test_a_run_goes_to_its_end(whole: Make, deployed: list[str], client: SyncPrefectClient) -> None:
    here = whole()
    run_id = created(client, "clear-shipment/clear-shipment", shipment=str(here.id))
    assert warm.run(run_id) == ""
    assert client.read_flow_run(run_id).state_name == "Awaiting approval"


def test_a_run_of_the_pulses_shows_what_is_new_and_has_tasks_for_what_is_left(
    whole: Make, deployed: list[str], client: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three in a row: files to work up, nothing at all, and somebody's own, which takes every stage."""
    here, taken, call = whole(), list[str](), Task.__call__

    def noted(of: Any, *given: Any, **named: Any) -> Any:
        taken.append(of.name)
        return call(of, *given, **named)

    monkeypatch.setattr(Task, "__call__", noted)

    def ran(actor: str) -> tuple[FlowRun, list[str], int]:
        taken.clear()
        run_id = created(client, "clear-shipment/clear-shipment", shipment=str(here.id), actor=actor)
        assert warm.run(run_id) == ""
        return client.read_flow_run(UUID(run_id)), list(taken), len(artifacts_of(client, UUID(run_id)))

    first, tasks, shown = ran(PULSE)
    assert (first.state_name, tasks) == ("Awaiting approval", ["work_up"])
    assert str(first.deployment_id), "it is shown with its deployment"
    assert "state:awaiting_approval" in first.tags
    assert shown > 2
    again, tasks, shown_again = ran(PULSE)
    assert (again.state_name, tasks, shown_again) == ("Awaiting approval", [], 0)
    own, tasks, shown_own = ran("Li")
    assert own.name != first.name, "it is named by the flow; the pulse's when it is ordered"
    assert {"work_up", "find_out", "hear", "take_applications", "take"} == set(tasks)
    assert shown_own == shown


def test_a_run_that_fails_ends_nothing_but_itself(whole: Make, deployed: list[str], client: SyncPrefectClient) -> None:
    whole()
    run_id = created(client, "clear-shipment/clear-shipment", shipment="no such truck")
    assert warm.run(run_id) == ""
    assert client.read_flow_run(run_id).state_name == "Failed"


def test_a_question_to_a_person_frees_the_slot(whole: Make, deployed: list[str], client: SyncPrefectClient) -> None:
    here = whole()
    warm.run(created(client, "clear-shipment/clear-shipment", shipment=str(here.id)))
    run_id = created(client, "approve/approve", shipment=str(here.id))
    assert warm.run(run_id) == "Pause"
    assert client.read_flow_run(run_id).state_name == "Suspended"


def test_a_slot_loads_says_so_and_ends_with_its_pipe(
    whole: Make, deployed: list[str], client: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = whole()
    monkeypatch.setattr(os, "setsid", lambda: None)  # this process leads its session already, or is not to leave it
    ours, theirs = multiprocessing.Pipe()
    slot = threading.Thread(target=warm.work, args=(theirs,), daemon=True)
    slot.start()
    assert ours.recv() == warm.READY
    ours.send(created(client, "clear-shipment/clear-shipment", shipment=str(here.id)))
    assert ours.recv() == (warm.DONE, "")
    ours.close()
    slot.join(30)
    assert not slot.is_alive()


def test_runs_in_a_slot_send_no_heartbeats() -> None:
    with warm.no_heartbeats():
        assert get_current_settings().flows.heartbeat_frequency is None
        assert PREFECT_FLOWS_HEARTBEAT_FREQUENCY.value() is None


def test_prefects_events_ring_for_a_run_in_its_lane_when_it_is_made(
    deployed: list[str], client: SyncPrefectClient
) -> None:
    express, trucks = Bell(pools.EXPRESS), Bell(pools.TRUCKS)

    async def until(what: Callable[[], bool]) -> None:
        with anyio.fail_after(60):
            while not what():
                await anyio.sleep(0.02)

    async def heard() -> None:
        listening = asyncio.create_task(listen(POOL, [express, trucks]))
        try:
            await until(lambda: express.hears and trucks.hears and express.rang)
            while express.rang or trucks.rang:  # also by the runs of the last minute, which Prefect tells again
                express.look()
                trucks.look()
                await anyio.sleep(1.0)
            await anyio.to_thread.run_sync(lambda: created(client, "clear-shipment/clear-shipment", shipment="none"))
            await until(lambda: express.rang)
            assert not trucks.rang, "the run is in the other lane"
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    anyio.run(heard)
    assert not express.hears, "nobody listens any more"


def test_where_events_cannot_be_heard_lanes_know_it(monkeypatch: pytest.MonkeyPatch) -> None:
    bell = Bell(pools.EXPRESS, hears=True)

    async def heard() -> None:
        with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{free_ports(0)[0]}/api"}):
            listening = asyncio.create_task(listen(POOL, [bell]))
            try:
                with anyio.fail_after(60):
                    while bell.hears:
                        await anyio.sleep(0.02)
                assert not listening.done(), "it tries again"
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    anyio.run(heard)
