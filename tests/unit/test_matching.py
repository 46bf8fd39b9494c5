"""Matching: one good parcel, made wrong in one place at a time; the fault says which two values differ."""

# ruff: noqa: E501 (tables of cases)

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from pyarrow import feather

from mappings import faults, rules
from mappings.canonical.batch import Batch
from tasks import matching
from tests.unit import trucks
from tests.unit.trucks import batch, codes, good, line, payment, state, waybill

OTHER = [waybill("Z0")]
CASES: list[tuple[str, dict[str, Any], list[str], tuple[str, str]]] = [
    ("good", {}, [], ("ready", "")),
    ("amount", {"payments": [payment(amount="3.01")]}, ["MAT-001"], ("held", "MAT-001")),
    ("freight is paid too", {"lines": [line(), line(item="POST", quantity=1, price="2")]}, ["MAT-001"], ("held", "MAT-001")),
    ("freight paid", {"lines": [line(), line(item="POST", quantity=1, price="2")], "payments": [payment(amount="5")]},
     [], ("ready", "")),
    ("currency", {"payments": [payment(currency="美元")]}, ["MAT-002"], ("held", "MAT-002")),
    ("no payment", {"payments": []}, ["PAY-001"], ("held", "PAY-001")),
    ("paid twice", {"payments": [payment(), payment()]}, ["PAY-002"], ("ready", "")),
    ("paid twice, second later", {"payments": [payment(), payment(time="2026/11/21 10:00")]}, ["PAY-002"], ("ready", "")),
    ("two payments", {"payments": [payment(), payment(number="P2")]}, ["PAY-004"], ("held", "PAY-004")),
    ("two amounts", {"payments": [payment(), payment(amount="4")]}, ["PAY-004"], ("held", "PAY-004")),
    ("no waybill", {"waybills": OTHER}, ["WAY-001"], ("held", "WAY-001")),
    ("two waybills", {"waybills": [waybill(), waybill(number="WB-2")]}, ["WAY-006"], ("held", "WAY-006")),
    ("waybill twice", {"waybills": [waybill(), waybill()]}, ["WAY-009"], ("ready", "")),
    ("weight", {"waybills": [waybill(gross=0.039)]}, ["WAY-003"], ("held", "WAY-003")),
    ("just enough", {"waybills": [waybill(gross=0.04)]}, [], ("ready", "")),
    ("no weight", {"waybills": [waybill(gross="")]}, ["WAY-004"], ("held", "WAY-004")),
    ("weight zero", {"waybills": [waybill(gross=0)]}, ["WAY-004"], ("held", "WAY-004")),
    ("no country", {"waybills": [waybill(country="")]}, ["WAY-002"], ("held", "WAY-002")),
    ("unknown country", {"waybills": [waybill(country="Atlantis")]}, ["WAY-002"], ("held", "WAY-002")),
    ("phone", {"waybills": [waybill(phone="n/a")]}, ["WAY-008"], ("ready", "")),
    ("not registered", {"goods": [good(item="OTHER")]}, ["LIN-003"], ("held", "LIN-003")),
    ("no price", {"lines": [line(), line(price=0)]}, ["LIN-001"], ("held", "LIN-001")),
    ("quantity below zero", {"lines": [line(quantity=4), line(quantity=-2)]}, ["LIN-002"], ("held", "LIN-002")),
    ("cancelled", {"lines": [line(order="CA1")], "payments": [], "waybills": OTHER}, [], ("excluded", "ORD-001")),
    ("worthless", {"lines": [line(price=0), line(item="POST")], "payments": [], "waybills": OTHER}, [], ("excluded", "ORD-002")),
    ("discount", {"lines": [line(), line(item="D", quantity=-1, price="1")]}, ["ORD-010"], ("held", "ORD-010")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "parts", "expected", "ends"), CASES, ids=[c[0] for c in CASES])
def test_one_thing_wrong(name: str, parts: dict[str, Any], expected: list[str], ends: tuple[str, str]) -> None:
    made = batch(**parts)
    order = made.parcels["order.order_no"].iloc[0]
    assert codes(made, order) == expected
    assert state(made, order) == ends


