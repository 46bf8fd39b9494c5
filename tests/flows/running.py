"""What tests of the flows share: a truck with a home of its own, Prefect's API, a run and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import Artifact, FlowRun, State

from adapters import home as homes
from deployments.demo_flaws import weight
from tests.chaos import trucks
from tests.chaos.sandboxes import Sandboxes
from tests.flows.whole import Whole

Make = Callable[..., Whole]


@pytest.fixture
def whole(fresh: Sandboxes, home_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes a truck and the home that this process uses."""
    opened: list[Whole] = []

    def make(parcels: int = 6, flaw: int = 0, taken: bool = True, **home: Any) -> Whole:
        made = trucks.made(fresh, parcels)
        for order in made.orders()[:flaw]:
            made = weight(made, order)
        monkeypatch.setenv(homes.VARIABLE, str(tmp_path / "home"))
        here = Whole(tmp_path, home_template, fresh, made)
        if home:
            homes.write(replace(homes.read(here.home), **home))
        opened.append(here)
        if taken:
            here.take_in()
        return here

    yield make
    for here in opened:
        here.office.ledger.close()


@pytest.fixture
def client() -> Iterator[SyncPrefectClient]:
    """Prefect's own API."""
    with get_client(sync_client=True) as made:
        yield made


def run(of: Any, **parameters: Any) -> State[Any]:
    """The end state of a run."""
    ended: State[Any] = of(**parameters, return_state=True)
    return ended


def artifacts_of(client: SyncPrefectClient, *run_ids: UUID) -> list[Artifact]:
    """The artifacts of these runs, in their order; other tests' are not among them."""
    mine = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=list(run_ids)))
    return sorted(client.read_artifacts(artifact_filter=mine), key=lambda one: str(one.created))


def named(client: SyncPrefectClient, state: State[Any]) -> FlowRun:
    """The run that ended so."""
    return client.read_flow_run(UUID(str(state.state_details.flow_run_id)))
