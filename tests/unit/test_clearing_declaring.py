"""Declaring: what a parcel needs now, in which attempt; and again after a verdict, as it is or changed."""

from __future__ import annotations

import base64
import json
from itertools import pairwise

import pytest
from lxml import etree
from sqlalchemy import select

from adapters.ledger import audit, faults, parcels, raws
from adapters.ledger.conversions import conversions
from adapters.ledger.tables import document, message
from mappings.errors import DataFault
from mappings.procedures import load
from tasks import decisions
from tasks.applications.asking import ask
from tasks.applications.wanted import of_text
from tasks.clearing import declaring
from tasks.clearing.declaring import Digests, content_digests, load_batch, part_of, plan
from tasks.clearing.documents import Document
from tasks.clearing.standing import parcel_claims
from tasks.receipts.due import explained, unexplained
from tests.factory import make_batch
from tests.unit.desk import Desk, truck, waybill

CN = "cn_ecommerce"
SUPPORTING = ("CEB303Message", "CEB403Message", "CEB505Message")
ALL = (*SUPPORTING, "CEB603Message")


def latest(state: str, attempt: int = 1) -> Document:
    return Document(1, "", "", attempt, "1", 1, state, "", None)


@pytest.mark.parametrize(
    ("kind", "state", "changed", "expected"),
    [
        ("CEB303Message", None, True, ("new", 1)),
        ("CEB603Message", None, False, ("new", 1)),
        ("CEB505Message", "stored", False, ("none", 1)),
        ("CEB505Message", "stored", True, ("change", 2)),
        ("CEB505Message", "sent", True, ("change", 2)),
        ("CEB303Message", "rejected", False, ("new", 2)),
        ("CEB603Message", "rejected", False, ("new", 2)),
        ("CEB603Message", "failed", True, ("new", 2)),
        ("CEB603Message", "saved", False, ("none", 1)),
        ("CEB603Message", "saved", True, ("cancel", 2)),
        ("CEB603Message", "released", True, ("cancel", 2)),
    ],
)
def test_what_may_follow_what(kind: str, state: str | None, changed: bool, expected: tuple[str, int]) -> None:
    found = plan(kind, latest(state) if state else None, changed, load("export", "9610").table)
    assert (found.action, found.attempt) == expected


def test_digests_cover_what_a_message_says_and_no_more() -> None:
    batch = make_batch(3)
    before = {kind: content_digests(batch, kind) for kind in ALL}
    assert all(len(set(found)) == 3 for found in before.values())
    heavier = batch.parcels["waybill.gross_weight"].copy()
    heavier[1] += 1000
    other = make_batch(3)
    other.parcels["waybill.gross_weight"] = heavier
    for kind in ALL:
        same = [a == b for a, b in zip(before[kind], content_digests(other, kind), strict=True)]
        assert same == ([True, True, True] if kind in ("CEB303Message", "CEB403Message") else [True, False, True]), kind
    cheaper = make_batch(3)
    cheaper.lines.loc[0, "line.price"] -= 1
    after = content_digests(cheaper, "CEB303Message")
    assert [a == b for a, b in zip(before["CEB303Message"], after, strict=True)] == [False, True, True]
    assert content_digests(part_of(batch, {2}), "CEB603Message") == before["CEB603Message"][1:2]
    chosen = (batch.parcels["parcel.seq"] == 2).to_numpy()
    assert Digests(batch, chosen).of("CEB603Message") == before["CEB603Message"][1:2]


def test_first_declaration(desk: Desk) -> None:
    desk.take_in()
    assert desk.prepare("declare") == 4
    for kind in ALL:
        assert [desk.attempts(kind, seq)[0][:2] for seq in range(1, 7)] == [(1, "1")] * 6, kind
    assert desk.prepare("declare") == 0, "a second time there is nothing to do"
    assert [row.kind for row in conversions(desk.ledger, desk.id)], "the conversion record is kept"
    assert audit.audit(desk.ledger, parcel_claims()) == []


def test_without_a_worked_up_file_there_is_no_batch(desk: Desk) -> None:
    with pytest.raises(DataFault, match="no worked-up files"):
        load_batch(desk.ledger, 1)


