"""Cancelling an export inventory (605): what may be asked, what is refused, and what a receipt makes of it."""

from __future__ import annotations

import pytest
from lxml import etree

from adapters.ledger import applications, audit, faults, messages, parcels, raws, shipments
from adapters.ledger.fingerprint import fingerprint
from mappings.engine import explain
from mappings.errors import DataFault
from tasks import decisions
from tasks.applications import asking, sending, settling
from tasks.applications.wanted import of_records, of_text
from tasks.clearing.standing import parcel_claims
from tests.unit.applications import approve, body, hear, invt, numbered, refusals
from tests.unit.desk import Desk, waybill

REASON = "wrong_data"


def ask(desk: Desk, *orders: str, reason: str = REASON, **more: str) -> asking.Asked:
    wanted = of_text(" ".join(orders), reason)
    found = asking.ask(desk.office, desk.id, "cancel", wanted, "tester", **more)
    desk.settle()
    return found


def test_asked_approved_sent_and_granted(desk: Desk) -> None:
    desk.take_in()
    desk.declared()
    numbered(desk)
    order = desk.orders()[1]
    asked = ask(desk, order)
    assert len(asked.new) == 1
    assert asked.faults.empty
    assert desk.parcel(2) == ("reviewed", ""), "nothing happens before it is approved"
    assert sending.prepare(desk.office, desk.id) == 0
    approve(desk, asked)
    assert desk.parcel(2) == ("cancelling", "")
    assert sending.prepare(desk.office, desk.id) == 1
    desk.sent()
    assert sending.prepare(desk.office, desk.id) == 0, "a second time there is nothing to do"
    sent = body(desk, "CEB605Message")
    assert explain.check(sent, strict=True) == []
    told = {e.tag.split("}")[1]: e.text for e in etree.fromstring(sent).iter() if e.text}
    assert told["invtNo"] == invt(2)
    assert told["reason"] == "申报资料有误"
    assert (told["appType"], told["appStatus"]) == ("1", "2")
    assert len(told["copNo"]) <= 20
    assert desk.prepare("list") == 1
    assert desk.on_lists("CEB607Message") == [[1, 3, 4, 5, 6]], "a parcel that is being cancelled goes on no list"
    hear(desk, "CEB605Message", "2", "3", "399")
    assert desk.parcel(2) == ("cancelled", "")
    (row,) = applications.listing(desk.ledger, desk.id)
    assert (row.state, row.document_state, row.approved_by, row.reason) == (
        "granted",
        "granted",
        "boss",
        "申报资料有误",
    )
    inventory = next(d for d in messages.documents(desk.ledger, desk.id, type="CEB603Message") if d.parcel_seq == 2)
    assert (inventory.state, inventory.final) == ("cancelled", True)
    assert audit.audit(desk.ledger, parcel_claims()) == []
    assert {"cancel_asked", "cancel_approved", "cancel_granted"} <= set(desk.kinds())
    assert fingerprint(desk.ledger, desk.id)["application"] == [
        ("cancel", "CEB605Message", row.number, 1, 1, "granted", "", "")
    ]
    again = ask(desk, order)
    assert (again.new, again.known) == ([], asked.new), "the same request once more"


def test_asking_twice_changes_nothing(desk: Desk) -> None:
    desk.take_in()
    desk.declared()
    numbered(desk)
    first = ask(desk, *desk.orders()[:2])
    approve(desk, first)
    again = ask(desk, *desk.orders()[:2])
    other = ask(desk, desk.orders()[0], reason="duplicate")
    assert (again.new, sorted(again.known)) == ([], sorted(first.new))
    assert (other.new, len(other.known)) == ([], 1), "an open cancel is the same cancel, whoever asks"
    assert len(applications.listing(desk.ledger, desk.id)) == 2


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("rejected", "APP-012"), ("released", "APP-013"), ("closed", "APP-013"), ("detained", "APP-014"),
        ("sent", "APP-011"), ("saved", "APP-011"), ("inspection", ""), ("officer", ""), ("stored", ""),
    ],
)  # fmt: skip
def test_what_the_inventory_s_state_allows(desk: Desk, state: str, code: str) -> None:
    desk.take_in()
    desk.declared((state, (3,)))
    numbered(desk)
    asked = ask(desk, desk.orders()[2])
    assert refusals(asked) == ([(desk.orders()[2], code)] if code else [])
    assert len(asked.new) == (0 if code else 1)


