"""Where a shipment stands is handed from step to step only where nothing can have happened to it."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from adapters.ledger import events, parcels, touches
from adapters.ledger.tables import document
from tasks.clearing import steps
from tasks.clearing.standing import load_standing
from tests.unit.desk import AT, Desk, files, truck


def test_a_step_that_holds_parcels_and_prepares_nothing_hands_nothing_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.take_in()
    here = desk.standing()

    def holds(_office: object, _standing: object) -> int:
        parcels.set_parcel_states(desk.ledger, desk.id, {1: ("held", "CHG-002")})
        return 0

    monkeypatch.setitem(steps.PREPARE, "declare", holds)
    assert here.may("declare")
    taken = steps.take(desk.office, desk.id, "declare", standing=here)
    assert (taken.did, taken.standing) == (False, None)


def test_a_step_whose_gate_is_shut_hands_on_what_it_was_given(desk: Desk) -> None:
    desk.take_in(approve=False)
    here = desk.standing()
    assert not here.may("list")
    assert steps.take(desk.office, desk.id, "list", standing=here).standing is here


def test_events_stand_in_the_order_in_which_they_happen(desk: Desk) -> None:
    desk.take_in()
    for kind in ("crossed", "arrived", "departed"):
        assert events.record(desk.ledger, desk.id, kind, at=AT)
    assert list(desk.standing().events) == ["arrived", "departed", "crossed"]


def test_what_settling_makes_of_documents_says_that_nobody_did_anything(desk: Desk) -> None:
    desk.take_in()
    desk.prepare("declare")
    desk.settle()
    touches.forget(desk.ledger, list(touches.touched(desk.ledger)[desk.id]))
    desk.said("CEB603Message", "reviewed", 1)
    assert set(touches.touched(desk.ledger)[desk.id].values()) == {touches.HEARD}


def test_a_document_whose_message_is_not_this_shipments_stops_nobody(desk: Desk) -> None:
    desk.take_in()
    desk.prepare("declare")
    other = desk.deliver(*files(truck(2, seed=5)))
    with desk.ledger.begin() as tx:
        stray = update(document).where(document.c.type == "CEB505Message")
        tx.execute(stray.values(shipment_id=other, state="prepared"))
    found = load_standing(desk.ledger, other)
    assert {d.state for d in found.documents["CEB505Message"].values()} == {"prepared"}
