"""Forms that ask a person, and nobody's data anywhere in Prefect."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from prefect.flow_runs import resume_flow_run
from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL

from adapters.ledger import shipments
from flows.approve import approve
from flows.clear_shipment import clear_shipment
from flows.correct_parcels import Correction, correct_parcels
from flows.receive_receipts import receive_receipts
from flows.sweep_waiting import sweep_waiting
from tasks.reporting.faults import personal_fields
from tests.flows.running import Make, client, run, whole

__all__ = ["client", "whole"]
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]


def taken_up(client: SyncPrefectClient, of: Any, run_id: UUID) -> State[Any]:
    """A worker takes up a run of a deployment; the state in which it leaves it."""
    found = client.read_flow_run(run_id)
    with suppress(Pause):  # how a suspended run leaves its process
        run_flow(of, flow_run=found, parameters=found.parameters, return_type="state")
    state = client.read_flow_run(run_id).state
    if state is None:
        pytest.fail("a run without a state")
    return state


def suspended(client: SyncPrefectClient, of: Any) -> FlowRun:
    """A run of the flow's deployment that waits for a person's answer."""
    deployment = of.to_deployment(of.name).apply()
    made = client.create_flow_run_from_deployment(deployment, parameters={"shipment": "1"})
    state = taken_up(client, of, made.id)
    assert (state.type, state.name) == ("PAUSED", "Suspended")
    return client.read_flow_run(made.id)


def resumed(client: SyncPrefectClient, of: Any, found: FlowRun, **answer: Any) -> State[Any]:
    """The answer is given, and a worker takes the run up again."""
    resume_flow_run(found.id, run_input=answer)
    return taken_up(client, of, found.id)


def test_approval_is_asked_for_and_the_truck_goes_on(whole: Make, client: SyncPrefectClient) -> None:
    here = whole(flaw=1)
    run(clear_shipment, shipment="1")
    found = suspended(client, approve)
    assert here.made.truck["mainland_plate"] in str(found.name)
    keyset = found.state.state_details.run_input_keyset if found.state else None
    assert keyset is not None
    asked = str(client._client.get(f"/flow_runs/{found.id}/input/{keyset['description']}").json())
    assert "**5** 个包裹 parcels" in asked
    assert here.sandboxes.received("cn_ecommerce") == []
    state = resumed(client, approve, found, answer="declare", name="Mei", note="")
    assert (state.type, state.name) == ("COMPLETED", "Approved")
    assert shipments.get(here.office.ledger, 1).approved_by == "Mei"
    assert len(here.sandboxes.received("cn_ecommerce", type="CEB603Message")) == 5
    assert run(approve, shipment="1").name == "Nothing to approve"


def test_approval_refused_holds_the_truck(whole: Make, client: SyncPrefectClient) -> None:
    here = whole()
    run(clear_shipment, shipment="1")
    state = resumed(client, approve, suspended(client, approve), answer="hold", name="", note="too early")
    assert state.name == "Held"
    row = shipments.get(here.office.ledger, 1)
    assert (row.held, row.held_reason) == (True, "too early")
    assert here.sandboxes.received("cn_ecommerce") == []


def test_corrections_are_asked_for_and_the_truck_goes_on(whole: Make, client: SyncPrefectClient) -> None:
    here = whole(flaw=2)
    run(clear_shipment, shipment="1", approved=True)
    found = suspended(client, correct_parcels)
    one = here.made.orders()[0]
    state = resumed(client, correct_parcels, found, orders=f" {one}，", action="correct a value",
                    field="waybill.gross_weight", value="9.5", note="")  # fmt: skip
    assert (state.name, state.message) == ("Corrected", "1 个包裹 parcels")
    assert here.states()[one] in ("declared", "accepted", "reviewed", "released"), "it hears what was said so far"
    assert here.states()[here.made.orders()[1]] == "held"
    found = suspended(client, correct_parcels)
    state = resumed(client, correct_parcels, found, orders="", action="give up", field="", value="", note="")
    assert here.states()[here.made.orders()[1]] == "excluded"
    assert run(correct_parcels, shipment="1").name == "Nothing to correct"


def test_no_form_asks_for_a_personal_field() -> None:
    offered = set(get_args(Correction.model_fields["field"].annotation))
    assert offered & personal_fields() == set()
    assert len(offered) > 3


# ---- people --------------------------------------------------------------------------------------------------------
def test_prefects_database_knows_nobody(whole: Make, client: SyncPrefectClient) -> None:
    here = whole(parcels=12, flaw=3)
    here.sandboxes.behave("cn_ecommerce", {"match": {"type": "CEB603Message", "order_no": here.made.orders()[5]},
                                           "action": "reject", "code": "1300", "times": 1})  # fmt: skip
    run(clear_shipment, shipment="1", approved=True)
    for _ in range(100):
        run(receive_receipts)
        if here.standing().in_state("rejected"):
            break
    assert here.standing().in_state("rejected")
    run(sweep_waiting)
    resumed(client, correct_parcels, suspended(client, correct_parcels),
            orders="", action="declare again", field="", value="", note="")  # fmt: skip
    path = str(PREFECT_API_DATABASE_CONNECTION_URL.value()).partition("///")[2]
    assert Path(path).is_file()
    for _ in range(100):  # Prefect brings its logs some seconds later
        everything = "\n".join(sqlite3.connect(path).iterdump())
        if 'INSERT INTO "log"' in everything:
            break
        time.sleep(0.2)
    assert here.made.truck["master_waybill"] in everything, "the right database"
    assert 'INSERT INTO "log"' in everything, "logs are there, too"
    persons = [here.made.truck["driver"]["name"], *here.made.payments["payer"]]
    for row in here.made.waybills.itertuples():
        persons += [str(row.name), f"1632 960{row.phone}", f"{row.number} {row.street}"]
    found = [datum for datum in persons if datum in everything or json.dumps(datum)[1:-1] in everything]
    assert found == []
