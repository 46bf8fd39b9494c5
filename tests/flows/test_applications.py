"""The flows of applications in a Prefect of their own: named end states, artifacts, a question, nobody's data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from prefect.flow_runs import resume_flow_run

from adapters import home as homes
from adapters.ledger import applications
from flows.approve_applications import approve_applications
from flows.cancel_parcels import cancel_parcels
from flows.redeclare_parcels import redeclare_parcels
from flows.return_parcels import return_parcels
from flows.summarise_month import summarise_month
from tests.chaos import trucks
from tests.chaos.sandboxes import Sandboxes
from tests.flows.whole import Whole

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]


@pytest.fixture
def here(fresh: Sandboxes, home_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Whole]:
    """A truck whose inventories customs has reviewed, in the home that this process uses."""
    monkeypatch.setenv(homes.VARIABLE, str(tmp_path / "home"))
    made = Whole(tmp_path, home_template, fresh, trucks.made(fresh, 4))
    made.take_in()
    made.until(lambda at: at.in_state("reviewed", "inspection") == set(at.parcels))
    yield made
    made.office.ledger.close()


def run(of: Any, **parameters: Any) -> Any:
    return of(**parameters, return_state=True)


def taken_up(client: SyncPrefectClient, of: Any, run_id: UUID) -> Any:
    """A worker takes up a run of a deployment; the state in which it leaves it."""
    found = client.read_flow_run(run_id)
    with suppress(Pause):
        run_flow(of, flow_run=found, parameters=found.parameters, return_type="state")
    return client.read_flow_run(run_id).state


def test_a_cancel_waits_for_a_person_who_takes_it_back(here: Whole) -> None:
    order = here.made.orders()[0]
    first = run(cancel_parcels, shipment="1", parcels=f"{order} NOBODY", reason="not_loaded")
    assert (first.type, first.name) == ("COMPLETED", "Awaiting approval")
    again = run(cancel_parcels, shipment="1", parcels=f"{order} NOBODY", reason="not_loaded")
    assert again.name == "Awaiting approval"
    (row,) = applications.listing(here.office.ledger, 1)
    assert (row.order_no, row.state) == (order, "asked")
    with get_client(sync_client=True) as client:
        shown = {a.key: str(a.data) for a in client.read_artifacts() if a.key and a.key.endswith("-cancel")}
        assert any(order in text and "APP-001" in text for text in shown.values())
        deployment = approve_applications.to_deployment("approve-applications").apply()
        made = client.create_flow_run_from_deployment(deployment, parameters={"shipment": "1"})
        state = taken_up(client, approve_applications, made.id)
        assert (state.type, state.name) == ("PAUSED", "Suspended")
        resume_flow_run(made.id, run_input={"answer": "no", "name": "Mei"})
        assert taken_up(client, approve_applications, made.id).name == "Withdrawn"
    assert [r.state for r in applications.listing(here.office.ledger, 1)] == ["withdrawn"]
    assert run(approve_applications, shipment="1").name == "Nothing to approve"
    assert here.audit() == []


def test_what_cannot_be_asked_for_ends_in_a_name_that_says_so(here: Whole, tmp_path: Path) -> None:
    order = here.made.orders()[0]
    assert run(return_parcels, shipment="1", parcels=order).name == "Refused"
    assert run(return_parcels, shipment="1", parcels=order, tally=True).name == "Refused"
    assert run(cancel_parcels, shipment="1").name == "Nothing to ask for"
    assert run(summarise_month, month="2020-01").name == "Nothing to ask for"
    assert run(redeclare_parcels, shipment="1").name == "Nothing to declare anew"
    file = tmp_path / "chosen.csv"
    file.write_text(f"订单编号\n{order}\n", "utf-8")
    assert run(redeclare_parcels, shipment="1", file=str(file)).name == "Refused"
    assert run(cancel_parcels, shipment="1", file=str(tmp_path / "none.csv")).is_failed()
    assert applications.listing(here.office.ledger, 1) == []
