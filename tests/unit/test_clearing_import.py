"""Imports on the same machine: gates and states of direct purchase (9610) and of a bonded warehouse (1210)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy import update

from adapters.ledger import audit, events, messages, parcels, shipments
from adapters.ledger.tables import message
from mappings import clock
from mappings.errors import DataFault
from tasks import looks, publishing, stages
from tasks.clearing import delivering, redeclaring
from tasks.clearing.listening import Listening
from tasks.clearing.standing import parcel_claims
from tasks.clearing.steps import take
from tasks.reporting.declared import redeclared
from tasks.reporting.summary import summary
from tests.unit.desk import Desk
from tests.unit.imports import AGENT, ImportDesk

INVENTORY, LIST, REPORT = "CEB621Message", "CEB711Message", "CEB513Message"


@pytest.fixture
def desk_kind() -> type[Desk]:
    """A desk for imports."""
    return ImportDesk


def at(desk: ImportDesk) -> tuple[str, set[str]]:
    """The state, and the steps whose gate is open."""
    here = desk.settle()
    return here.state(), {step.name for step in here.procedure.steps if here.may(step.name)}


def sound(desk: ImportDesk) -> None:
    assert audit.audit(desk.ledger, parcel_claims()) == []


def test_direct_purchase_from_gate_to_gate(desk: ImportDesk) -> None:
    desk.open(approve=False)
    assert at(desk) == ("awaiting_approval", set())
    shipments.approve(desk.ledger, desk.id, "tester")
    assert at(desk) == ("declaring", {"declare"})
    desk.declare()
    assert at(desk) == ("awaiting_receipts", set())
    sound(desk)
    desk.answered("stored")
    assert desk.counts() == {"stored": 4}
    assert at(desk) == ("awaiting_arrival", set())
    desk.happens("arrived")
    assert at(desk) == ("awaiting_release", {"warehouse_in"})
    desk.write(LIST, lists=(1, 2, 3, 4))
    assert at(desk) == ("awaiting_release", set())
    desk.answered("officer", 1)
    desk.said(INVENTORY, "inspection", 2)
    assert at(desk) == ("under_inspection", set())
    desk.said(INVENTORY, "released")
    assert at(desk) == ("closed", set())
    desk.said(INVENTORY, "closed")
    assert (at(desk), desk.counts()) == (("closed", set()), {"closed": 4})
    sound(desk)


def test_out_of_the_zone_nothing_arrives(desk: ImportDesk) -> None:
    desk.open("1210")
    desk.declare()
    desk.answered("stored")
    assert at(desk) == ("awaiting_release", set())
    assert [step.name for step in desk.procedure.steps] == ["declare", "delivered"]
    assert desk.standing().may("warehouse_in") is False, "no such step, no gate"
    desk.said(INVENTORY, "released")
    assert at(desk)[0] == "closed"


def test_an_import_is_closed_when_nothing_waits_for_customs_or_a_person(desk: ImportDesk) -> None:
    desk.open()
    desk.happens("arrived")
    desk.declare()
    desk.answered("stored")
    desk.write(LIST, lists=(1, 2, 3, 4))
    desk.said(INVENTORY, "released", 1)
    desk.said(INVENTORY, "closed", 2)
    assert at(desk)[0] == "awaiting_release"
    desk.said(INVENTORY, "sent_back", 3)
    desk.said(INVENTORY, "detained", 4)
    assert at(desk)[0] == "released", "one is a person's to decide"
    assert "released" in desk.procedure.waits_for_person
    desk.said(INVENTORY, "rejected", 4)
    assert (at(desk)[0], desk.parcel(4)) == ("released", ("rejected", INVENTORY))
    parcels.set_parcel_states(desk.ledger, desk.id, {4: ("excluded", "given_up")})
    assert at(desk)[0] == "closed"
    assert desk.counts() == {"released": 1, "closed": 1, "sent_back": 1, "excluded": 1}


def test_a_rejected_order_stops_a_parcel_that_customs_has_not_taken_in(desk: ImportDesk) -> None:
    desk.open()
    desk.declare()
    desk.said("CEB311Message", "rejected", 1, 2)
    desk.said(INVENTORY, "stored", 2)
    assert [desk.parcel(seq) for seq in (1, 2, 3)] == [("rejected", "CEB311Message"), ("stored", ""), ("declared", "")]


def test_all_rejected_waits_for_a_correction(desk: ImportDesk) -> None:
    desk.open()
    desk.declare()
    desk.answered("rejected")
    assert at(desk) == ("awaiting_correction", set())


def test_a_held_shipment_and_an_unknown_outcome_name_the_state(desk: ImportDesk) -> None:
    desk.open()
    desk.declare()
    with desk.ledger.begin() as tx:
        tx.execute(update(message).where(message.c.type == INVENTORY).values(state="unknown"))
    assert at(desk)[0] == "outcome_unknown"
    shipments.hold(desk.ledger, desk.id, "x", "tester")
    assert at(desk) == ("held", set())
    assert not take(desk.office, desk.id, "declare").did


def test_a_later_parcel_goes_on_a_further_list_and_a_refused_list_waits_for_a_person(desk: ImportDesk) -> None:
    desk.open()
    desk.happens("arrived")
    desk.declare(1, 2, 3)
    desk.answered("stored", 1, 2, 3)
    desk.write(LIST, lists=(1, 2, 3))
    assert at(desk)[0] == "declaring", "one is ready"
    desk.declare(4)
    assert desk.settle().to_warehouse() == {4}
    assert "warehouse_in" in at(desk)[1]
    desk.said(LIST, "rejected")
    desk.answered("stored", 4)
    assert at(desk)[0] == "list_refused"


def test_the_tax_bill_is_waited_for_where_the_setting_says_so(
    desk: ImportDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.open("1210")
    desk.declare()
    desk.answered("released")
    assert at(desk)[0] == "closed"
    monkeypatch.setitem(desk.procedure.settings["await_tax_bills"], "value", True)
    assert at(desk)[0] == "awaiting_tax_bills"
    here = desk.settle()
    bills = {seq: Counter(made=1) for seq in (1, 2, 3)}
    void = replace(here, bills=bills | {4: Counter(void=1)})
    assert void.state() == "awaiting_tax_bills", "a void bill is none"
    assert replace(here, bills=bills | {4: Counter(void=1, summed=1)}).state() == "closed"


# ---- deliveries -----
def test_deliveries_are_told_by_waybill_once(desk: ImportDesk) -> None:
    desk.open()
    desk.happens("arrived")
    desk.declare()
    desk.answered("stored")
    desk.write(LIST, lists=(1, 2, 3, 4))
    assert delivering.tell(desk.office, desk.id, ["W1", " W1 ", "W2", ""], clock.now(), "carrier") == 2
    assert delivering.tell(desk.office, desk.id, ["W1", "W2"], clock.now(), "carrier") == 0
    assert desk.kinds().count("delivered") == 1
    assert "delivered" not in at(desk)[1], "customs has not released them"
    desk.said(INVENTORY, "released")
    assert at(desk) == ("reporting", {"delivered"}), "not at its end while a report is due"
    assert desk.settle().to_deliver() == {1, 2}
    desk.write(REPORT, 1, 2)
    assert at(desk) == ("closed", set())
    sound(desk)


def test_a_delivery_after_the_end_opens_the_shipment_again(desk: ImportDesk) -> None:
    desk.open("1210")
    desk.declare()
    desk.answered("released")
    assert desk.settle().shipment.state == "closed"
    assert desk.id not in stages.open_shipments()
    before = looks.mark(desk.id)
    delivering.tell(desk.office, desk.id, ["W3"], clock.now(), "carrier")
    assert desk.id in stages.open_shipments()
    assert looks.mark(desk.id) != before
    assert stages.can_go_on([desk.id]) == [desk.id]


def test_a_report_that_was_turned_down_is_made_again_when_it_is_told_again(desk: ImportDesk) -> None:
    desk.open("1210")
    desk.declare()
    desk.answered("released")
    delivering.tell(desk.office, desk.id, ["W1"], clock.now(), "carrier")
    desk.write(REPORT, 1)
    desk.said(REPORT, "rejected", 1)
    assert at(desk) == ("closed", set()), "nothing is told by itself"
    assert delivering.tell(desk.office, desk.id, ["W1"], clock.now(), "carrier") == 1
    assert delivering.tell(desk.office, desk.id, ["W1"], clock.now(), "carrier") == 0, "told again, not reported yet"
    assert desk.settle().to_deliver() == {1}
    desk.write(REPORT, 1, attempt=2)
    assert desk.settle().to_deliver() == set()


def test_a_strange_waybill_and_a_procedure_without_deliveries_are_told(desk: ImportDesk) -> None:
    desk.open()
    with pytest.raises(DataFault, match="W77") as told:
        delivering.tell(desk.office, desk.id, ["W1", "W77", "W78"], clock.now(), "carrier")
    assert told.value.faults == ["W77", "W78"]
    assert events.delivered(desk.ledger, desk.id) == {}
    desk.take_in()
    with pytest.raises(DataFault, match="export_9610"):
        delivering.tell(desk.office, desk.id, ["W1"], clock.now(), "carrier")


# ---- declared anew -----
def test_rejected_parcels_are_declared_anew_with_their_lineage(desk: ImportDesk) -> None:
    desk.open()
    desk.declare()
    desk.answered("stored", 3)
    desk.answered("rejected", 1, 2, return_status="100")
    done = redeclaring.redeclare(desk.office, desk.id, ["O1", "O3", "O9"], "broker")
    assert done.orders == ["O1"]
    assert done.refused == {"O3": "APP-030", "O9": "APP-001"}
    assert [desk.parcel(seq)[0] for seq in (1, 2, 3)] == ["ready", "rejected", "stored"]
    again = redeclaring.redeclare(desk.office, desk.id, ["O1"])
    assert (again.orders, again.known) == ([], ["O1"]), "it is ready already"
    assert redeclaring.redeclare(desk.office, desk.id).orders == ["O2"], "all that are rejected"
    assert desk.kinds().count("redeclared") == 2
    desk.write(INVENTORY, 1, attempt=2)
    (link,) = messages.lineage(desk.ledger, desk.id)
    assert (link.before_key, link.before_status, link.business_key) == ("4404000001|COP1-1", "100", "4404000001|COP1-2")
    here = desk.settle()
    assert here.leads[1].follows == link.previous_id
    (row,) = redeclared(desk.ledger, here)
    assert (row["订单 order"], row["第几次 attempt"], row["原状态 its state"]) == (
        "O1",
        2,
        "海关退单 rejected by customs 100",
    )


def test_after_the_departure_no_export_parcel_is_declared_anew(desk: ImportDesk) -> None:
    desk.take_in()
    desk.declared(("rejected", (1,)))
    desk.happens("departed")
    done = redeclaring.redeclare(desk.office, desk.id)
    assert done.orders == [] and list(done.refused.values()) == ["APP-031"]


# ---- flow level -----
def test_what_an_operator_sees_speaks_of_an_import(desk: ImportDesk) -> None:
    desk.open()
    desk.declare()
    desk.answered("stored", 1, 2)
    here = desk.settle()
    text = summary(here, publishing.faults(desk.ledger, desk.id))
    for said in (
        "等待回执 Awaiting receipts",
        "进境口岸 port of entry 5788",
        "到场 yard",
        "| 海关已入库 | stored at customs | 2 |",
    ):
        assert said in text, said
    for said in ("香港", "离境", "HK plate", "税单"):
        assert said not in text, said
    assert publishing.tags(here) == {
        "port:5788", "direction:import", "state:awaiting_receipts", "authority:cn_ecommerce",
    }  # fmt: skip
    assert stages.run_name(str(desk.id)) == "粤Z8888港 IMP96100001"
    assert stages.steps_of(desk.id) == ["declare", "warehouse_in", "delivered"]
    here.bills = {1: Counter(made=1), 2: Counter(made=1)}
    assert "| 已生成 | made | 2 |" in summary(here, publishing.faults(desk.ledger, desk.id))


def test_without_a_truck_a_run_is_named_by_its_waybill(desk: ImportDesk) -> None:
    desk.open("1210")
    assert stages.run_name(str(desk.id)) == "IMP12100001"


def test_customs_is_listened_to_after_an_imports_end(desk: ImportDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.open("1210")
    desk.declare()
    desk.answered("released")
    assert desk.settle().shipment.state == "closed"
    assert Listening().senders(desk.ledger) == {"cn_ecommerce": [AGENT["dxp_id"]]}
    monkeypatch.setitem(desk.procedure.settings["listen_days"], "value", 0)
    assert Listening().senders(desk.ledger) == {"cn_ecommerce": [AGENT["dxp_id"]]}, (
        "the other import's table says so still"
    )
    monkeypatch.setenv(clock.VARIABLE, "2027-02-22T21:30:00+08:00@1e-09@1790000000")
    assert Listening().senders(desk.ledger) == {}
