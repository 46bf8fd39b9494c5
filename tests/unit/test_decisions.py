"""What a person decides, and what the question shows."""

from __future__ import annotations

import pytest

from adapters.ledger import events, shipments
from deployments.demo_flaws import amount, no_country, no_payment, weight
from mappings.errors import DataFault
from tasks import decisions
from tasks.clearing import intake
from tasks.clearing.declaring import load_batch
from tests.unit.desk import Desk, truck


@pytest.fixture
def flawed(desk: Desk) -> Desk:
    made = truck()
    for flaw, order in zip((weight, amount, no_payment, no_country), made.orders(), strict=False):
        made = flaw(made, order)
    desk.take_in(made, approve=False)
    return desk


def nobody(desk: Desk, text: str) -> None:
    """No person of the truck stands in a text."""
    for row in desk.made.waybills.itertuples():
        assert not [part for part in (str(row.name), f"960{row.phone}", str(row.street)) if part in text]
    assert desk.made.truck["driver"]["name"] not in text


def test_the_question_says_what_would_be_declared(flawed: Desk) -> None:
    question = decisions.approval_question("HZMBDEMO000001")
    assert question is not None
    batch = load_batch(flawed.ledger, flawed.id).ready()
    grams = flawed.made.waybills["grams"].tolist()[4:]
    assert "**2** 个包裹 parcels" in question
    assert f"{len(batch.lines)} 项商品 lines, {sum(grams) / 1000:,.1f} kg" in question
    assert "held | 4" in question
    nobody(flawed, question)


def test_nothing_is_asked_when_it_was_approved_or_nothing_is_ready(flawed: Desk) -> None:
    shipments.approve(flawed.ledger, flawed.id, "tester")
    assert decisions.approval_question(str(flawed.id)) is None
    with pytest.raises(DataFault, match="No shipment"):
        decisions.approval_question("NOBODY")


def test_approved_by_name(flawed: Desk) -> None:
    decisions.decide("粤ZX101港", "declare", "Mei", "")
    row = shipments.get(flawed.ledger, flawed.id)
    assert (row.approved_by, row.state) == ("Mei", "declaring")


@pytest.mark.parametrize(("note", "reason"), [("too early", "too early"), ("", "not approved 未批准")])
def test_held_instead(flawed: Desk, note: str, reason: str) -> None:
    decisions.decide(str(flawed.id), "hold", "", note)
    row = shipments.get(flawed.ledger, flawed.id)
    assert (row.held, row.held_reason, row.approved_at, row.state) == (True, reason, None, "held")


def test_what_waits_is_shown_with_its_faults_and_nobodys_data(flawed: Desk) -> None:
    question = decisions.correction_question(str(flawed.id))
    assert question is not None
    for order in flawed.made.orders()[:4]:
        assert f"- **{order}** " in question
    assert "4 暂缓申报 held · 2 待申报 ready" in question
    assert "{" not in question, "words, and no program's way of writing"
    assert flawed.made.orders()[4] not in question
    nobody(flawed, question)


def test_many_faults_are_counted_not_shown(desk: Desk) -> None:
    made = truck(50)
    for order in made.orders()[:45]:
        made = weight(made, order)
    desk.take_in(made)
    question = decisions.correction_question(str(desk.id))
    assert question is not None
    assert question.count("WAY") == 0
    assert "… 5 more 更多" in question


def test_nothing_waits_nothing_is_asked(desk: Desk) -> None:
    desk.take_in()
    assert decisions.correction_question(str(desk.id)) is None


def test_a_value_is_corrected_for_the_named_orders_alone(flawed: Desk) -> None:
    one = flawed.made.orders()[0]
    assert decisions.correct(str(flawed.id), [one], "correct a value", "waybill.gross_weight", "9.5", "weighed") == 1
    assert flawed.parcel(1) == ("ready", "")
    assert flawed.counts() == {"ready": 3, "held": 3}
    said = next(e for e in events.timeline(flawed.ledger, flawed.id) if e.kind == "correction")
    assert said.detail == {
        "action": "correct a value",
        "parcels": 1,
        "field": "waybill.gross_weight",
        "note": "weighed",
    }


@pytest.mark.parametrize(
    ("orders", "field", "value", "said"),
    [
        ([], "waybill.gross_weight", "9.5", "Name orders"),
        (["X"], "waybill.gross_weight", "9.5", "not on this truck"),
        (None, "waybill.gross_weight", "heavy", "not a number"),
        (None, "", "9.5", "Name orders"),
        (None, "waybill.gross_weight", "", "Name orders"),
    ],
)
def test_an_answer_that_cannot_be_carried_out_changes_nothing(
    flawed: Desk, orders: list[str] | None, field: str, value: str, said: str
) -> None:
    chosen = flawed.made.orders()[:1] if orders is None else orders
    with pytest.raises(DataFault, match=said):
        decisions.correct(str(flawed.id), chosen, "correct a value", field, value, "")
    assert "correction" not in flawed.kinds()
    assert intake.work_up(flawed.office, flawed.id) is None
    assert flawed.counts() == {"ready": 2, "held": 4}


def test_given_up_are_those_that_wait_or_are_named(flawed: Desk) -> None:
    one = flawed.made.orders()[0]
    assert decisions.correct(str(flawed.id), [one], "give up", "", "", "") == 1
    assert decisions.correct(str(flawed.id), [], "give up", "", "", "") == 3
    assert flawed.counts() == {"ready": 2, "excluded": 4}
    assert decisions.correct(str(flawed.id), [flawed.made.orders()[5]], "give up", "", "", "") == 0, "it is no trouble"


def test_declare_again_is_for_the_rejected(flawed: Desk) -> None:
    shipments.approve(flawed.ledger, flawed.id, "tester")
    flawed.declared(("rejected", (5, 6)))
    assert decisions.correct(str(flawed.id), [], "declare again", "", "", "") == 2
    assert flawed.counts() == {"ready": 2, "held": 4}


def test_a_rejected_parcel_is_declared_again_as_the_newest_file_says(desk: Desk) -> None:
    from tests.unit.desk import waybill

    desk.take_in()
    desk.declared()
    order = desk.orders()[0]
    desk.deliver(waybill(desk.made, order, grossWeight=9.5))
    desk.said("CEB603Message", "rejected", 1)
    assert decisions.correct(str(desk.id), [order], "declare again", "", "", "") == 1
    assert desk.prepare("declare") == 2, "the waybill has changed, too"
    assert load_batch(desk.ledger, desk.id).parcels["waybill.gross_weight"].tolist()[0] == 950_000
    from adapters.ledger import faults

    assert "CHG-001" not in faults.faults(desk.ledger, desk.id)["code"].tolist()
