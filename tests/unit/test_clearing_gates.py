"""The procedure's table of gates: each step's gate closed and open, and what the shipment waits for at each point."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from adapters.ledger import parcels, shipments
from adapters.ledger.tables import message
from mappings import clock
from mappings.procedures import every, load
from tasks import decisions
from tasks.clearing.facts import FACTS
from tasks.clearing.steps import PREPARE, take
from tests.unit.desk import Desk, files

STEPS = [step.name for step in load("export", "9610").steps]


def opened(desk: Desk) -> set[str]:
    """The steps whose gate is open."""
    here = desk.settle()
    return {name for name in STEPS if here.may(name)}


def state(desk: Desk) -> str:
    return desk.settle().state()


def test_every_fact_and_step_of_the_table_is_known() -> None:
    procedure = load("export", "9610")
    assert {need for step in procedure.steps for need in step.needs} | {w.when for w in procedure.states} <= set(FACTS)
    assert {step.name for one in every() for step in one.steps} == set(PREPARE)
    assert procedure.states[-1].when == "always"
    assert set(procedure.final) | set(procedure.waits_for_person) <= {w.state for w in procedure.states}


def test_a_truck_from_gate_to_gate(desk: Desk) -> None:
    desk.take_in(approve=False)
    assert (opened(desk), state(desk)) == (set(), "awaiting_approval")
    shipments.approve(desk.ledger, desk.id, "tester")
    assert (opened(desk), state(desk)) == ({"declare"}, "declaring")

    assert desk.prepare("declare") == 4
    assert desk.counts() == {"declared": 6}
    assert (opened(desk), state(desk)) == ({"hong_kong"}, "awaiting_receipts")

    desk.said("CEB603Message", "reviewed", 1, 2, 3, 4, 5)
    assert (opened(desk), state(desk)) == ({"hong_kong"}, "awaiting_receipts"), "one has no answer yet"
    desk.said("CEB603Message", "reviewed", 6)
    assert (opened(desk), state(desk)) == ({"hong_kong", "list"}, "awaiting_arrival")

    assert desk.prepare("list") == 1
    assert desk.on_lists("CEB607Message") == [[1, 2, 3, 4, 5, 6]]
    assert (opened(desk), state(desk)) == ({"hong_kong"}, "awaiting_arrival")
    desk.happens("arrived")
    assert (opened(desk), state(desk)) == ({"hong_kong", "arrive"}, "awaiting_release")

    assert desk.prepare("arrive") == 1
    desk.said("CEB603Message", "inspection", 2)
    assert (opened(desk), state(desk)) == ({"hong_kong"}, "under_inspection")
    desk.said("CEB603Message", "released", 1, 2, 3, 4, 5)
    assert (opened(desk), state(desk)) == ({"hong_kong"}, "awaiting_release")
    desk.said("CEB603Message", "released", 6)
    assert (opened(desk), state(desk)) == ({"hong_kong"}, "awaiting_departure")

    desk.happens("departed")
    assert (opened(desk), state(desk)) == ({"hong_kong", "depart"}, "awaiting_crossing")
    assert desk.prepare("depart") == 1
    assert desk.on_lists("CEB509Message") == [[1, 2, 3, 4, 5, 6]]
    desk.prepare("hong_kong")
    desk.said("HKRoadACI", "ccrn_issued", pre_no="CCRN1")
    desk.prepare("hong_kong")
    desk.said("HKRoadBundle", "crossed")
    assert state(desk) == "awaiting_closure"
    desk.said("CEB603Message", "closed")
    assert (opened(desk), state(desk)) == ({"hong_kong"}, "closed")
    assert desk.counts() == {"closed": 6}


def test_nothing_is_declared_without_approval(desk: Desk) -> None:
    desk.take_in(approve=False)
    assert not take(desk.office, desk.id, "declare").did
    assert desk.standing().documents == {}


@pytest.mark.parametrize("until", ["declare", "list", "arrive"])
def test_a_held_truck_has_every_gate_closed_and_goes_on_where_it_stood(desk: Desk, until: str) -> None:
    desk.take_in()
    if until != "declare":
        desk.declared()
    if until == "arrive":
        desk.prepare("list")
        desk.happens("arrived")
    before = opened(desk), state(desk)
    assert until in before[0]
    shipments.hold(desk.ledger, desk.id, "customs called", "tester")
    assert (opened(desk), state(desk)) == (set(), "held")
    assert not take(desk.office, desk.id, until).did, "nor is what is prepared sent"
    shipments.resume(desk.ledger, desk.id, "tester")
    assert (opened(desk), state(desk)) == before


def test_after_the_departure_nothing_is_declared_or_listed_any_more(desk: Desk) -> None:
    desk.take_in()
    desk.declared(("rejected", (6,)), ("saved", (5,)))
    desk.happens("arrived")
    desk.said("CEB603Message", "rejected", 5)
    desk.prepare("list")
    assert opened(desk) == {"hong_kong", "arrive"}
    desk.said("CEB603Message", "reviewed", 6)
    assert opened(desk) == {"hong_kong", "list", "arrive"}
    parcels.set_parcel_states(desk.ledger, desk.id, {5: ("ready", "")})
    assert opened(desk) == {"hong_kong", "list", "arrive", "declare"}
    desk.happens("departed")
    assert opened(desk) == {"hong_kong"}


def test_the_list_waits_for_answers_only_so_long_after_the_arrival(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.take_in()
    desk.declared(("saved", (6,)))
    assert "list" not in opened(desk)
    desk.happens("arrived")
    assert "list" not in opened(desk)
    monkeypatch.setenv(clock.VARIABLE, "2026-11-23T21:39:59+08:00@1e-09@1790000000")
    assert "list" not in opened(desk)
    monkeypatch.setenv(clock.VARIABLE, "2026-11-23T21:40:00+08:00@1e-09@1790000000")
    assert "list" in opened(desk)
    desk.prepare("list")
    assert desk.on_lists("CEB607Message") == [[1, 2, 3, 4, 5]]


def test_the_bundling_waits_for_the_load_or_for_its_last_hour(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.take_in()
    desk.declared()
    desk.prepare("hong_kong")
    desk.said("HKRoadACI", "ccrn_issued", pre_no="CCRN1")
    assert desk.prepare("hong_kong") == 0, "the release of all is open"
    monkeypatch.setenv(clock.VARIABLE, "2026-11-24T05:39:00+08:00@1e-09@1790000000")  # crossing 07:10, less 30, less 60
    assert desk.prepare("hong_kong") == 0
    monkeypatch.setenv(clock.VARIABLE, "2026-11-24T05:40:00+08:00@1e-09@1790000000")
    assert desk.prepare("hong_kong") == 1
    assert [d.business_key.split("|")[:2] for d in desk.standing().filed("HKRoadBundle")] == [["BND", "CCRN1"]]


def test_too_late_for_hong_kong_is_told_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.take_in()
    desk.declared()
    monkeypatch.setenv(clock.VARIABLE, "2026-11-24T07:00:00+08:00@1e-09@1790000000")
    for _ in range(2):
        assert desk.prepare("hong_kong") == 0
    assert desk.kinds().count("hong_kong_late") == 1


@pytest.mark.parametrize("found", ["unknown", "prepared", "claimed"])
def test_messages_that_are_not_settled_name_the_state(desk: Desk, found: str) -> None:
    desk.take_in()
    desk.declared()
    with desk.ledger.begin() as tx:
        tx.execute(update(message).where(message.c.type == "CEB303Message").values(state=found))
    assert state(desk) == ("outcome_unknown" if found == "unknown" else "declaring")


def test_no_hong_kong_without_its_agent(desk: Desk) -> None:
    made = desk.truck_without("hk_agent")
    desk.take_in(made)
    desk.declared()
    assert "hong_kong" not in opened(desk)
    desk.prepare("list")
    desk.happens("arrived")
    desk.prepare("arrive")
    desk.said("CEB603Message", "released")
    desk.happens("departed")
    desk.prepare("depart")
    assert state(desk) == "awaiting_crossing", "nobody in Hong Kong will say so: an event does"
    desk.happens("crossed")
    assert state(desk) == "awaiting_closure"


def test_all_given_up_after_the_rejection_is_no_correction_to_wait_for(desk: Desk) -> None:
    desk.take_in()
    desk.declared(("rejected", (1, 2, 3, 4, 5, 6)))
    assert state(desk) == "awaiting_correction"
    decisions.correct(str(desk.id), desk.orders()[:5], "give up", "", "", "")
    assert state(desk) == "awaiting_correction", "one is left"
    decisions.correct(str(desk.id), [], "give up", "", "", "")
    assert desk.counts() == {"excluded": 6}
    assert state(desk) == "nothing_to_declare"


def test_a_truck_of_held_parcels_has_nothing_to_declare(desk: Desk) -> None:
    made = desk.made
    ((_, waybills),) = [f for f in files(made) if f[0] == "waybills.jsonl"]
    rest: list[Any] = [f for f in files(made) if f[0] not in ("waybills.jsonl", "payments.csv")]
    desk.id = desk.deliver(*rest, ("waybills.jsonl", waybills))
    assert set(desk.counts()) == {"held"}
    assert state(desk) == "nothing_to_declare"
