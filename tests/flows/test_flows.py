"""The flows in a Prefect of their own: named end states, artifacts, forms that ask, and nobody's data anywhere."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import pytest
from prefect import flow, runtime, task
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterParentFlowRunId
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from prefect.flow_runs import resume_flow_run
from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL
from prefect.states import Cancelling
from sqlalchemy import update

from adapters import home as homes
from adapters.ledger import leases, raws, shipments, touches
from adapters.ledger.tables import message
from deployments import demo_truck
from deployments.demo_flaws import weight
from deployments.pulse import Pulse
from deployments.showing import QUIET_VARIABLE
from flows.approve import approve
from flows.clear_folder import clear_folder
from flows.clear_shipment import clear_shipment
from flows.correct_parcels import Correction, correct_parcels
from flows.receive_receipts import receive_receipts
from flows.sweep_waiting import sweep_waiting
from mappings.errors import AuthorityUnavailable, DataFault
from tasks import ears, stages
from tasks.clearing import intake
from tasks.receipts.receive import accept_push
from tasks.reporting.faults import personal_fields
from tests.chaos import trucks, worker
from tests.chaos.sandboxes import Sandboxes
from tests.contract.loopback import closed_port
from tests.flows.whole import Whole

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]
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


def named(client: SyncPrefectClient, state: State[Any]) -> FlowRun:
    """The run that ended so."""
    return client.read_flow_run(UUID(str(state.state_details.flow_run_id)))


# ---- clear-shipment ------------------------------------------------------------------------------------------------
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
    shown = {a.key: str(a.data) for a in client.read_artifacts() if a.key and a.key.startswith(waybill)}
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
            if worker.cross(here.office, here.standing()):
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
    assert stages.noted_run(ident) == stages.digest(stages.mark(ident)) == stages.look(ident).mark
    here.id = ident
    here.deliver("late.jsonl", here.waybill(here.made.orders()[0], grossWeight=2.5))
    assert stages.noted_run(ident) != stages.digest(stages.mark(ident)), "a file came: the truck is to be woken"


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


# ---- many trucks ---------------------------------------------------------------------------------------------------
def two(here: Whole) -> None:
    """A second truck in the same home, of other parcels."""
    made = trucks.made(here.sandboxes, 3, seed=2)
    folder = demo_truck.write(made, here.folder.parent / "second")
    intake.receive_files(here.office, intake.folder_files(folder), "", "test")


def test_the_sweep_takes_every_open_truck_on_though_one_fails(whole: Make) -> None:
    here = whole()
    (here.folder / "waybills.jsonl").unlink()
    incomplete = {**here.made.truck, "master_waybill": "INCOMPLETE1"}
    intake.receive_files(here.office, [("truck.json", json.dumps(incomplete).encode())], "", "test")
    two(here)
    state = run(sweep_waiting)
    assert state.name == "Some failed"
    assert "1 个失败 failed" in str(state.message)
    assert [row.state for row in shipments.listing(here.office.ledger)] == [
        "awaiting_approval", "captured", "awaiting_approval",
    ]  # fmt: skip


def test_beside_a_pulse_runs_tell_whom_it_does_not_reach_and_the_sweep_takes_what_was_left(whole: Make) -> None:
    whole()
    assert run(clear_shipment, shipment="1").name == "Awaiting approval"
    touches.forget(stages.office().ledger, [name for rows in stages.touched().values() for name in rows])
    ears.Word(ears.WAKER).here(stages.office())
    assert "0 个已推进" in str(run(sweep_waiting).message), "Prefect has its summary"
    ears.Word(ears.EAR).here(stages.office(), "customs does not answer")
    for state in (run(receive_receipts), run(clear_shipment, shipment="1")):
        assert (state.name, "customs does not answer" in str(state.message)) == ("Authority unavailable", True)


def test_receipts_wake_the_trucks_that_they_concern(whole: Make, client: SyncPrefectClient) -> None:
    here = whole()
    two(here)
    run(clear_shipment, shipment="1", approved=True)
    for _ in range(100):
        state = run(receive_receipts)
        assert state.is_completed()
        if here.standing().in_state("reviewed"):
            break
    woken = [r for r in _children(client, state) if r]
    assert {r.parameters["shipment"] for r in woken} <= {"1"}
    assert [row.state for row in shipments.listing(here.office.ledger)][1] == "captured", "the other was left alone"


def test_what_cannot_be_read_is_alarmed_once(whole: Make, client: SyncPrefectClient) -> None:
    here = whole()
    before = sum(a.key == "parked-messages" for a in client.read_artifacts())
    accept_push(here.office.ledger, here.office.authority("cn_ecommerce"), b"<junk/>", "somebody")
    state = run(receive_receipts)
    assert (state.type, state.name) == ("COMPLETED", "Parked messages")
    ((ident, reason),) = [(row.id, row.reason) for row in raws.parked_heads(here.office.ledger)]
    assert str(state.message).endswith(f"are kept: {ident}")
    shown = [json.loads(str(a.data)) for a in client.read_artifacts() if a.key == "parked-messages"]
    assert len(shown) == before + 1
    assert [(row["编号 raw id"], row["原因 reason"]) for row in shown[0]] == [(ident, reason)]
    assert run(receive_receipts).name == "Completed", "told once"
    accept_push(here.office.ledger, here.office.authority("hk_road"), b"junk", "somebody")
    assert Pulse().beat() == [1]
    assert sum(a.key == "parked-messages" for a in client.read_artifacts()) == before + 2, "the pulse tells, too"


def _children(client: SyncPrefectClient, state: State[Any]) -> list[FlowRun]:
    parent = FlowRunFilter(
        parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[UUID(str(state.state_details.flow_run_id))])
    )
    return client.read_flow_runs(flow_run_filter=parent)


def test_the_pulse_runs_only_trucks_that_look_otherwise(whole: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(QUIET_VARIABLE, "0")
    here = whole()
    two(here)
    pulse = Pulse()
    assert sorted(pulse.beat()) == [1, 2]
    assert pulse.beat() == []
    shipments.approve(here.office.ledger, 2, "tester")
    assert pulse.beat() == [2]
    shipments.hold(here.office.ledger, 1, "wait", "tester")
    beats = [pulse.beat() for _ in range(2)]
    assert 1 in beats[0]
    assert 1 not in beats[1]


def test_the_pulse_goes_on_past_a_truck_that_fails(whole: Make) -> None:
    here = whole(taken=False)
    sheet = json.dumps(here.made.truck, ensure_ascii=False).encode()
    intake.receive_files(here.office, [("truck.json", sheet)], "", "test")
    two(here)
    pulse = Pulse()
    assert sorted(pulse.beat()) == [1, 2]
    assert shipments.get(here.office.ledger, 2).state == "awaiting_approval"
    assert pulse.beat() == [], "and does not try it again before something has changed"


def test_an_inbox_folder_becomes_a_truck_once(whole: Make, client: SyncPrefectClient, tmp_path: Path) -> None:
    box = tmp_path / "inbox"
    here = whole(taken=False, inbox=box)
    demo_truck.write(here.made, box / "truck1")
    broken = demo_truck.write(trucks.made(here.sandboxes, 2, seed=3), box / "another")
    sheet = (broken / "truck.json").read_text("utf-8").replace('"agent"', '"nobody"')
    (broken / "truck.json").write_text(sheet, "utf-8")
    state = run(clear_folder)
    assert state.name == "Folders waiting", "somebody may be writing"
    assert "2 个文件夹等待 folders wait: another" in str(state.message)
    (box / "junk").mkdir()
    (box / "junk" / "x.pdf").write_bytes(b"%PDF-1.4")
    state = run(clear_folder)
    assert (state.name, "1 个失败 failed" in str(state.message)) == ("Some failed", True)
    assert [row.state for row in shipments.listing(here.office.ledger)] == ["awaiting_approval"]
    state = run(clear_folder)
    assert state.name == "Folders waiting"
    assert str(state.message).startswith("0 个车次开始办理 trucks started; 1 个文件夹等待 folders wait: junk (CAP-")
    shutil.rmtree(box / "junk")
    state = run(clear_folder)
    assert (state.name, state.message) == ("Completed", "0 个车次开始办理 trucks started")
    shown = [a for a in client.read_artifacts() if a.key == "inbox-waiting"]
    assert len(shown) == 4
    assert sum("junk" in str(a.data) for a in shown) == 2


# ---- asking a person -----------------------------------------------------------------------------------------------
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
