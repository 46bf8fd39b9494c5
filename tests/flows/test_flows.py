"""clear-shipment in a Prefect of its own: named end states, artifacts, tags; what it retries, and what ends it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from prefect import flow, runtime, task
from prefect.client.orchestration import SyncPrefectClient
from prefect.states import Cancelling
from sqlalchemy import update

from adapters import home as homes
from adapters.ledger import leases, shipments, touches
from adapters.ledger.tables import message
from flows.clear_shipment import clear_shipment
from flows.receive_receipts import receive_receipts
from mappings.errors import AuthorityUnavailable, DataFault
from tasks import looks, stages
from tasks.clearing import intake
from tasks.receipts.due import UNEXPLAINED
from tests.chaos import worker
from tests.contract.loopback import closed_port
from tests.flows.running import Make, artifacts_of, client, named, run, whole

__all__ = ["client", "whole"]
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]


def test_a_run_ends_in_a_state_that_says_what_the_truck_waits_for(whole: Make, client: SyncPrefectClient) -> None:
    here = whole(flaw=1, taken=False)
    state = run(clear_shipment, folder=str(here.folder))
    assert (state.type, state.name) == ("COMPLETED", "Awaiting approval")
    again = run(clear_shipment, shipment="1")
    assert again.name == "Awaiting approval", "running it again is harmless"
    approved = run(clear_shipment, shipment=here.made.truck["mainland_plate"], approved=True, actor="Mei")
    assert approved.name in ("Awaiting receipts", "Awaiting arrival")
    here.id = 1
    assert shipments.get(here.office.ledger, 1).approved_by == "Mei"
    made = named(client, approved)
    assert made.name == f"{here.made.truck['mainland_plate']} {here.made.truck['master_waybill']}"
    assert {"authority:cn_ecommerce", "authority:hk_road"} <= set(made.tags)
    assert [tag for tag in made.tags if tag.startswith("port:")] == [f"port:{here.made.truck['exit_port']}"]
    assert len([tag for tag in made.tags if tag.startswith("state:")]) == 1
    first = named(client, state)
    assert first.name == made.name, "it began with the folder's name, and has the truck's since that is known"
    waybill = here.made.truck["master_waybill"].lower()
    shown = {a.key: str(a.data) for a in artifacts_of(client, first.id, named(client, again).id, made.id)}
    assert set(shown) == {f"{waybill}-{what}" for what in ("summary", "timeline", "faults", "quality", "conversion")}
    assert "WAY-003" in shown[f"{waybill}-faults"]
    assert "held" in shown[f"{waybill}-summary"]
    assert "收到文件" in shown[f"{waybill}-timeline"]


def test_a_truck_goes_all_the_way_run_by_run(whole: Make) -> None:
    here = whole()
    assert run(clear_shipment, shipment="1", approved=True).is_completed()
    names: list[str] = []
    for _ in range(300):
        run(receive_receipts)
        state = here.standing().shipment.state
        if state not in names:
            names.append(state)
        if state == "awaiting_arrival" and "arrived" not in here.standing().events:
            here.happens("arrived")
            run(clear_shipment, shipment="1")
        elif state == "awaiting_departure":
            here.happens("departed")
            run(clear_shipment, shipment="1")
        elif state == "awaiting_crossing":
            if worker.cross(here.office, here.standing().truck.hk_plate):
                here.happens("crossed")
        elif state == "closed":
            break
    assert names[-1] == "closed", names
    assert set(here.states().values()) == {"closed"}
    assert here.audit() == []
    assert run(clear_shipment, shipment="1").name == "Closed"
    assert here.sandboxes.second_receipts() == {"cn_ecommerce": 0, "hk_road": 0}


def test_a_run_notes_what_the_truck_looks_like_at_its_end(whole: Make) -> None:
    here = whole(taken=False)
    run(clear_shipment, folder=str(here.folder))
    [ident] = stages.open_shipments()
    assert looks.noted_run(ident) == looks.digest(looks.mark(ident)) == looks.look(ident).mark
    waits = UNEXPLAINED + "cn_ecommerce"
    touches.touch(stages.office().ledger, [ident], what=waits)
    run(clear_shipment, shipment=str(ident))
    assert touches.touched(stages.office().ledger, waits) == {}, "what it shows is explained"
    here.id = ident
    here.deliver("late.jsonl", here.waybill(here.made.orders()[0], grossWeight=2.5))
    assert looks.noted_run(ident) != looks.digest(looks.mark(ident)), "a file came: the truck is to be woken"


def test_another_worker_has_the_truck(whole: Make) -> None:
    here = whole()
    assert leases.acquire(here.office.ledger, "shipment:1", "elsewhere:1", 60)
    assert run(clear_shipment, shipment="1").name == "Busy"
    assert leases.holder(here.office.ledger, "shipment:1")[0] == "elsewhere:1"  # type: ignore[index]


def test_a_run_that_is_cancelled_ends_between_two_stages(
    whole: Make, client: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person presses Cancel while the files are worked up: nothing is sent, the truck is free, and clears later."""
    here = whole()
    work_up = intake.work_up

    def pressed(*given: Any) -> Any:
        run_id = runtime.flow_run.id
        client.set_flow_run_state(UUID(str(run_id)), Cancelling(), force=True)
        return work_up(*given)

    monkeypatch.setattr(stages, "CANCELS", 0.0)
    monkeypatch.setattr(intake, "work_up", pressed)
    state = run(clear_shipment, shipment="1", approved=True)
    assert (state.type, state.name) == ("CANCELLED", "Cancelled")
    assert client.read_flow_run(UUID(str(state.state_details.flow_run_id))).state_name == "Cancelled"
    assert here.sandboxes.received("cn_ecommerce") == []
    assert leases.holder(here.office.ledger, "shipment:1") is None
    monkeypatch.setattr(intake, "work_up", work_up)
    assert run(clear_shipment, shipment="1", approved=True).is_completed()
    assert here.sandboxes.received("cn_ecommerce") != []


