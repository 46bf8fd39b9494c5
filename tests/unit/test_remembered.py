"""What a worker reads of deployments and flows is remembered for a while, and nobody changes another's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import anyio
import pytest
from prefect.client.schemas.objects import Flow, FlowRun, WorkPool
from prefect.client.schemas.responses import DeploymentResponse
from prefect.settings import PREFECT_LOGGING_LEVEL, temporary_settings
from prefect.states import Scheduled
from prefect.workers.process import ProcessJobConfiguration

from deployments import pools, remembered
from deployments.remembered import WarmConfiguration
from deployments.warm import WarmWorker

FLOW, DEPLOYMENT = uuid4(), uuid4()


class Client:
    """Prefect's, that counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.other = "as it is"

    async def read_deployment(self, ident: UUID) -> DeploymentResponse:
        self.asked.append("deployment")
        made = {"id": ident, "name": "clear-shipment", "flow_id": FLOW, "job_variables": {"env": {"A": "1"}}}
        return DeploymentResponse.model_validate(made)

    async def read_flow(self, ident: UUID) -> Flow:
        self.asked.append("flow")
        return Flow(id=ident, name="clear-shipment", labels={})


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    now = SimpleNamespace(now=100.0)
    monkeypatch.setattr(remembered, "stopwatch", lambda: now.now)
    monkeypatch.setattr(remembered, "_read", {})
    return now


def test_runs_of_one_deployment_have_it_read_once_in_a_while(time: SimpleNamespace) -> None:
    client = Client()
    mine: Any = remembered.Remembering(client)  # type: ignore[arg-type]
    pool = WorkPool(name="p", type=pools.KIND, base_job_template=pools.TEMPLATE)

    async def resolve(env: dict[str, str]) -> WarmConfiguration:
        run = FlowRun(flow_id=FLOW, deployment_id=DEPLOYMENT, state=Scheduled(), job_variables={"env": env})
        return await WarmConfiguration.resolve_for_flow_run(run, client=mine, work_pool=pool, worker_name="w")

    first = anyio.run(resolve, {"B": "2"})
    second = anyio.run(resolve, {})
    assert client.asked == ["deployment", "flow"]
    assert (first.env["A"], first.env["B"], second.env["A"]) == ("1", "2", "1")
    assert "B" not in second.env, "what one run brings with it is not another's"
    assert second.labels["prefect.io/deployment-name"] == "clear-shipment"
    time.now += remembered.SECONDS
    anyio.run(resolve, {})
    assert client.asked == ["deployment", "flow"] * 2
    assert mine.other == "as it is"


def test_a_run_in_a_slot_is_not_told_the_settings_that_its_slot_has(
    time: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To write all of Prefect's settings down for each run was a third of what runs cost a worker."""
    monkeypatch.delenv("PREFECT_LOGGING_LEVEL", raising=False)
    client: Any = Client()
    run = FlowRun(flow_id=FLOW, deployment_id=DEPLOYMENT, state=Scheduled())
    pool = WorkPool(name="p", type=pools.KIND, base_job_template=pools.TEMPLATE)

    async def resolve(kind: type[ProcessJobConfiguration]) -> ProcessJobConfiguration:
        return await kind.resolve_for_flow_run(run, client=client, work_pool=pool, worker_name="w")

    with temporary_settings({PREFECT_LOGGING_LEVEL: "ERROR"}):
        ours, theirs = anyio.run(resolve, WarmConfiguration), anyio.run(resolve, ProcessJobConfiguration)
    assert theirs.env["PREFECT_LOGGING_LEVEL"] == "ERROR", "Prefect's own worker tells it to the process that it starts"
    assert "PREFECT_LOGGING_LEVEL" not in ours.env
    assert ours.env["PREFECT__FLOW_RUN_ID"] == str(run.id)
    assert ours.env["A"] == "1"


def test_a_warm_worker_reads_of_deployments_what_it_remembers(time: SimpleNamespace) -> None:
    worker, client = WarmWorker("pool", limit=0), Client()
    worker._client = client  # type: ignore[assignment]

    async def twice() -> None:
        for _ in range(2):
            await worker.client.read_deployment(DEPLOYMENT)

    anyio.run(twice)
    assert client.asked == ["deployment"]


def test_a_warm_worker_says_of_no_run_that_it_is_being_submitted() -> None:
    assert WarmWorker.job_configuration is WarmConfiguration
    worker: Any = SimpleNamespace()  # asked for nothing: a state proposed would need its client
    anyio.run(WarmWorker._propose_submitting_state, worker, FlowRun(flow_id=FLOW))
    anyio.run(WarmWorker._give_worker_labels_to_flow_run, worker, DEPLOYMENT)
    assert WarmWorker._emit_flow_run_submitted_event(worker, None) is None  # type: ignore[func-returns-value]
    assert WarmWorker._emit_flow_run_executed_event(worker, None, None, None) is None  # type: ignore[func-returns-value]
