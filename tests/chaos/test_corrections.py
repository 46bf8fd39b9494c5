"""Rejected, corrected, sent twice, worked on by two: no parcel is lost or declared twice."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from adapters.ledger import faults
from deployments.demo_flaws import weight
from tests.chaos import trucks
from tests.chaos.conftest import Make
from tests.chaos.sandboxes import Sandboxes
from tests.chaos.test_moods import NONE_TWICE, ONE, OTHER, states

pytestmark = pytest.mark.chaos


def _reject(order: str) -> dict[str, Any]:
    return {"match": {"type": "CEB603Message", "order_no": order}, "action": "reject", "code": "1300", "times": 1}


def test_rejected_parcels_rejoin_by_a_corrected_file_and_by_a_persons_answer(
    yard: Make, authorities: Sandboxes
) -> None:
    here = yard()
    authorities.behave("cn_ecommerce", _reject(ONE), _reject(OTHER))
    assert here.run(until=("awaiting_arrival",)) == 0
    assert {order for order, state in states(here).items() if state == "rejected"} == {ONE, OTHER}
    here.deliver("waybills-2.jsonl", here.waybill(ONE, grossWeight=9.5))
    assert here.correct([OTHER], "declare again") == 1
    assert here.run() == 0
    assert set(states(here).values()) == {"closed"}
    again = [row for row in here.outcome()["document"] if row[1] == "CEB603Message" and row[3] == 2]
    assert len(again) == 2
    books = authorities.received("cn_ecommerce", type="CEB603Message")
    assert len(books) == trucks.PARCELS + 2
    assert authorities.second_receipts() == NONE_TWICE
    assert here.audit() == []


def test_a_held_parcel_rejoins_when_its_file_is_corrected(yard: Make, authorities: Sandboxes) -> None:
    here = yard(flaws={ONE: weight})
    assert here.run(until=("awaiting_arrival",)) == 0
    assert states(here)[ONE] == "held"
    here.deliver("waybills-2.jsonl", here.waybill(ONE, grossWeight=9.5))
    assert here.run() == 0
    assert set(states(here).values()) == {"closed"}
    assert authorities.second_receipts() == NONE_TWICE


def test_a_corrected_file_after_the_declaration_is_a_fault_and_changes_nothing(
    yard: Make, authorities: Sandboxes
) -> None:
    here = yard()
    assert here.run(until=("awaiting_arrival",)) == 0
    here.deliver("waybills-2.jsonl", here.waybill(ONE, grossWeight=9.5))
    assert here.run(until=("awaiting_arrival",), rounds=1) == 0
    office = here.office()
    found = faults.faults(office.ledger, 1)
    office.ledger.close()
    assert found["code"].tolist() == ["CHG-001"]
    assert found["order_no"].tolist() == [ONE]
    assert here.run() == 0
    assert set(states(here).values()) == {"closed"}
    for kind in ("CEB303Message", "CEB505Message", "CEB603Message"):
        assert len(authorities.received("cn_ecommerce", type=kind)) == trucks.PARCELS


def test_the_same_folder_twice_is_one_truck(yard: Make, authorities: Sandboxes, undisturbed: dict[str, Any]) -> None:
    here = yard()
    assert here.run(until=("awaiting_receipts", "awaiting_arrival")) == 0
    (here.folder / "orders.csv").touch()
    assert here.run() == 0
    assert here.run() == 0, "and a third time, when all is closed"
    assert here.outcome() == undisturbed
    assert len(authorities.received("cn_ecommerce", type="CEB303Message")) == trucks.PARCELS
    office = here.office()
    assert len(list(office.ledger.engine.connect().exec_driver_sql("SELECT id FROM shipment"))) == 1
    office.ledger.close()


@pytest.mark.parametrize("workers", [2, 3])
def test_several_workers_on_one_truck(
    workers: int, yard: Make, authorities: Sandboxes, undisturbed: dict[str, Any]
) -> None:
    here = yard()
    team = [here.start() for _ in range(workers)]
    for worker in team:
        worker.join(90)
    assert [worker.exitcode for worker in team] == [0] * workers
    assert here.outcome() == undisturbed
    assert authorities.second_receipts() == NONE_TWICE
    assert here.audit() == []


def test_a_worker_takes_over_from_one_that_was_killed_holding_the_truck(
    yard: Make, authorities: Sandboxes, undisturbed: dict[str, Any]
) -> None:
    here = yard()
    first, second = here.start(point="603 claimed, before the post"), here.start()
    first.join(90)
    second.join(90)
    assert second.exitcode == 0
    assert here.outcome() == undisturbed
    assert authorities.second_receipts() == NONE_TWICE


def test_the_waybill_of_a_test_is_the_trucks_own(yard: Make) -> None:
    here = yard()
    told = json.loads(here.waybill(ONE, grossWeight=1.25))
    assert (told["orderRef"], told["grossWeight"]) == (ONE, 1.25)
    assert replace(here.order(), point="x").folder == str(here.folder)