def _fault(made: Batch, code: str) -> dict[str, Any]:
    found = made.faults[made.faults["code"] == code]
    assert len(found) == 1, found
    return found.iloc[0].to_dict()


def test_a_match_fault_names_both_values_and_where_they_came_from() -> None:
    row = _fault(batch(payments=[payment(amount="3.01")]), "MAT-001")
    assert (row["value"], row["other_value"]) == ("3.01", "3")
    assert (row["file"], row["row"], row["column"], row["other_place"]) == (
        "payments.csv",
        2,
        "支付金额",
        "orders.csv:2",
    )
    assert (row["field"], row["stage"], row["waybill_no"]) == ("payment.amount", "match", "WB-A1")


def test_one_bad_parcel_never_stops_a_truck() -> None:
    made = batch(
        lines=[line(), line(order="B2"), line(order="C-3", country="Germany")],
        payments=[payment(), payment("B2", "9"), payment("C-3")],
        waybills=[waybill(), waybill("B2"), waybill("C-3")],
    )
    assert [state(made, o) for o in ("A1", "B2")] == [("ready", ""), ("held", "MAT-001")]
    assert state(made, "C-3")[0] == "excluded"  # an order number that starts with C is a cancellation in this layout
    assert made.ready().parcels["order.order_no"].tolist() == ["A1"]


def test_all_faults_of_a_parcel_come_at_once() -> None:
    made = batch(lines=[line(price=0), line(item="X9")], payments=[payment(amount="1")], waybills=[waybill(country="")])
    assert codes(made) == ["LIN-001", "LIN-003", "MAT-001", "WAY-002"]


def test_one_number_on_two_orders_holds_both() -> None:
    made = batch(
        lines=[line(), line(order="B2")],
        payments=[payment(), payment("B2")],
        waybills=[waybill(number="W1"), waybill("B2", number="W1")],
    )
    assert {state(made, "A1"), state(made, "B2")} == {("held", "WAY-005")}


def test_what_belongs_to_no_order_is_told() -> None:
    made = batch(payments=[payment(), payment("Z9")], waybills=[waybill(), waybill("Z8")])
    assert state(made) == ("ready", "")
    assert _fault(made, "PAY-003")["value"] == "Z9"
    assert _fault(made, "WAY-007")["value"] == "Z8"


def test_more_lines_than_a_document_takes() -> None:
    lines = [line(quantity=1, price="1") for _ in range(101)]
    made = batch(lines=lines, payments=[payment(amount="101")], waybills=[waybill(gross=9)])
    assert state(made) == ("held", "ORD-006")
    row = _fault(made, "ORD-006")
    assert (row["value"], row["other_value"]) == ("101", "100")
    assert state(batch(lines=lines[1:], payments=[payment(amount="100")], waybills=[waybill(gross=9)])) == ("ready", "")


def test_a_waybills_own_freight_is_only_noted() -> None:
    made = batch(waybills=[waybill(freight="1")])
    assert codes(made, least="info") == ["MAT-004"]
    assert state(made) == ("ready", "")


def test_what_a_waybill_leaves_out_is_filled_in() -> None:
    parcel = batch().parcels.iloc[0]
    assert parcel["waybill.currency"] == "GBP"
    assert parcel["waybill.goods_info"] == "塑料装饰品"
    assert (parcel["waybill.insured_fee"], parcel["order.freight"]) == (0, 0)
    assert parcel["parcel.net_weight"] == 4000