def test_all_refusals_come_at_once_and_the_rest_go_on(desk: Desk) -> None:
    desk.take_in()
    desk.declared(("released", (1,)), ("rejected", (2,)))
    numbered(desk, 1, 2, 3, 4)
    orders = desk.orders()
    wanted = of_records(
        [
            {"order_no": orders[0], "reason": REASON}, {"order_no": orders[1], "reason": REASON},
            {"order_no": orders[2], "reason": REASON}, {"order_no": orders[3]},
            {"order_no": orders[4], "reason": REASON}, {"order_no": "NOBODY", "reason": REASON},
            {"order_no": orders[2], "reason": REASON}, {"order_no": orders[5], "reason": "x" * 1001},
        ]
    )  # fmt: skip
    asked = asking.ask(desk.office, desk.id, "cancel", wanted, "tester")
    assert sorted(refusals(asked)) == sorted(
        [
            (orders[0], "APP-013"), (orders[1], "APP-012"), (orders[3], "APP-004"), (orders[4], "APP-015"),
            ("NOBODY", "APP-001"), (orders[2], "APP-002"), (orders[5], "APP-005"), (orders[5], "APP-015"),
        ]
    )  # fmt: skip
    assert len(asked.new) == 1
    (row,) = applications.listing(desk.ledger, desk.id)
    assert row.order_no == orders[2]


def test_a_waybill_number_names_its_parcel(desk: Desk) -> None:
    desk.take_in()
    desk.declared()
    numbered(desk)
    number = parcels.listing(desk.ledger, desk.id)[3].waybill_no
    asked = ask(desk, number)
    (row,) = applications.by_ids(desk.ledger, asked.new)
    assert row.seq == 4


def test_refused_by_customs_the_parcel_goes_on_and_may_be_asked_again(desk: Desk) -> None:
    desk.take_in()
    desk.declared()
    numbered(desk)
    asked = ask(desk, desk.orders()[0])
    approve(desk, asked)
    sending.prepare(desk.office, desk.id)
    desk.sent()
    hear(desk, "CEB605Message", "2", "100")
    assert desk.parcel(1) == ("reviewed", "")
    (row,) = applications.listing(desk.ledger, desk.id)
    assert (row.state, row.document_state) == ("refused", "rejected")
    told = faults.faults(desk.ledger, desk.id)
    assert told["code"].tolist() == ["AUT-CANCEL"], "customs' reason is told, and nothing to declare anew"
    assert "人工退单" in told["value"].iloc[0]
    assert audit.audit(desk.ledger, parcel_claims()) == []
    second = ask(desk, desk.orders()[0])
    approve(desk, second)
    assert sending.prepare(desk.office, desk.id) == 1
    assert [a[0] for a in desk.attempts("CEB605Message", 1)] == [1, 2]


def test_what_may_not_be_asked_any_more_is_not_sent(desk: Desk) -> None:
    desk.take_in()
    desk.declared()
    numbered(desk)
    asked = ask(desk, *desk.orders()[:2])
    desk.said("CEB603Message", "released", 1)
    approve(desk, asked)
    assert sending.prepare(desk.office, desk.id) == 1
    desk.sent()
    desk.settle()
    told = {row.seq: (row.state, row.code) for row in applications.listing(desk.ledger, desk.id)}
    assert told == {1: ("refused", "APP-013"), 2: ("prepared", "")}
    assert (desk.parcel(1)[0], desk.parcel(2)[0]) == ("released", "cancelling")


def test_a_parcel_that_waits_for_its_cancel_is_declared_anew_by_itself(desk: Desk) -> None:
    desk.take_in()
    desk.prepare("declare")
    desk.said("CEB603Message", "stored")
    numbered(desk)
    desk.said("CEB303Message", "rejected", 4)
    desk.deliver(waybill(desk.made, desk.orders()[3], grossWeight=9.5))
    desk.prepare("declare")
    assert desk.parcel(4) == ("waiting_cancel", "CHG-003")
    asked = asking.ask(desk.office, desk.id, "cancel", of_text("", REASON), "tester")
    (row,) = applications.by_ids(desk.ledger, asked.new)
    assert (row.seq, row.after) == (4, "again"), "with no parcel named, those that wait for a cancel are meant"
    approve(desk, asked)
    assert desk.parcel(4) == ("cancelling", "")
    sending.prepare(desk.office, desk.id)
    desk.sent()
    hear(desk, "CEB605Message", "399")
    assert desk.parcel(4) == ("cancelled", settling.DECLARE_ANEW)
    assert desk.standing().applications_due()
    assert sending.revive(desk.office, desk.id) == 1
    assert desk.parcel(4) == ("ready", "")
    assert desk.prepare("declare") > 0
    assert [a[:2] for a in desk.attempts("CEB603Message", 4)] == [(1, "1"), (2, "1")]
    assert [a[:2] for a in desk.attempts("CEB505Message", 4)] == [(1, "1"), (2, "2")]
    desk.said("CEB303Message", "stored", 4)
    desk.said("CEB603Message", "reviewed", 4)
    assert desk.parcel(4) == ("reviewed", "")
    assert audit.audit(desk.ledger, parcel_claims()) == []
    numbered(desk)
    once_more = ask(desk, desk.orders()[3], reason="not_loaded")
    assert len(once_more.new) == 1, "its new inventory can be cancelled like any other"


