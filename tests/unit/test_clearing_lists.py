"""Lists of the truck: further ones for who comes late, refused ones, and what a list's receipt says of its parcels."""

from __future__ import annotations

import json

import pytest

from adapters.ledger import audit, faults
from tasks import decisions
from tasks.clearing.movement import list_anew
from tasks.clearing.standing import parcel_claims
from tests.unit.desk import Desk, waybill


def test_a_parcel_that_comes_late_goes_on_a_further_list(desk: Desk) -> None:
    desk.take_in()
    desk.declared(("rejected", (3,)))
    assert desk.prepare("list") == 1
    desk.happens("arrived")
    assert desk.prepare("arrive") == 1
    desk.deliver(waybill(desk.made, desk.orders()[2], grossWeight=9.5))
    desk.prepare("declare")
    assert desk.prepare("list") == 0, "not before it is reviewed"
    desk.said("CEB505Message", "stored", 3)
    desk.said("CEB603Message", "reviewed", 3)
    assert desk.prepare("list") == 1
    assert desk.prepare("arrive") == 1
    assert desk.on_lists("CEB607Message") == desk.on_lists("CEB507Message") == [[1, 2, 4, 5, 6], [3]]
    keys = [d.business_key for d in desk.standing().filed("CEB607Message")]
    assert len(set(keys)) == 2, "each with a number of its own"
    assert [desk.prepare(step) for step in ("list", "arrive")] == [0, 0]
    desk.said("CEB603Message", "released")
    desk.happens("departed")
    assert desk.prepare("depart") == 1
    assert desk.on_lists("CEB509Message") == [[1, 2, 3, 4, 5, 6]]
    assert audit.audit(desk.ledger, parcel_claims()) == []


@pytest.mark.parametrize("verdict", ["rejected", "failed", "send_failed", "refused"])
def test_a_refused_list_does_not_loop_and_is_listed_anew_when_a_person_says_so(desk: Desk, verdict: str) -> None:
    desk.take_in()
    desk.declared()
    desk.prepare("list")
    here = desk.said("CEB607Message", verdict)
    assert here.state() == "list_refused"
    for _ in range(3):
        assert desk.prepare("list") == 0
    desk.happens("arrived")
    assert desk.prepare("arrive") == 0, "no arrival of parcels that are on no list"
    assert list_anew(desk.office, desk.standing(), "CEB607Message") == 6
    assert list_anew(desk.office, desk.standing(), "CEB607Message") == 0, "once"
    assert desk.prepare("list") == 1
    assert desk.on_lists("CEB607Message") == [[1, 2, 3, 4, 5, 6]] * 2
    assert desk.prepare("arrive") == 1
    assert desk.kinds().count("listed_anew") == 1


def test_a_person_lets_refused_lists_be_made_anew(desk: Desk) -> None:
    desk.take_in()
    desk.declared()
    desk.prepare("list")
    desk.said("CEB607Message", "rejected")
    question = decisions.correction_question(str(desk.id))
    assert question is not None
    assert "607" in question
    assert decisions.correct(str(desk.id), [], "list anew", "", "", "") == 6
    assert desk.prepare("list") == 1


def test_a_list_that_cannot_be_written_is_told_and_stops_nothing(desk: Desk) -> None:
    desk.take_in()
    desk.declared()
    sheet = {**desk.made.truck, "batch_no": "5" * 400}
    desk.deliver(("truck.json", json.dumps(sheet, ensure_ascii=False).encode()))
    for _ in range(2):
        assert desk.prepare("list") == 0
    assert desk.kinds().count("list_faults") == 1
    assert len(faults.faults(desk.ledger, desk.id)) > 0, "a person sees which value"
    desk.deliver(("truck.json", json.dumps(desk.made.truck, ensure_ascii=False).encode()))
    assert desk.prepare("list") == 1


def test_what_a_list_is_told_holds_for_its_parcels(desk: Desk) -> None:
    desk.take_in()
    desk.declared(("inspection", (1,)), ("detained", (2,)), ("rejected", (3,)))
    desk.prepare("list")
    assert desk.on_lists("CEB607Message") == [[1, 4, 5, 6]]
    desk.said("CEB607Message", "inspection")
    assert desk.counts() == {"inspection": 4, "detained": 1, "rejected": 1}
    desk.said("CEB607Message", "released")
    assert desk.counts() == {"released": 4, "detained": 1, "rejected": 1}


def test_what_is_detained_or_rejected_after_the_listing_stays_behind(desk: Desk) -> None:
    desk.take_in()
    desk.declared()
    desk.prepare("list")
    desk.said("CEB603Message", "rejected", 1)
    desk.happens("arrived")
    desk.prepare("arrive")
    assert desk.on_lists("CEB507Message") == [[2, 3, 4, 5, 6]]
    desk.said("CEB603Message", "released", 3, 4, 5, 6)
    desk.said("CEB603Message", "detained", 2)
    desk.happens("departed")
    desk.prepare("depart")
    assert desk.on_lists("CEB509Message") == [[3, 4, 5, 6]]
    assert desk.standing().loaded() == {3, 4, 5, 6}
    assert (desk.parcel(1), desk.parcel(2)) == (("rejected", "CEB603Message"), ("detained", "CEB603Message"))


def test_a_parcel_released_after_the_truck_left_is_left_behind_at_once(desk: Desk) -> None:
    desk.take_in()
    desk.declared()
    desk.prepare("list")
    desk.said("CEB603Message", "released", 1, 2, 3, 4, 5)
    desk.said("CEB603Message", "detained", 6)
    desk.happens("departed")
    desk.settle()
    assert desk.parcel(6)[0] == "detained"
    desk.said("CEB603Message", "released", 6)
    assert desk.parcel(6) == ("released", "left_behind"), "not only when it is settled again"


def test_what_was_not_released_when_the_truck_left_is_left_behind(desk: Desk) -> None:
    desk.take_in()
    desk.declared()
    desk.prepare("list")
    desk.happens("arrived")
    desk.prepare("arrive")
    desk.said("CEB603Message", "released", 1, 2, 3, 4, 5)
    desk.happens("departed")
    here = desk.settle()
    assert here.left_behind() == {6}
    assert desk.parcel(6) == ("reviewed", "left_behind")
    desk.prepare("depart")
    desk.said("CEB603Message", "closed", 1, 2, 3, 4, 5)
    assert desk.counts() == {"closed": 5, "reviewed": 1}