def test_the_setting_for_a_missing_payment(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = replace(rules.match(), payment_missing_holds=False)
    monkeypatch.setattr(rules, "match", lambda: chosen)
    made = batch(payments=[])
    assert codes(made) == ["PAY-005"]
    assert state(made) == ("ready", "")


def test_the_tolerance_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = replace(rules.match(), tolerance="0.01")
    monkeypatch.setattr(rules, "match", lambda: chosen)
    assert state(batch(payments=[payment(amount="3.01")])) == ("ready", "")
    assert state(batch(payments=[payment(amount="3.02")])) == ("held", "MAT-001")


def test_a_gift_line_may_pass_by_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = replace(rules.quality(), gift=True)
    monkeypatch.setattr(rules, "quality", lambda: chosen)
    made = batch(lines=[line(), line(price=0)])
    assert codes(made, least="info") == ["LIN-012"]
    assert state(made) == ("ready", "")


def test_a_digest_changes_with_the_contents_and_only_then() -> None:
    one, again = batch().parcels["parcel.digest"][0], batch().parcels["parcel.digest"][0]
    assert one == again
    moved = batch(
        lines=[line(order="Z0"), line()], payments=[payment("Z0"), payment()], waybills=[waybill("Z0"), waybill()]
    )
    assert moved.parcels["parcel.digest"][1] == one  # where a row stands is no content
    for other in ({"lines": [line(name="Party Star")]}, {"payments": [payment(number="P2")]}, {"waybills": [waybill(gross=0.6)]},
                  {"goods": [good(net=0.019)]}):  # fmt: skip
        assert batch(**other).parcels["parcel.digest"][0] != one


def test_the_batch_survives_its_bytes() -> None:
    made = batch(payments=[payment(amount="9")])
    back = Batch.from_bytes(made.to_bytes())
    for name in ("parcels", "lines", "faults"):
        pd.testing.assert_frame_equal(getattr(back, name), getattr(made, name))
    assert tuple(back.faults.columns) == faults.COLUMNS


def test_locate_finds_the_cell() -> None:
    made = batch()
    assert matching.locate(made, 1, "line.price", 1) == {
        "value": "1.5", "file": "orders.csv", "sheet": "", "row": 2, "column": "UnitPrice"}  # fmt: skip
    assert matching.locate(made, 1, "line.hs_code", 1) == {
        "value": "3926400000", "file": "goods_master.xlsx", "sheet": "Sheet", "row": 2, "column": "商品编码"}  # fmt: skip
    nowhere = {"value": "", "file": "", "sheet": "", "row": 0, "column": ""}
    assert matching.locate(made, 9, "order.order_no") == nowhere
    assert matching.locate(made, 1, "order.nothing") == nowhere


def test_companies_must_be_the_trucks(tmp_path: Any) -> None:
    from tests.contract import layouts

    profile = """
name: with_codes
sender: platform
format: {type: csv}
tables:
  order: {once_per: order_no, fields: {order_no: no, platform_code: ebp, seller_code: ebc, currency: {constant: GBP}, waybill_no: wb}}
  line: {fields: {order_no: no, item_no: item, quantity: q, price: p, currency: {constant: GBP}}}
"""
    body = layouts.csv_bytes(["no", "ebp", "ebc", "item", "q", "p", "wb"],
                             [["A1", "P1", "S1", "SKU-1", 2, "1.5", "W7"], ["A2", "P1", "??", "SKU-1", 2, "1.5", "W8"]])  # fmt: skip
    files = dict(trucks.files(payments=[payment(), payment("A2")],
                              waybills=[waybill("", number="W7"), waybill("", number="W8")]))  # fmt: skip
    data, profiles = layouts.write(tmp_path, {**files, "orders.csv": body}, [profile])
    made = matching.prepare(data, profiles)
    assert state(made, "A1") == ("ready", "")  # the waybill names no order, but the order names its waybill
    assert state(made, "A2") == ("held", "MAT-003")


def test_a_batch_is_read_as_it_was_written_before_its_lines_were_coded() -> None:
    made = batch(lines=[line(), line(name="Party Star")])
    parts = []
    for name in ("parcels", "lines", "faults"):
        sink = io.BytesIO()
        feather.write_feather(getattr(made, name), sink, compression="lz4")
        parts.append(sink.getvalue())
    head = {"truck": made.truck.model_dump(mode="json"), "sizes": [len(p) for p in parts]}
    back = Batch.from_bytes(json.dumps(head).encode() + b"\n" + b"".join(parts))
    for name in ("parcels", "lines", "faults"):
        pd.testing.assert_frame_equal(getattr(back, name), getattr(made, name))
    again = Batch.from_bytes(made.to_bytes())
    for name in ("parcels", "lines", "faults"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(made, name))
