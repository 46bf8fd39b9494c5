"""What has only to be shown, in a Prefect of its own: the last run's page has it, and a run that waits is over."""

from __future__ import annotations

from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.settings import PREFECT_API_URL
from prefect.states import Scheduled

from adapters.ledger import shipments
from deployments.prefect_api import Prefect
from flows.clear_shipment import clear_shipment
from tasks import artifact, looks, publishing, shown, stages
from tasks.notices import HELD, RUN, SHOWN, show
from tests.flows.running import Make, artifacts_of, client, named, run, whole

__all__ = ["client", "whole"]
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]


@pytest.fixture
def pages() -> Prefect:
    """Prefect, as the board has it."""
    return Prefect(str(PREFECT_API_URL.value()).removesuffix("/api"))


def summary(client: SyncPrefectClient, waybill: str, run_id: UUID) -> list[str]:
    """The summaries of a run, in their order."""
    key = publishing.key(waybill, "summary")
    return [str(one.data) for one in artifacts_of(client, run_id) if one.key == key]


def test_the_last_run_says_how_the_truck_is_now(whole: Make, client: SyncPrefectClient, pages: Prefect) -> None:
    here = whole()
    assert show(pages, 1) == RUN, "no run has had it"
    first = named(client, run(clear_shipment, shipment="1"))
    assert (first.state_name, looks.page_of(1)) == ("Awaiting approval", str(first.id))
    waybill = here.made.truck["master_waybill"]
    [before] = summary(client, waybill, first.id)
    shipments.hold(here.office.ledger, 1, "a seal is missing", "Mei")
    assert show(pages, 1) == SHOWN
    now = client.read_flow_run(first.id)
    assert (now.state_type, now.state_name) == ("COMPLETED", publishing.ending(here.standing())[0])
    assert now.state_name != first.state_name
    assert f"state:{here.standing().shipment.state}" in now.tags
    assert len([tag for tag in now.tags if tag.startswith("state:")]) == 1
    [after] = summary(client, waybill, first.id)  # the same artifact, in its place
    assert "已暂停 Held" in after
    assert "已暂停 Held" not in before
    assert (now.run_count, now.end_time) == (first.run_count, first.end_time), "nothing ran"
    with shown.of(here.office.ledger, 1, again=False) as seen:
        seen.stands("summary", str(first.id), artifact.UNSURE)  # as where its answer was lost
    shipments.resume(here.office.ledger, 1, "Mei")
    assert show(pages, 1) == SHOWN
    [resumed] = summary(client, waybill, first.id)
    assert "已暂停 Held" not in resumed
    shipments.approve(here.office.ledger, 1, "Mei")
    declared = named(client, run(clear_shipment, shipment="1"))
    assert looks.page_of(1) == str(declared.id) != str(first.id)


def test_a_run_that_waits_is_over_where_nothing_is_left(whole: Make, client: SyncPrefectClient, pages: Prefect) -> None:
    whole()
    run(clear_shipment, shipment="1")
    waits = client.create_flow_run(clear_shipment, parameters={"shipment": "1"}, state=Scheduled())
    assert show(pages, 1, str(waits.id)) == SHOWN
    ended = client.read_flow_run(waits.id)
    assert (ended.state_type, ended.state_name) == ("COMPLETED", "Awaiting approval")
    assert ended.name == stages.run_name("1")
    assert summary(client, shipments.get(stages.office().ledger, 1).master_waybill, waits.id), (
        "somebody's own shows all"
    )
    assert show(pages, 1, str(waits.id)) == HELD, "it is over"
