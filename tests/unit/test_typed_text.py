"""What people type of their own (why a truck is held, a note) is asked for without names and in no artifact."""

from __future__ import annotations

from adapters.ledger import events, shipments
from adapters.ledger.faults import faults
from flows.approve import Approval
from flows.correct_parcels import Correction
from tasks.reporting.summary import summary, timeline
from tests.unit.desk import Desk


def test_a_typed_reason_is_in_no_artifact(desk: Desk) -> None:
    desk.take_in()
    shipments.hold(desk.ledger, desk.id, "Ada Sample called", "tester")
    events.record(desk.ledger, desk.id, "correction", detail={"action": "give up", "note": "for Ada Sample"})
    shown = summary(desk.settle(), faults(desk.ledger, desk.id)) + timeline(desk.ledger, desk.standing())
    assert "Ada" not in shown
    assert "reason: •••" in shown
    assert "action: give up; note: •••" in shown


def test_the_forms_ask_for_no_names() -> None:
    for form in (Approval, Correction):
        text = form.model_fields["note"].description or ""
        assert "no names" in text
        assert "请勿填写姓名" in text
