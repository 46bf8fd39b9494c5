"""Where a shipment stands is handed on from a step: as the step left it, or where nothing can have happened to it."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import Connection, event, update

from adapters.ledger import events, parcels, shipments, touches
from adapters.ledger.tables import document, shipment
from mappings.errors import AuthorityUnavailable
from tasks.clearing import settling, steps
from tasks.clearing.advance import advance
from tasks.clearing.standing import Standing, load_standing
from tasks.submission.submit import Submitted
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


def test_a_step_that_did_something_hands_on_where_the_shipment_stands_then(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.take_in()
    monkeypatch.setattr(steps, "submit", lambda *_: (desk.sent(), Submitted(Counter(sent=4)))[1])
    taken = steps.take(desk.office, desk.id, "declare")
    assert (taken.prepared > 0, dict(taken.outcomes)) == (True, {"sent": 4})
    assert taken.standing is not None
    after = desk.settle()
    assert {state for _, state in after.messages} == {"sent"}
    assert taken.standing.messages == after.messages
    assert taken.standing.parcels == after.parcels
    assert taken.standing.shipment == after.shipment


def test_what_somebody_else_has_sent_meanwhile_is_looked_at_anew(desk: Desk) -> None:
    desk.take_in()
    assert steps.PREPARE["declare"](desk.office, desk.standing())
    here = desk.settle()
    assert not here.may("declare")
    assert here.messages["CEB603Message", "prepared"]
    desk.sent()
    taken = steps.take(desk.office, desk.id, "declare", standing=here)
    assert (taken.did, taken.standing) == (False, None)


def test_a_step_of_an_advance_knows_what_happened_during_the_one_before(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.take_in()
    seen: list[set[int]] = []

    def take(_office: object, _shipment_id: int, step: str, standing: Standing) -> steps.Taken:
        seen.append(standing.in_state("ready"))
        parcels.set_parcel_states(desk.ledger, desk.id, {1: ("held", "")})  # a person's decision
        return steps.Taken(step)

    monkeypatch.setattr(steps, "take", take)
    monkeypatch.setattr(steps, "anything_to_do", lambda *_: True)
    advance(desk.office, desk.id)
    assert 1 in seen[0]
    assert seen[1] == seen[0] - {1}


def test_an_authority_that_is_away_stops_only_what_is_said_to_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.take_in()
    taken: list[str] = []

    def take(_office: object, _shipment_id: int, step: str, standing: Standing) -> steps.Taken:
        taken.append(step)
        if len(taken) == 1:
            raise AuthorityUnavailable("away")
        return steps.Taken(step, prepared=1, standing=standing)

    monkeypatch.setattr(steps, "take", take)
    monkeypatch.setattr(steps, "anything_to_do", lambda *_: True)
    with pytest.raises(AuthorityUnavailable, match="away"):
        advance(desk.office, desk.id)
    assert taken == [step.name for step in desk.standing().procedure.steps]


def test_settling_what_is_as_it_was_writes_nothing_and_asks_little(desk: Desk) -> None:
    desk.take_in()
    desk.declared()
    desk.settle()
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(desk.ledger.engine, "before_cursor_execute", note)
    desk.settle()
    event.remove(desk.ledger.engine, "before_cursor_execute", note)
    assert [one for one in asked if one.startswith(("UPDATE", "INSERT", "DELETE"))] == []
    assert [one.count("FROM application") for one in asked].count(1) == 1, "whether there are any, and no more"
    assert sum("FROM parcel" in one for one in asked) == 1
    assert sum("FROM shipment" in one for one in asked) == 2, "before, and as it is at the end"


@pytest.mark.parametrize("meanwhile", ["reviewed", "awaiting_departure"])
def test_what_another_process_has_written_meanwhile_is_neither_shown_old_nor_left_wrong(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    desk.take_in()
    right = desk.declared().shipment.state
    with desk.ledger.begin() as tx:
        tx.execute(update(shipment).values(state="declaring"))

    def read(tx: Connection, shipment_id: int) -> Standing:
        found = load_standing(tx, shipment_id)
        shipments.set_state(tx, shipment_id, right if meanwhile == "reviewed" else meanwhile)
        return found

    monkeypatch.setattr(settling, "load_standing", read)
    assert desk.settle().shipment.state == right
    assert shipments.get(desk.ledger, desk.id).state == right


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