def test_rejected_and_declared_again_as_it_is(desk: Desk) -> None:
    desk.take_in()
    desk.declared(("rejected", (3,)))
    assert desk.parcel(3) == ("rejected", "CEB603Message")
    assert desk.prepare("declare") == 0, "not by itself"
    assert decisions.correct(str(desk.id), [desk.orders()[2]], "declare again", "", "", "system error") == 1
    explained(desk.ledger, CN, unexplained(desk.ledger, CN))
    assert desk.prepare("declare") == 1
    assert unexplained(desk.ledger, CN).keys() == {desk.id}, "what was said of the first is no fault any more"
    assert [a[:2] for a in desk.attempts("CEB603Message", 3)] == [(1, "1"), (2, "1")]
    assert all(len(desk.attempts(kind, 3)) == 1 for kind in SUPPORTING)
    first, second = (key for *_, key in desk.attempts("CEB603Message", 3))
    assert second.startswith(first) and first != second, "the second has a copNo of its own"
    assert desk.parcel(3)[0] == "declared"
    desk.said("CEB603Message", "reviewed", 3)
    assert desk.parcel(3) == ("reviewed", "")
    assert audit.audit(desk.ledger, parcel_claims()) == []


def test_a_changed_weight_changes_the_waybill_and_declares_the_inventory_anew(desk: Desk) -> None:
    desk.take_in()
    desk.declared(("rejected", (2,)))
    order = desk.orders()[1]
    desk.deliver(waybill(desk.made, order, grossWeight=9.5))
    assert desk.parcel(2) == ("ready", "")
    assert desk.prepare("declare") == 2
    assert [a[:2] for a in desk.attempts("CEB505Message", 2)] == [(1, "1"), (2, "2")]
    assert [a[:2] for a in desk.attempts("CEB603Message", 2)] == [(1, "1"), (2, "1")]
    assert len(desk.attempts("CEB303Message", 2)) == len(desk.attempts("CEB403Message", 2)) == 1
    sent = _body(desk, "CEB505Message", 2)
    assert b"<ceb:grossWeight>9.5" in sent
    assert b"<ceb:appType>2</ceb:appType>" in sent
    assert b"<ceb:grossWeight>9.5" in _body(desk, "CEB603Message", 2)
    desk.said("CEB505Message", "stored", 2)
    desk.said("CEB603Message", "reviewed", 2)
    assert audit.audit(desk.ledger, parcel_claims()) == []


def test_a_file_that_is_quicker_than_the_settling_of_what_it_corrects_is_taken(desk: Desk) -> None:
    """A rejection is explained, so that a carrier may answer it, a moment before its parcel is settled."""
    desk.take_in()
    desk.declared()
    desk.told("CEB603Message", "rejected", 2)
    assert desk.parcel(2)[0] == "reviewed"
    desk.deliver(waybill(desk.made, desk.orders()[1], grossWeight=9.5))
    assert desk.parcel(2) == ("ready", "")
    assert desk.prepare("declare") == 2


def _body(desk: Desk, kind: str, attempt: int) -> bytes:
    """The unwrapped business message."""
    query = select(message.c.raw_id).where(message.c.type == kind, message.c.attempt == attempt)
    with desk.ledger.read() as tx:
        raw_id = tx.execute(query).scalar_one()
    outer = etree.fromstring(raws.body(desk.ledger, raw_id))
    return base64.b64decode("".join(outer.xpath("//*[local-name()='Data']/text()")))


@pytest.mark.parametrize("kind", SUPPORTING)
def test_a_supporting_document_turned_down_stops_the_parcel_and_is_declared_anew_alone(desk: Desk, kind: str) -> None:
    desk.take_in()
    desk.prepare("declare")
    desk.said(kind, "rejected", 4)
    assert desk.parcel(4) == ("rejected", kind)
    decisions.correct(str(desk.id), [desk.orders()[3]], "declare again", "", "", "")
    assert desk.prepare("declare") == 1
    assert [a[:2] for a in desk.attempts(kind, 4)] == [(1, "1"), (2, "1")]
    assert len(desk.attempts("CEB603Message", 4)) == 1
    assert desk.parcel(4)[0] == "declared"


def test_a_reviewed_inventory_is_not_stopped_by_a_late_refusal_of_its_order(desk: Desk) -> None:
    desk.take_in()
    desk.declared()
    desk.said("CEB303Message", "rejected", 1)
    assert desk.parcel(1) == ("reviewed", "")


def waiting(desk: Desk) -> Desk:
    """A truck whose fifth waybill was turned down, and its content changed then: its inventory must be cancelled."""
    desk.take_in()
    desk.prepare("declare")
    desk.said("CEB505Message", "rejected", 5)
    desk.deliver(waybill(desk.made, desk.orders()[4], grossWeight=9.5))
    assert desk.prepare("declare") == 1
    assert desk.parcel(5) == ("waiting_cancel", "CHG-003")
    return desk