def test_a_parcel_given_up_stays_cancelled(desk: Desk) -> None:
    desk.take_in()
    desk.prepare("declare")
    desk.said("CEB603Message", "stored")
    numbered(desk)
    desk.said("CEB303Message", "rejected", 2)
    decisions.correct(str(desk.id), [desk.orders()[1]], "give up", "", "", "")
    assert desk.parcel(2) == ("waiting_cancel", "given_up")
    asked = asking.ask(desk.office, desk.id, "cancel", of_text("", REASON), "tester")
    approve(desk, asked)
    sending.prepare(desk.office, desk.id)
    desk.sent()
    hear(desk, "CEB605Message", "100")
    assert desk.parcel(2) == ("waiting_cancel", "given_up"), "refused, it waits again"
    second = asking.ask(desk.office, desk.id, "cancel", of_text("", REASON), "tester")
    approve(desk, second)
    sending.prepare(desk.office, desk.id)
    desk.sent()
    hear(desk, "CEB605Message", "399", minutes=20)
    assert desk.parcel(2) == ("cancelled", "")
    assert sending.revive(desk.office, desk.id) == 0


def test_cancelled_on_purpose_and_declared_anew_with_new_content(desk: Desk) -> None:
    desk.take_in()
    desk.declared()
    numbered(desk)
    order = desk.orders()[4]
    desk.deliver(waybill(desk.made, order, grossWeight=9.5))
    assert "CHG-001" in set(faults.faults(desk.ledger, desk.id)["code"])
    asked = ask(desk, order, after="again")
    approve(desk, asked)
    sending.prepare(desk.office, desk.id)
    desk.sent()
    hear(desk, "CEB605Message", "399")
    assert sending.revive(desk.office, desk.id) == 1
    assert desk.parcel(5)[0] == "ready"
    assert "CHG-001" not in set(faults.faults(desk.ledger, desk.id)["code"])
    desk.prepare("declare")
    assert b"<ceb:grossWeight>9.5" in body(desk, "CEB603Message", 2)
    desk.sent()
    desk.said("CEB603Message", "reviewed", 5)
    numbered(desk)
    again = ask(desk, order, after="again")
    assert (again.new, again.known) == ([], asked.new), "told once more, the same wish cancels nothing new"


def test_a_withdrawn_application_leaves_its_parcel_as_it_was(desk: Desk) -> None:
    desk.take_in()
    desk.declared()
    numbered(desk)
    asked = ask(desk, desk.orders()[0])
    approve(desk, asked)
    assert desk.parcel(1)[0] == "cancelling"
    assert applications.withdraw(desk.ledger, asked.ids, "boss") == 1
    desk.settle()
    assert desk.parcel(1)[0] == "reviewed"
    assert sending.prepare(desk.office, desk.id) == 0
    assert applications.approve(desk.ledger, asked.ids, "boss") == 0, "what was withdrawn is asked anew"


def test_the_reason_is_not_readable_in_the_database(desk: Desk) -> None:
    desk.take_in()
    desk.declared()
    numbered(desk)
    ask(desk, desk.orders()[0], reason="Ada Sample changed her mind")
    folder = desk.office.home.path
    assert all(b"Ada Sample" not in p.read_bytes() for p in folder.glob("ledger.sqlite*"))
    assert raws.head(desk.ledger, 1)


def test_the_cancel_is_offered_with_the_other_corrections(desk: Desk) -> None:
    desk.take_in()
    desk.prepare("declare")
    desk.said("CEB603Message", "stored")
    desk.said("CEB303Message", "rejected", 4)
    desk.deliver(waybill(desk.made, desk.orders()[3], grossWeight=9.5))
    desk.prepare("declare")
    with pytest.raises(DataFault, match="Nothing can be cancelled"):
        decisions.correct(str(desk.id), [], "ask for a cancel", "", "", "")
    numbered(desk)
    assert decisions.correct(str(desk.id), [], "ask for a cancel", "", "", "") == 1
    (row,) = applications.listing(desk.ledger, desk.id)
    assert (row.state, row.seq, row.after) == ("asked", 4, "again")


def test_a_held_truck_asks_nothing_of_customs(desk: Desk) -> None:
    desk.take_in()
    desk.declared()
    numbered(desk)
    approve(desk, ask(desk, desk.orders()[0]))
    assert desk.standing().applications_due()
    shipments.hold(desk.ledger, desk.id, "wait", "boss")
    assert not desk.standing().applications_due()
    assert sending.take(desk.office, desk.id) == {}
    assert len(desk.attempts("CEB605Message", 1)) == 0
