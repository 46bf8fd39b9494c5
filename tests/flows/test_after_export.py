"""After an export declaration, against the sandboxes: cancel, declaring anew, return with its tally."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters import home as homes
from tests.chaos.sandboxes import Sandboxes
from tests.flows.after import CN, After, export

pytestmark = pytest.mark.slow
INVENTORY, CANCEL, RETURN, TALLY = "CEB603Message", "CEB605Message", "CEB213Message", "CEB215Message"


@pytest.fixture
def truck(fresh: Sandboxes, home_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> After:
    monkeypatch.setenv(homes.VARIABLE, str(tmp_path / "home"))
    return export(tmp_path, home_template, fresh)


def test_one_is_cancelled_and_one_cancelled_and_declared_anew_as_a_new_file_says(truck: After) -> None:
    gone, heavier, *others = truck.made.orders()
    truck.until(lambda at: len(at.in_state("reviewed")) == 4)
    truck.deliver("waybills-2.jsonl", truck.waybill(heavier, grossWeight=9.5))
    truck.round()
    assert truck.states()[heavier] == "reviewed", "customs has it, so it goes on as it was declared"
    truck.ask("cancel", gone)
    truck.ask("cancel", heavier, after="again")
    assert {truck.states()[o] for o in (gone, heavier)} <= {"reviewed", "cancelling"}
    truck.until(lambda at: at.parcels[truck.seq(gone)][0] == "cancelled" and len(at.in_state("reviewed")) == 3)
    assert truck.asked("cancel") == [(gone, "granted", "granted"), (heavier, "granted", "granted")]
    assert [state for state, _ in truck.attempts(INVENTORY, heavier)] == ["cancelled", "reviewed"]
    assert truck.attempts(INVENTORY, heavier)[1][1] is not None, "the second names the first"
    truck.to_its_end()
    assert truck.states() == {gone: "cancelled"} | dict.fromkeys([heavier, *others], "closed")
    assert set().union(*truck.listed("CEB509Message")) == {heavier, *others}, "what was cancelled leaves on no list"
    truck.clean()
    assert len(truck.sandboxes.received(CN, type=CANCEL)) == 2


def test_what_waits_for_its_cancel_is_cancelled_and_declared_anew_by_itself(truck: After) -> None:
    waiting = truck.made.orders()[0]
    down = {"match": {"type": INVENTORY}, "action": "http", "status": 503}
    unpaid = {"match": {"type": "CEB403Message", "order_no": waiting}, "action": "reject", "code": "1300", "times": 1}
    truck.sandboxes.behave(CN, down, unpaid)
    truck.until(lambda at: at.in_state("rejected"))
    truck.deliver("waybills-2.jsonl", truck.waybill(waiting, grossWeight=9.5))
    truck.until(lambda at: at.in_state("waiting_cancel"))
    truck.sandboxes.call(CN, "DELETE", "/admin/behaviour")
    truck.until(lambda at: len(at.in_state("reviewed")) == 3)
    truck.until(lambda at: at.leads[truck.seq(waiting)].state == "reviewed")
    assert truck.states()[waiting] == "waiting_cancel"
    assert len(truck.ask("cancel").new) == 1, "none named: all that wait"
    truck.until(lambda at: len(at.in_state("reviewed")) == 4)
    assert [state for state, _ in truck.attempts(INVENTORY, waiting)] == ["cancelled", "reviewed"]
    truck.to_its_end()
    assert set(truck.states().values()) == {"closed"}
    truck.clean()


def test_a_cancel_that_customs_refuses_leaves_the_parcel_where_it_was(truck: After) -> None:
    order = truck.made.orders()[0]
    truck.sandboxes.behave(CN, {"match": {"type": CANCEL}, "action": "reject", "code": "1300"})
    truck.until(lambda at: len(at.in_state("reviewed")) == 4)
    truck.ask("cancel", order)
    truck.until(lambda at: truck.asked("cancel") == [(order, "refused", "rejected")])
    truck.to_its_end()
    assert set(truck.states().values()) == {"closed"}
    late = truck.ask("cancel", order)
    assert (late.new, late.faults["code"].tolist()) == ([], ["APP-013"]), "after its release only a return"
    truck.clean()


def test_a_return_with_its_tally_and_then_the_rest(truck: After) -> None:
    truck.until(lambda at: len(at.in_state("reviewed")) == 4)
    truck.to_its_end()
    part = truck.several()
    whole = next(order for order in truck.made.orders() if order != part)
    gnum = min(truck.goods(part))
    truck.ask("return", {"order_no": part, "gnum": gnum, "quantity": "1"}, whole)
    assert truck.standing().state() == "awaiting_application"
    assert len(truck.ask("tally", part, whole).faults) == 2, "nothing was sent that a tally could be of"
    truck.until(lambda at: {d.state for d in at.documents.get(RETURN, {}).values()} == {"reviewed"})
    assert truck.states()[part] == "returning"
    truck.ask("tally", part, whole)
    truck.until(lambda at: at.state() == "closed")
    assert [truck.states()[o] for o in (part, whole)] == ["partly_returned", "returned"]
    assert {row[1:] for row in truck.asked("tally")} == {("granted", "granted")}
    truck.ask("return", part, reason="undelivered")
    truck.until(lambda at: at.documents[RETURN][truck.seq(part)].state == "reviewed")
    truck.ask("tally", part)
    truck.until(lambda at: at.state() == "closed")
    assert truck.states()[part] == "returned"
    assert len(truck.sandboxes.received(CN, type=RETURN)) == 3
    assert len(truck.sandboxes.received(CN, type=TALLY)) == 3
    truck.clean()