def test_a_change_that_needs_a_cancel_first_waits_in_a_state_that_says_so(desk: Desk) -> None:
    """Meanwhile its waybill goes out anew: without it customs never answers the inventory, and no cancel could come."""
    waiting(desk)
    assert [a[:2] for a in desk.attempts("CEB505Message", 5)] == [(1, "1"), (2, "1")]
    assert len(desk.attempts("CEB603Message", 5)) == len(desk.attempts("CEB303Message", 5)) == 1
    assert desk.prepare("declare") == 0
    desk.said("CEB603Message", "saved", 5)
    assert desk.parcel(5) == ("waiting_cancel", "CHG-003"), "and stays there"
    desk.said("CEB505Message", "stored", 5)
    desk.said("CEB603Message", "reviewed", 5, invt_no="57882026E000000005")
    assert desk.parcel(5) == ("waiting_cancel", "CHG-003")
    asked = ask(desk.office, desk.id, "cancel", of_text("", "wrong_data"), "tester")
    assert (len(asked.new), asked.faults.empty) == (1, True), "now the cancel can come"
    assert audit.audit(desk.ledger, parcel_claims()) == []


def test_a_change_whose_inventory_is_rejected_after_all_needs_no_cancel(desk: Desk) -> None:
    waiting(desk)
    desk.said("CEB505Message", "stored", 5)
    desk.said("CEB603Message", "rejected", 5)
    assert desk.parcel(5) == ("ready", "")
    assert desk.prepare("declare") == 1, "order, payment and the new waybill stand"
    assert [a[:2] for a in desk.attempts("CEB603Message", 5)] == [(1, "1"), (2, "1")]
    assert desk.parcel(5) == ("declared", "")
    desk.said("CEB603Message", "rejected", 5)
    assert desk.parcel(5)[0] == "rejected", "a second time it waits for a person"
    assert audit.audit(desk.ledger, parcel_claims()) == []


def test_a_change_whose_waybill_is_turned_down_again_waits_for_a_person_and_goes_on(desk: Desk) -> None:
    waiting(desk)
    desk.said("CEB505Message", "rejected", 5)
    assert desk.parcel(5) == ("rejected", "CEB505Message")
    assert desk.prepare("declare") == 0
    desk.deliver(waybill(desk.made, desk.orders()[4], grossWeight=9.75))
    assert desk.prepare("declare") == 1
    assert desk.parcel(5) == ("waiting_cancel", "CHG-003")
    assert [a[0] for a in desk.attempts("CEB505Message", 5)] == [1, 2, 3]
    assert len(desk.attempts("CEB603Message", 5)) == 1


def test_a_parcel_given_up_whose_inventory_is_rejected_waits_for_nothing(desk: Desk) -> None:
    desk.take_in()
    desk.prepare("declare")
    desk.said("CEB505Message", "rejected", 5)
    decisions.correct(str(desk.id), [desk.orders()[4]], "give up", "", "", "")
    assert desk.parcel(5) == ("waiting_cancel", "given_up")
    desk.said("CEB603Message", "rejected", 5)
    assert desk.parcel(5) == ("excluded", "given_up")
    assert desk.prepare("declare") == 0


def test_changed_after_the_review_is_a_fault_and_changes_nothing(desk: Desk) -> None:
    desk.take_in()
    desk.declared()
    before = load_batch(desk.ledger, desk.id)
    desk.deliver(waybill(desk.made, desk.orders()[0], grossWeight=9.5))
    found = faults.faults(desk.ledger, desk.id)
    assert found[["order_no", "code", "stage"]].to_numpy().tolist() == [[desk.orders()[0], "CHG-001", "identity"]]
    assert desk.parcel(1) == ("reviewed", "")
    assert desk.prepare("declare") == 0
    after = load_batch(desk.ledger, desk.id)
    assert after.parcels["waybill.gross_weight"].tolist() == before.parcels["waybill.gross_weight"].tolist(), (
        "lists and Hong Kong are told what was declared, not what the new file says"
    )
    assert after.lines["parcel"].tolist() == before.lines["parcel"].tolist()
    desk.deliver(waybill(desk.made, desk.orders()[0], remark="again"))
    assert "CHG-001" not in faults.faults(desk.ledger, desk.id)["code"].tolist(), "the old weight again: all is well"


def test_a_parcel_declared_on_another_truck_is_held_here(desk: Desk) -> None:
    desk.take_in()
    desk.prepare("declare")
    first = desk.id
    second = truck()
    second.truck.update(master_waybill="HZMBDEMO000002")
    desk.take_in(second)
    assert desk.id != first
    assert set(parcels.parcel_states(desk.ledger, desk.id).values()) == {("held", "CHG-002")}
    found = faults.faults(desk.ledger, desk.id)
    assert set(found["code"]) == {"CHG-002"}
    assert set(found["other_value"]) == {str(first)}
    assert desk.prepare("declare") == 0