def test_a_held_truck_does_nothing(whole: Make) -> None:
    here = whole()
    shipments.hold(here.office.ledger, 1, "customs called", "tester")
    assert run(clear_shipment, shipment="1", approved=True).name == "Held"
    assert here.sandboxes.received("cn_ecommerce") == []


def test_what_is_no_shipment_fails_and_says_so(whole: Make) -> None:
    whole(taken=False)
    state = run(clear_shipment, shipment="NOBODY")
    assert state.is_failed()
    assert "NOBODY" in str(state.message)


def test_an_authority_that_cannot_be_reached_is_a_named_end(whole: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    here = whole()
    nowhere = {name: f"http://127.0.0.1:{closed_port()}" for name in here.sandboxes.addresses}
    here.office.home.authorities.clear()
    here.office.ledger.close()
    stages.office.cache_clear()
    homes.write(replace(homes.read(here.home), authorities=nowhere))
    for stage in (stages.take, stages.hear, stages.find_out):
        monkeypatch.setattr(stage, "retry_delay_seconds", [0, 0])
    state = run(clear_shipment, shipment="1", approved=True)
    assert (state.type, state.name) == ("COMPLETED", "Authority unavailable")
    assert here.standing().messages[("CEB303Message", "prepared")] == 1, "what was not sent stays prepared"
    shipments.approve(here.office.ledger, 1, "tester")
    with here.office.ledger.begin() as tx:
        tx.execute(update(message).values(state="sent"))
    state = run(receive_receipts)
    assert (state.type, state.name) == ("COMPLETED", "Authority unavailable")


def test_only_what_was_surely_not_sent_is_tried_again() -> None:
    tried: list[str] = []
    options = {**stages.SENDING, "retry_delay_seconds": [0, 0]}

    @task(**options)
    def send(kind: type[Exception]) -> None:
        tried.append(kind.__name__)
        raise kind("no")

    @flow
    def both() -> None:
        for kind in (AuthorityUnavailable, DataFault):
            send(kind, return_state=True)

    both(return_state=True)
    assert tried == ["AuthorityUnavailable"] * 3 + ["DataFault"]
