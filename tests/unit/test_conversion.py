"""A truck becomes messages: who sends what under which key, numbers, attempts, splits; what does not fit waits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mappings import faults
from mappings.canonical.batch import Batch
from mappings.engine import explain, reader
from mappings.errors import DataFault
from mappings.identity import seeded
from tasks.conversion import declare, lists, sources
from tasks.conversion.declare import PARCEL_TYPES, declarations
from tasks.conversion.fit import CODES, hold_misfits
from tasks.conversion.lists import listing
from tasks.conversion.messages import Making, OutMessage
from tests.factory import PARTIES, START, make_batch

LISTS = ("CEB607Message", "CEB507Message", "CEB509Message")


def making(**changes: Any) -> Making:
    return Making(**{"identities": seeded(1), "at": START} | changes)


def of(messages: list[OutMessage], number: int) -> list[OutMessage]:
    return [m for m in messages if m.type == f"CEB{number}Message"]


def column(message: OutMessage, segment: str, tag: str) -> list[str]:
    return reader.read(message.body).groups[segment][tag]


def test_each_type_is_its_owner_s() -> None:
    batch = make_batch(2)
    owners = {m.type[3:6]: m.owner_role for m in declarations(batch, making())}
    owners |= {m.type[3:6]: m.owner_role for kind in LISTS for m in listing(batch, kind, making(), START)}
    assert owners == {
        "303": "platform", "403": "payment_company", "505": "carrier", "603": "agent", "607": "agent", "507": "yard",
        "509": "carrier",
    }  # fmt: skip


@pytest.mark.parametrize("kind", [*PARCEL_TYPES, *LISTS])
def test_sender_in_the_message_is_the_owner(kind: str) -> None:
    batch = make_batch(2)
    messages = listing(batch, kind, making(), START) if kind in LISTS else declarations(batch, making(), (kind,))
    for message in messages:
        party = batch.truck.parties[message.owner_role]
        assert column(message, "BaseTransfer", "copCode") == [party.code]
        assert column(message, "BaseTransfer", "copName") == [party.name]
        assert column(message, "BaseTransfer", "dxpId") == [party.dxp_id]
        assert reader.read(message.body).guid == message.guid
        assert explain.check(message.body, strict=True) == []


def test_documents_are_what_the_message_holds() -> None:
    batch = make_batch(4)
    messages = declarations(batch, making(batch_of=3))
    orders, waybills = of(messages, 303), of(messages, 505)
    assert [len(m.documents) for m in orders] == [3, 1]
    assert [m.seq for m in orders] == [1, 2]
    platform, seller, carrier = (PARTIES[r]["code"] for r in ("platform", "seller", "carrier"))
    for message in orders:
        assert column(message, "OrderHead", "guid") == [d.guid for d in message.documents]
        numbers = column(message, "OrderHead", "orderNo")
        assert [d.business_key for d in message.documents] == [f"{platform}|{seller}|{n}" for n in numbers]
    numbers = [n for m in waybills for n in column(m, "Logistics", "logisticsNo")]
    assert [d.business_key for m in waybills for d in m.documents] == [f"{carrier}|{n}" for n in numbers]
    assert [d.parcel_seq for m in waybills for d in m.documents] == [1, 2, 3, 4]
    for message in of(messages, 403):
        pay, order = column(message, "Receipts", "payNo"), column(message, "Receipts", "orderNo")
        keys = [f"{seller}|{o}|{p}" for o, p in zip(order, pay, strict=True)]
        assert [d.business_key for d in message.documents] == keys
    for message in of(messages, 603):
        agent, cops = PARTIES["agent"]["code"], column(message, "InventoryHead", "copNo")
        assert [d.business_key for d in message.documents] == [f"{agent}|{c}" for c in cops]


def test_all_guids_differ() -> None:
    messages = declarations(make_batch(30), making(batch_of=7))
    guids = [m.guid for m in messages] + [d.guid for m in messages for d in m.documents]
    assert len(set(guids)) == len(guids) == 20 + 120


@pytest.mark.parametrize(("batch_of", "sizes"), [(100, [100, 100, 50]), (1000, [100, 100, 50]), (120, [100, 100, 50])])
def test_never_more_than_a_hundred_documents(batch_of: int, sizes: list[int]) -> None:
    for kind in PARCEL_TYPES:
        messages = declarations(make_batch(250, 1), making(batch_of=batch_of), (kind,))
        assert [len(m.documents) for m in messages] == sizes


def test_numbering_goes_on_where_it_stopped() -> None:
    messages = declarations(make_batch(3), making(batch_of=2, first_seq={"CEB303Message": 8}))
    assert [m.seq for m in of(messages, 303)] == [8, 9]
    assert [m.seq for m in of(messages, 403)] == [1, 2]
    (arrival,) = listing(make_batch(3), "CEB507Message", making(first_seq={"CEB507Message": 4}))
    assert arrival.seq == 4


def test_nothing_to_declare_gives_nothing() -> None:
    none = make_batch(2).select(np.zeros(2, dtype=bool))
    assert declarations(none, making()) == []
    assert listing(none, "CEB607Message", making()) == []


def test_a_parcel_without_payment_has_no_403_and_all_others() -> None:
    batch = make_batch(3)
    batch.parcels.loc[1, "payment.amount"] = pd.NA
    messages = declarations(batch, making(attempts={"CEB403Message": np.array([1, 2, 3])}))
    (paid,) = of(messages, 403)
    assert [(d.parcel_seq, d.attempt) for d in paid.documents] == [(1, 1), (3, 3)]
    assert column(paid, "Receipts", "orderNo") == batch.parcels["order.order_no"].iloc[[0, 2]].tolist()
    assert [len(of(messages, n)[0].documents) for n in (303, 505, 603)] == [3, 3, 3]
    assert of(declarations(batch.select(np.array([False, True, False])), making()), 403) == []


def test_attempts_and_kinds_of_application() -> None:
    attempts = {"CEB603Message": np.array([1, 2, 11])}
    changes = {"CEB303Message": np.array([1, 2, 1])}
    messages = declarations(make_batch(3), making(attempts=attempts, app_types=changes))
    (inventory,), (order,) = of(messages, 603), of(messages, 303)
    stem = "HZMB0099000001"
    assert column(inventory, "InventoryHead", "copNo") == [f"{stem}-00001", f"{stem}-00002-2", f"{stem}-00003-11"]
    assert [d.attempt for d in inventory.documents] == [1, 2, 11]
    assert column(order, "OrderHead", "appType") == ["1", "2", "1"]
    assert [d.app_type for d in order.documents] == ["1", "2", "1"]
    assert [d.attempt for d in order.documents] == [1, 1, 1]


@pytest.mark.parametrize("waybill", ["A", "HZMB0099000001", "X" * 18, "X" * 19, "X" * 37, "提运单号" * 9])
def test_our_numbers_fit_and_stay_unique(waybill: str) -> None:
    seqs = np.array([1, 2, 99_999, 100_000])
    numbers = [n for a in (1, 2, 99) for n in sources.cop_numbers(waybill, seqs, np.full(4, a))]
    assert len(set(numbers)) == 12
    assert max(map(len, numbers)) <= 30
    assert len(f"{sources.cop_stem(waybill)}-607-9999") <= 30


def test_long_master_waybills_that_begin_alike_stay_apart() -> None:
    stems = {sources.cop_stem("HZMB0099000001-PART-" + str(n)) for n in range(500)}
    assert len(stems) == 500
    assert {len(s) for s in stems} == {sources.COP_NO_BODY}


def test_a_long_master_waybill_is_declared() -> None:
    batch = make_batch(2, master_waybill="M" * 37)
    messages = declarations(batch, making()) + listing(batch, "CEB607Message", making())
    for message in messages:
        assert explain.check(message.body, strict=True) == []


def test_an_undeclared_sender_is_named() -> None:
    batch = make_batch(1)
    parties = {r: p for r, p in batch.truck.parties.items() if r != "carrier"}
    without = Batch(batch.truck.model_copy(update={"parties": parties}), batch.parcels, batch.lines, batch.faults)
    with pytest.raises(DataFault, match=r"parties\.carrier"):
        declarations(without, making(), ("CEB505Message",))


def test_whole_truck_documents_name_every_parcel() -> None:
    batch = make_batch(5)
    (master,) = listing(batch, "CEB607Message", making())
    assert column(master, "WayBillList", "logisticsNo") == batch.parcels["waybill.waybill_no"].tolist()
    assert column(master, "WayBillList", "gnum") == ["1", "2", "3", "4", "5"]
    assert column(master, "WayBillHead", "msgCount") == column(master, "WayBillHead", "msgSeqNo") == ["1"]
    grams = batch.parcels["waybill.gross_weight"].sum()
    assert column(master, "WayBillHead", "grossWeight") == [sources_plain(grams)]
    (document,) = master.documents
    assert document.lists == (1, 2, 3, 4, 5)
    assert document.parcel_seq is None
    agent = PARTIES["agent"]["code"]
    assert document.business_key == f"{agent}|HZMB0099000001-607-1|HZMB0099000001|1"


def sources_plain(value: int) -> str:
    return f"{value / 100_000:.5f}".rstrip("0").rstrip(".")


def test_departure_names_when_the_truck_left() -> None:
    left = START + timedelta(hours=17, minutes=11, seconds=9)
    (departure,) = listing(make_batch(2), "CEB509Message", making(), left)
    assert column(departure, "DepartureHead", "leaveTime") == ["20261124071109"]
    assert explain.check(departure.body, strict=True) == []


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize(("size", "sizes"), [(2, [2, 2, 1]), (2, [2, 2]), (5, [3]), (1, [1, 1, 1])])
def test_a_long_list_is_split_and_numbered(
    kind: str, size: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    count = sum(sizes)
    monkeypatch.setitem(declare.roles()["parcels_per_list"], "value", size)
    batch = make_batch(count)
    messages = listing(batch, kind, making(), START)
    segment = {"CEB607Message": "WayBill", "CEB507Message": "Arrival", "CEB509Message": "Departure"}[kind]
    named = [column(m, f"{segment}List", "logisticsNo") for m in messages]
    assert [len(n) for n in named] == sizes
    assert [n for part in named for n in part] == batch.parcels["waybill.waybill_no"].tolist()
    assert [s for m in messages for d in m.documents for s in d.lists] == list(range(1, count + 1))
    assert [column(m, f"{segment}Head", "msgSeqNo") for m in messages] == [[str(i + 1)] for i in range(len(sizes))]
    assert {column(m, f"{segment}Head", "msgCount")[0] for m in messages} == {str(len(sizes))}
    assert [column(m, f"{segment}List", "gnum") for m in messages] == [[str(i + 1) for i in range(n)] for n in sizes]
    assert len({column(m, f"{segment}Head", "copNo")[0] for m in messages}) == 1
    assert len({d.business_key for m in messages for d in m.documents}) == len(sizes)
    assert [m.seq for m in messages] == list(range(1, len(sizes) + 1))
    if kind == "CEB607Message":
        weights = [sum(float(w) for w in column(m, "WayBillHead", "grossWeight")) for m in messages]
        assert sum(weights) == pytest.approx(batch.parcels["waybill.gross_weight"].sum() / 100_000)
    for message in messages:
        assert explain.check(message.body, strict=True) == []


def test_a_supplement_has_a_number_of_its_own() -> None:
    (first,) = listing(make_batch(2), "CEB607Message", making())
    (more,) = listing(make_batch(2), "CEB607Message", making(supplement=2))
    assert column(more, "WayBillHead", "copNo") == ["HZMB0099000001-607-2"]
    assert first.documents[0].business_key != more.documents[0].business_key
    assert more.documents[0].attempt == 2


def test_every_role_of_the_table_is_a_party_and_every_type_has_a_file() -> None:
    for kind, entry in declare.roles()["messages"].items():
        assert entry["role"] in PARTIES, kind
        assert entry["mode"] in ("we_send", "partner_sends"), kind
        assert declare.spec.load(kind).direction == "send"


# What does not fit waits.


def broken(path: str, at: int, value: Any, table: str = "parcels", count: int = 4) -> Batch:
    batch = make_batch(count)
    getattr(batch, table).loc[at, path] = value
    return batch


def held(batch: Batch) -> tuple[list[str], list[str], pd.DataFrame]:
    done = hold_misfits(batch, making())
    return done.parcels["parcel.state"].tolist(), done.parcels["parcel.reason"].tolist(), done.faults


def test_a_truck_that_fits_is_left_alone() -> None:
    batch = make_batch(3)
    assert hold_misfits(batch, making()) is not None
    assert held(batch)[0] == ["ready"] * 3
    assert len(held(batch)[2]) == 0


@pytest.mark.parametrize(
    ("table", "path", "value", "problem"),
    [
        ("parcels", "waybill.waybill_no", "", "empty"),
        ("parcels", "order.order_no", "x" * 61, "too_long"),
        ("lines", "line.hs_code", "12345", "wrong_length"),
        ("parcels", "waybill.pieces", 10**9, "too_big"),
        ("lines", "line.unit", "KLINGON", "no_code"),
        ("lines", "line.unit2", "KLINGON", "no_code"),
        ("lines", "line.item_name", "bell\x07", "character"),
    ],
)
def test_one_bad_parcel_is_held_and_the_truck_goes_on(table: str, path: str, value: Any, problem: str) -> None:
    batch = broken(path, 2, value, table)
    states, reasons, found = held(batch)
    at = 2 if table == "parcels" else int(batch.lines["parcel"].iloc[2])
    assert [i for i, s in enumerate(states) if s == "held"] == [at]
    assert reasons[at] == CODES[problem]
    row = found[found["field"] == path].iloc[0]
    assert (row["code"], row["severity"], row["stage"]) == (CODES[problem], "error", "convert")
    assert row["value"] == str(value)
    assert row["order_no"] == batch.parcels["order.order_no"].iloc[at]
    assert row["other_value"].startswith("CEB")
    told = faults.explain(row)
    assert all(told[text] for text in ("message_zh", "message_en", "remedy_zh", "remedy_en", "owner"))
    rest = hold_misfits(batch, making()).ready()
    for message in declarations(rest, making()):
        assert explain.check(message.body, strict=True) == []


def test_too_many_lines_hold_the_parcel() -> None:
    batch = make_batch(2, 101)
    states, reasons, _ = held(batch)
    assert states == ["held", "held"]
    assert reasons == [CODES["count"]] * 2


def test_a_parcel_without_payment_is_not_held_for_its_missing_403() -> None:
    """Whether a missing payment holds a parcel is a setting of the match, not a matter of form."""
    batch = broken("payment.amount", 1, pd.NA)
    batch.parcels.loc[1, "payment.currency"] = ""
    assert held(batch)[0] == ["ready"] * 4


def test_a_bad_payment_holds_its_own_parcel_though_others_have_none() -> None:
    batch = broken("payment.amount", 0, pd.NA)
    batch.parcels.loc[2, "payment.pay_no"] = "p" * 61
    assert held(batch)[0] == ["ready", "ready", "held", "ready"]


def test_parcels_that_wait_already_are_not_asked() -> None:
    batch = broken("waybill.waybill_no", 1, "")
    batch.parcels.loc[1, ["parcel.state", "parcel.reason"]] = ["held", "ORD-001"]
    batch.parcels.loc[3, "order.order_no"] = ""
    states, reasons, found = held(batch)
    assert states == ["ready", "held", "ready", "held"]
    assert reasons == ["", "ORD-001", "", CODES["empty"]]
    assert set(found["waybill_no"]) == {batch.parcels["waybill.waybill_no"].iloc[3]}


def test_all_reasons_are_told_and_the_first_is_the_parcel_s() -> None:
    batch = broken("order.order_no", 1, "x" * 61)
    batch.parcels.loc[1, "waybill.goods_info"] = ""
    batch.lines.loc[2, "line.hs_code"] = "1"
    states, reasons, found = held(batch)
    assert states == ["ready", "held", "ready", "ready"]
    assert reasons[1] == CODES["too_long"]
    assert set(found["code"]) == {CODES["too_long"], CODES["empty"], CODES["wrong_length"]}
    assert {v.split()[0] for v in found["other_value"]} == {
        "CEB303Message",
        "CEB403Message",
        "CEB505Message",
        "CEB603Message",
    }


def test_earlier_faults_stay() -> None:
    batch = broken("waybill.goods_info", 0, "")
    before = faults.frame([{"order_no": "1", "code": CODES["count"]}])
    done = hold_misfits(Batch(batch.truck, batch.parcels, batch.lines, before), making())
    assert done.faults["code"].tolist() == [CODES["count"], CODES["empty"]]
    assert batch.parcels["parcel.state"].tolist() == ["ready"] * 4, "what was handed in is as it was"
    assert list(done.faults.columns) == list(faults.COLUMNS)


def test_nothing_ready_is_nothing_to_do() -> None:
    batch = make_batch(2)
    batch.parcels["parcel.state"] = "held"
    assert hold_misfits(batch, making()) is batch
    assert lists.listing(batch.ready(), "CEB507Message", making()) == []