def test_declared_elsewhere_after_it_was_worked_up_here_stops_that_parcel_alone(desk: Desk) -> None:
    first = desk.take_in(truck(4))
    other = truck(6)
    other.truck.update(master_waybill="HZMBDEMO000002")
    second = desk.take_in(other)
    desk.id = first
    assert desk.prepare("declare") == 4
    desk.id = second
    assert desk.prepare("declare") == 4
    assert desk.counts() == {"held": 4, "declared": 2}
    assert desk.parcel(1) == ("held", "CHG-002")
    assert set(faults.faults(desk.ledger, second)["code"]) == {"CHG-002"}
    assert audit.audit(desk.ledger, parcel_claims()) == []


def test_a_parcel_that_the_other_truck_no_longer_has_rejoins_by_itself(desk: Desk) -> None:
    first = desk.take_in(truck(4))
    desk.prepare("declare")
    other = truck(6)
    other.truck.update(master_waybill="HZMBDEMO000002")
    second = desk.take_in(other)
    assert desk.counts() == {"held": 4, "ready": 2}
    desk.id = first
    for kind in ("CEB303Message", "CEB403Message", "CEB505Message"):
        desk.said(kind, "rejected", 1)
    desk.id = second
    assert desk.settle().in_state("ready") == {5, 6}, "its inventory still stands there"
    desk.id = first
    desk.said("CEB603Message", "rejected", 1)
    desk.id = second
    assert desk.settle().in_state("ready") == {1, 5, 6}
    assert desk.parcel(2) == ("held", "CHG-002")
    assert len(faults.faults(desk.ledger, second)) == 3
    assert desk.prepare("declare")
    assert desk.counts() == {"declared": 3, "held": 3}
    assert [a for a, *_ in desk.attempts("CEB303Message", 1)] == [2], "its key's attempts go on"
    assert [a for a, *_ in desk.attempts("CEB303Message", 5)] == [1]
    assert audit.audit(desk.ledger, parcel_claims()) == []


def test_given_up_with_an_inventory_that_customs_has_waits_for_its_cancel(desk: Desk) -> None:
    desk.take_in()
    desk.prepare("declare")
    desk.said("CEB303Message", "rejected", 1)
    desk.said("CEB603Message", "saved", 1)
    assert desk.parcel(1) == ("rejected", "CEB303Message")
    decisions.correct(str(desk.id), [desk.orders()[0]], "give up", "", "", "")
    desk.said("CEB603Message", "reviewed", 1)
    assert desk.parcel(1) == ("waiting_cancel", "given_up")
    assert audit.audit(desk.ledger, parcel_claims()) == []


def test_given_up_stays_given_up(desk: Desk) -> None:
    desk.take_in()
    desk.declared(("rejected", (1, 2)))
    one, two = desk.orders()[:2]
    assert decisions.correct(str(desk.id), [one], "give up", "", "", "the buyer has it back") == 1
    assert desk.parcel(1) == ("excluded", "given_up")
    desk.settle()
    assert desk.parcel(1) == ("excluded", "given_up")
    desk.deliver(waybill(desk.made, two, grossWeight=9.5))
    assert desk.parcel(1) == ("excluded", "given_up"), "another parcel's correction does not wake it"
    assert desk.prepare("declare") == 2
    assert desk.parcel(1) == ("excluded", "given_up")
    assert audit.audit(desk.ledger, parcel_claims()) == []


def test_corrected_but_still_wrong_is_held_with_its_fault(desk: Desk) -> None:
    desk.take_in()
    desk.declared(("rejected", (1,)))
    desk.deliver(waybill(desk.made, desk.orders()[0], grossWeight=0.001))
    desk.settle()
    assert desk.parcel(1) == ("held", "WAY-003")
    assert desk.prepare("declare") == 0


def test_messages_hold_at_most_a_hundred_and_attempts_keep_their_numbers(desk: Desk) -> None:
    desk.take_in(truck(101))
    assert desk.prepare("declare") == 8
    with desk.ledger.read() as tx:
        rows = tx.execute(select(message.c.type, message.c.seq, message.c.documents)).all()
    assert sorted(rows) == sorted((kind, seq, count) for kind in ALL for seq, count in ((1, 100), (2, 1)))
    desk.said("CEB603Message", "rejected", 50, 101)
    decisions.correct(str(desk.id), [], "declare again", "", "", "")
    assert desk.prepare("declare") == 1
    with desk.ledger.read() as tx:
        kept = list(tx.execute(select(document.c.id).where(document.c.attempt == 2)).scalars())
    assert len(kept) == 2
    assert all(b > a for a, b in pairwise(kept))


def test_the_digests_of_a_shipment_are_no_parcels_data(desk: Desk) -> None:
    desk.take_in()
    desk.prepare("declare")
    kept = json.loads(declaring.sources.load_snapshot(desk.ledger, desk.id, declaring.DIGESTS) or b"")
    assert set(kept) == set(ALL)
    assert all(len(value) == 16 for found in kept.values() for value in found.values())
