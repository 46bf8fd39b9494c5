"""Taking files in: one shipment whatever comes how often; later rows win; nothing that would stop a truck is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.ledger import events, faults, parcels, raws, shipments, sources
from deployments.demo_flaws import no_waybill, two_payments, weight
from mappings.errors import DataFault
from tasks.capture import read_files
from tasks.capture.merging import merged
from tasks.clearing import intake
from tasks.clearing.declaring import load_batch
from tasks.clearing.identity import as_declared
from tests.factory import make_batch
from tests.unit.desk import Desk, files, truck, waybill


def only(desk: Desk, *names: str) -> list[tuple[str, bytes]]:
    return files(desk.made, *names)


def split(body: bytes, after: int) -> tuple[bytes, bytes]:
    rows = body.splitlines(keepends=True)
    return b"".join(rows[:after]), b"".join(rows[after:])


def codes(desk: Desk) -> set[str]:
    return set(faults.faults(desk.ledger, desk.id)["code"])


def test_files_are_kept_raw_before_anything_else(desk: Desk) -> None:
    some = files(desk.made)
    taken = intake.receive_files(desk.office, some, "", "sender")
    assert (taken.created, taken.files) == (True, [name for name, _ in some])
    rows = sources.sources(desk.ledger, taken.shipment_id)
    assert {row.name: raws.body(desk.ledger, row.raw_id) for row in rows} == dict(some)
    assert {row.profile for row in rows} != {""}
    assert parcels.listing(desk.ledger, taken.shipment_id) == []
    assert shipments.get(desk.ledger, taken.shipment_id).state == "captured"
    assert intake.deliveries(desk.office, taken.shipment_id) == [some]


def test_the_same_files_again_are_nothing_new(desk: Desk) -> None:
    first = desk.take_in()
    before = load_batch(desk.ledger, first).to_bytes()
    again = intake.receive_files(desk.office, files(desk.made), "", "sender")
    assert (again.shipment_id, again.created, again.files) == (first, False, [])
    assert intake.work_up(desk.office, first) is None
    assert len(intake.deliveries_of(desk.office, first)) == 1
    assert load_batch(desk.ledger, first).to_bytes() == before
    assert desk.kinds().count("received") == 1


def test_work_up_is_done_once_for_each_delivery(desk: Desk) -> None:
    ident = intake.receive_files(desk.office, files(desk.made), "", "").shipment_id
    done = intake.work_up(desk.office, ident)
    assert done is not None and done.changes is not None
    assert len(done.changes.new) == 6
    assert intake.work_up(desk.office, ident) is None


def test_a_late_waybill_file_alone_completes_held_parcels(desk: Desk) -> None:
    everything = dict(files(desk.made))
    first, last = split(everything.pop("waybills.jsonl"), 2)
    desk.id = desk.deliver(*everything.items(), ("waybills.jsonl", first))
    assert desk.counts() == {"ready": 2, "held": 4}
    assert codes(desk) == {"WAY-001"}
    assert desk.deliver(("waybills.jsonl", last)) == desk.id, "it names no truck: its orders do"
    assert desk.counts() == {"ready": 6}
    assert codes(desk) == set(), "and nothing is missing any more"
    assert [row.seq for row in parcels.listing(desk.ledger, desk.id)] == [1, 2, 3, 4, 5, 6]


def test_an_incomplete_folder_waits_for_the_rest(desk: Desk) -> None:
    everything = dict(files(desk.made))
    bills = everything.pop("waybills.jsonl")
    with pytest.raises(DataFault, match="waybills"):
        desk.deliver(*everything.items())
    assert desk.deliver(("waybills.jsonl", bills), shipment="HZMBDEMO000001") == 1
    desk.id = 1
    assert (desk.counts(), codes(desk)) == ({"ready": 6}, set())


def test_the_corrected_row_wins_and_the_others_stay(desk: Desk) -> None:
    made = weight(truck(), truck().orders()[2])
    desk.take_in(made)
    assert desk.parcel(3) == ("held", "WAY-003")
    before = load_batch(desk.ledger, desk.id).parcels["waybill.gross_weight"].tolist()
    desk.deliver(waybill(made, made.orders()[2], grossWeight=7.25))
    after = load_batch(desk.ledger, desk.id).parcels["waybill.gross_weight"].tolist()
    assert after == [*before[:2], 725_000, *before[3:]]
    assert (desk.counts(), codes(desk)) == ({"ready": 6}, set())


def test_back_to_the_older_file_is_a_newer_version(desk: Desk) -> None:
    desk.take_in()
    first = waybill(desk.made, desk.orders()[0])
    heavier = waybill(desk.made, desk.orders()[0], grossWeight=9.5)
    weights = []
    for delivery in (first, heavier, first):
        desk.deliver(delivery)
        weights.append(load_batch(desk.ledger, desk.id).parcels["waybill.gross_weight"].tolist()[0])
    assert weights[1] == 950_000
    assert weights[0] == weights[2] != weights[1]


def test_a_second_payment_that_comes_later_holds_and_its_withdrawal_frees(desk: Desk) -> None:
    desk.take_in(approve=False)
    order = desk.orders()[0]
    twice = files(two_payments(desk.made, order), "payments.csv")
    desk.deliver(*twice)
    held = desk.parcel(1)
    assert held[0] == "held", "though what would be declared of it is the same"
    desk.deliver(*only(desk, "payments.csv"))
    assert desk.parcel(1) == ("ready", "")


def test_a_parcel_is_new_when_it_comes_late_and_keeps_its_number(desk: Desk) -> None:
    made = no_waybill(truck(), truck().orders()[1])
    desk.take_in(made)
    assert desk.parcel(2)[0] == "held"
    desk.deliver(waybill(truck(), truck().orders()[1]))
    assert desk.parcel(2) == ("ready", "")


def test_a_file_that_names_no_known_order_is_refused_and_not_kept(desk: Desk) -> None:
    desk.take_in()
    other = truck(2, seed=7)
    with pytest.raises(DataFault, match="name no truck"):
        desk.deliver(*files(other, "waybills.jsonl"))
    with pytest.raises(DataFault, match="name no truck"):
        desk.deliver(("letter.txt", b"dear customs\n"))
    assert len(intake.deliveries_of(desk.office, desk.id)) == 1


def test_a_named_shipment_takes_what_names_none_but_not_another_truck(desk: Desk) -> None:
    first = desk.take_in()
    with pytest.raises(DataFault, match="HZMBDEMO000007"):
        desk.deliver(*files(truck(2, seed=7)), shipment=str(first))
    assert shipments.get(desk.ledger, first).master_waybill == "HZMBDEMO000001"
    assert desk.deliver(*only(desk, "waybills.jsonl"), shipment="HZMBDEMO000001") == first
    with pytest.raises(DataFault):
        desk.deliver(*only(desk, "waybills.jsonl"), shipment="NOBODY")


def test_a_truck_without_agent_cannot_be_a_shipment(desk: Desk) -> None:
    with pytest.raises(DataFault, match="agent"):
        desk.deliver(*files(desk.truck_without("agent")))


def test_two_trucks_are_two_shipments(desk: Desk) -> None:
    first = desk.take_in()
    second = desk.take_in(truck(3, seed=2))
    assert first != second
    assert [len(parcels.listing(desk.ledger, i)) for i in (first, second)] == [6, 3]


def test_a_corrected_truck_replaces_the_plan(desk: Desk) -> None:
    desk.take_in()
    sheet = {**desk.made.truck, "mainland_plate": "粤ZX999港"}
    desk.deliver(("truck.json", json.dumps(sheet, ensure_ascii=False).encode()))
    row = shipments.get(desk.ledger, desk.id)
    assert (row.label, row.truck["mainland_plate"]) == ("粤ZX999港", "粤ZX999港")
    assert desk.kinds().count("truck-corrected") == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"order_no": "1", "field": "waybill.gross_weight", "value": "heavy"}, "not a number"),
        ({"order_no": "1", "field": "truck.driver", "value": "x"}, "cannot be corrected"),
        ({"order_no": "1", "field": "order.order_no", "value": "2"}, "cannot be corrected"),
        ({"order_no": "1", "wrong": 1}, "names order_no"),
        ("nonsense", "names order_no"),
    ],
)
def test_a_correction_that_cannot_be_used_is_refused_before_it_is_kept(desk: Desk, line: Any, said: str) -> None:
    desk.take_in()
    body = json.dumps(line).encode() if isinstance(line, dict) else line.encode()
    with pytest.raises(DataFault, match=said):
        desk.deliver((intake.own_name(intake.CORRECTIONS, "1.jsonl"), body), shipment=str(desk.id))
    assert intake.work_up(desk.office, desk.id) is None, "the truck goes on"


def test_a_persons_correction_outlives_the_files_that_come_after_it(desk: Desk) -> None:
    desk.take_in()
    order = desk.orders()[0]
    line = {"order_no": order, "field": "waybill.gross_weight", "value": "8.5"}
    own = intake.own_name(intake.CORRECTIONS, "1.jsonl")
    desk.deliver((own, json.dumps(line).encode()), shipment=str(desk.id))
    desk.deliver(waybill(desk.made, order, grossWeight=9.5))
    assert load_batch(desk.ledger, desk.id).parcels["waybill.gross_weight"].tolist()[0] == 850_000


def test_a_senders_file_cannot_pass_for_ours(desk: Desk) -> None:
    desk.take_in()
    line = {"order_no": desk.orders()[0], "field": "waybill.gross_weight", "value": "8.5"}
    with pytest.raises(DataFault):
        desk.deliver(("corrections-1.jsonl", json.dumps(line).encode()))


def test_a_shipment_of_a_call_that_fits_no_model_says_where_and_shows_no_value(desk: Desk) -> None:
    body = json.dumps({"truck": {"driver": {"name": "SECRET PERSON"}}, "parcels": "SECRET PERSON"}).encode()
    with pytest.raises(DataFault) as caught:
        desk.deliver((intake.own_name(intake.SHIPMENT, "x.json"), body))
    assert "parcels" in str(caught.value)
    assert "SECRET" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_merging_keeps_a_missing_kind_of_file_only_while_none_has_brought_it(desk: Desk) -> None:
    part = [read_files(only(desk, *names)) for names in (("orders.csv",), ("truck.json",), ("payments.csv",))]
    whole = merged(part)
    lacking = set(whole.faults.loc[whole.faults["code"] == "CAP-002", "value"])
    everything = read_files(only(desk, "orders.csv", "truck.json", "payments.csv"))
    assert lacking == set(everything.faults.loc[everything.faults["code"] == "CAP-002", "value"]) != set()
    assert whole.missing == everything.missing
    assert (whole.faults["code"] == "CAP-002").sum() == len(lacking)


def test_goods_of_a_later_file_replace_those_of_the_same_item(desk: Desk) -> None:
    one = read_files(only(desk, "goods_master.xlsx"))
    whole = merged([one, one])
    assert [len(t.data) for t in whole.tables["goods"]] == [0, len(one.tables["goods"][0].data)]
    assert [len(t.rows) for t in whole.tables["goods"]] == [0, len(one.tables["goods"][0].rows)]


def test_what_was_declared_stands_in_its_place_with_its_lines() -> None:
    old, new = make_batch(4, lines=2.5), make_batch(4, lines=1, seed=2)
    new.parcels["order.order_no"] = old.parcels["order.order_no"]
    two = old.parcels["order.order_no"].iloc[1]
    made = as_declared(new, old.to_bytes(), [two])
    assert made.parcels["parcel.seq"].tolist() == [1, 2, 3, 4]
    assert made.parcels["waybill.waybill_no"].tolist() == [
        (old if i == 1 else new).parcels["waybill.waybill_no"].iloc[i] for i in range(4)
    ]
    assert made.lines["parcel"].is_monotonic_increasing
    mine = made.lines[made.lines["parcel"] == 1]["line.item_no"].tolist()
    assert mine == old.lines[old.lines["parcel"] == 1]["line.item_no"].tolist()
    assert made.parcels.dtypes.equals(new.parcels.dtypes)
    assert as_declared(new, None, [two]) is new
    assert as_declared(new, old.to_bytes(), []) is new


def test_events_name_files_and_nobody(desk: Desk) -> None:
    desk.take_in()
    received = next(e for e in events.timeline(desk.ledger, desk.id) if e.kind == "received")
    assert received.detail == {"files": sorted(name for name, _ in files(desk.made))}
