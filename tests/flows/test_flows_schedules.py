"""What runs many trucks: the sweep, receipts, the pulse, the inbox."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterParentFlowRunId
from prefect.client.schemas.objects import FlowRun, State

from adapters.ledger import raws, shipments, touches
from deployments import demo_truck
from deployments.pulse import Pulse
from deployments.showing import QUIET_VARIABLE
from flows.clear_folder import clear_folder
from flows.clear_shipment import clear_shipment
from flows.receive_receipts import receive_receipts
from flows.sweep_waiting import sweep_waiting
from tasks import ears, stages
from tasks.clearing import intake
from tasks.receipts.receive import accept_push
from tests.chaos import trucks
from tests.flows.running import Make, client, run, whole
from tests.flows.whole import Whole

__all__ = ["client", "whole"]
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]


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
