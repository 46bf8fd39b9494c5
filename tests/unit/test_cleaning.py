"""Cleaning: orders, charges, registered goods, legal quantities and what the target messages ask."""

# ruff: noqa: E501 (tables of cases)

from __future__ import annotations

from typing import Any

import pytest

from mappings import faults, rules
from mappings.canonical.batch import Batch
from tasks import matching
from tasks.capture import read_files
from tasks.cleaning import Cleaned, clean, score
from tests.contract import layouts
from tests.unit import trucks
from tests.unit.trucks import batch, captured, codes, good, line, payment, state, waybill


def fault(made: Batch | Cleaned, code: str) -> dict[str, Any]:
    """The one fault of this code."""
    found = made.faults[made.faults["code"] == code]
    assert len(found) == 1, made.faults.to_dict("records")
    return found.iloc[0].to_dict()


def test_charges_become_freight_and_no_goods_line() -> None:
    made = batch(
        lines=[
            line(item="POST", price="1.25", quantity=2),
            line(),
            line(item="M", quantity=1, price=".5"),
            line(item="S", price=9),
        ],
        payments=[payment(amount="6.00")],
    )
    assert state(made) == ("ready", "")
    parcel = made.parcels.iloc[0]
    assert (parcel["order.freight"], parcel["order.goods_value"]) == (300000, 300000)
    assert made.lines["line.item_no"].tolist() == ["SKU-1"]
    assert made.lines["line.gnum"].tolist() == [1]
    assert fault(made, "ORD-011")["value"] == "S 18"


def test_an_order_of_charges_only_has_no_goods_of_value() -> None:
    made = batch(lines=[line(item="POST"), line(order="B2")], payments=[payment("B2")], waybills=[waybill("B2")])
    assert state(made) == ("excluded", "ORD-002")
    assert state(made, "B2") == ("ready", "")


def test_an_order_whose_price_cannot_be_read_is_faulty_not_worthless() -> None:
    made = batch(lines=[line(price="?")])
    assert state(made)[0] == "held"
    assert "VAL-001" in codes(made)
    assert "LIN-001" not in codes(made)  # one fault a cell


def test_lines_of_an_order_need_not_stand_together() -> None:
    made = batch(
        lines=[line(), line(order="B2"), line(quantity=1, price="2"), line(order="B2", item="POST", quantity=1)],
        payments=[payment(amount="5"), payment("B2", "4.50")],
        waybills=[waybill(), waybill("B2")],
    )
    assert made.parcels["parcel.state"].tolist() == ["ready", "ready"]
    assert made.lines["parcel"].tolist() == [0, 0, 1]
    assert made.lines["line.gnum"].tolist() == [1, 2, 1]
    assert made.lines["line.row"].tolist() == [2, 4, 3]


def test_legal_quantities() -> None:
    goods = [
        good("GA", unit="011", legal="011"), good("GB", unit="011", legal="035"), good("GC", unit="025", legal="011"),
        good("GD", unit="011", legal="036"), good("GE", unit="011", legal="007"),
    ]  # fmt: skip
    made = batch(lines=[line(item=f"G{i}", price="0.3") for i in "ABCDE"], goods=goods)
    assert codes(made) == []
    assert made.lines["line.quantity1"].tolist() == [200000, 4000, 400000, 4000000, 200000]
    assert made.lines["line.unit1"].tolist() == ["H87", "KGM", "H87", "GRM", "CN:007"]


def test_a_legal_quantity_that_cannot_be_worked_out_is_a_fault() -> None:
    made = batch(goods=[good(unit="011", legal="032")])
    assert state(made) == ("held", "LIN-006")
    row = fault(made, "LIN-006")
    assert (row["value"], row["other_value"]) == ("MTK", "H87")


def test_hs_codes() -> None:
    assert codes(batch(goods=[good(code="39264000")])) == ["LIN-005"]
    assert codes(batch(goods=[good(code="3926.40.00.00")])) == []
    assert codes(batch(goods=[good(code="7700000000")])) == ["LIN-011"]
    row = fault(batch(goods=[good(code="39264000")]), "LIN-005")
    assert (row["file"], row["sheet"], row["row"], row["column"]) == ("goods_master.xlsx", "Sheet", 2, "商品编码")


def test_goods_registered_twice() -> None:
    assert list(batch(goods=[good(), good()]).faults["code"]) == ["GDS-001"]
    made = batch(goods=[good(), good(net=0.03)])
    assert "GDS-002" in codes(made)
    assert state(made) == ("held", "GDS-002")


def test_net_weight_must_be_known_and_above_zero() -> None:
    assert codes(batch(goods=[good(net=0)])) == ["LIN-010"]
    made = batch(goods=[good(net="")])
    assert state(made)[0] == "held"
    assert fault(made, "LIN-010")["row"] == 2


def test_texts_are_held_against_the_target_message() -> None:
    long = "X" * 21
    made = batch(lines=[line(item=long)], goods=[good(long)])
    row = fault(made, "TXT-001")
    assert row["value"] == long
    assert row["other_value"] == "20 (CEB603Message/InventoryList.itemNo)"
    assert state(made) == ("held", "TXT-001")
    assert codes(batch(waybills=[waybill(number="W" * 33)])) == ["TXT-001"]
    assert codes(batch(waybills=[waybill(number="W" * 32)])) == []


def test_width_and_control_characters_are_told() -> None:
    made = batch(lines=[line(item="ＳＫＵ-1", name="Star\x07s")])
    assert codes(made, least="info") == ["TXT-002", "TXT-003"]
    assert made.lines["line.item_name"].tolist() == ["Star s"]
    assert state(made) == ("ready", "")


def test_a_name_that_the_lines_lack_is_taken_from_the_registered_goods() -> None:
    made = batch(lines=[line(name="")])
    assert codes(made) == []
    assert made.lines["line.item_name"].tolist() == ["Star"]


def test_what_the_authority_does_not_see_is_at_most_a_warning() -> None:
    made = batch(lines=[line(country="Atlantis")])
    row = fault(made, "VAL-003")
    assert (row["severity"], row["field"], row["value"]) == ("warning", "order.buyer_country", "Atlantis")
    assert state(made) == ("ready", "")


def test_what_it_does_see_holds() -> None:
    assert codes(batch(payments=[payment(currency="Taler")])) == ["VAL-003"]
    assert codes(batch(payments=[payment(time="20.11.2026")])) == ["VAL-002"]
    assert codes(batch(payments=[payment(amount="three")])) == ["VAL-001"]
    assert codes(batch(payments=[payment(amount="")])) == ["VAL-004"]
    assert codes(batch(waybills=[waybill(freight="-1")])) == ["VAL-007"]
    assert codes(batch(waybills=[waybill(pieces=1.5)])) == ["VAL-001"]


def test_an_order_whose_rows_differ_takes_the_first_and_says_so() -> None:
    made = batch(lines=[line(price="0.75"), line(price="0.75", time="2026-11-20T01:03:00", country="Germany")])
    rows = made.faults[made.faults["code"] == "ORD-009"].set_index("field")
    assert rows.loc["order.ordered_at", "severity"] == "info"
    assert rows.loc["order.buyer_country", ["severity", "value", "other_value", "row"]].tolist() == [
        "warning", "Germany", "France", 3]  # fmt: skip
    assert made.parcels["order.buyer_country"].tolist() == ["FR"]


def test_lines_without_an_order_number() -> None:
    made = batch(lines=[line(), line(order="")])
    assert fault(made, "ORD-003")["row"] == 3
    assert state(made) == ("ready", "")


ORDERS = """
name: heads
sender: platform
format: {type: csv}
tables:
  order: {fields: {order_no: order, goods_value: value, freight: {from: post, optional: true}, currency: cur, cancelled: off}}
"""
LINES = """
name: items
sender: platform
format: {type: csv}
tables:
  line:
    fields: {order_no: order, item_no: item, item_name: name, quantity: qty, price: price, total_price: total,
             currency: {from: cur, optional: true}, unit_net_weight: {from: kg, optional: true}}
"""


def heads_and_items(tmp_path: Any, heads: list[list[Any]], items: list[list[Any]], more: bytes = b"") -> Batch:
    """A truck whose orders and lines are two files."""
    files = dict(trucks.files())
    del files["orders.csv"]
    files["heads.csv"] = layouts.csv_bytes(["order", "value", "post", "cur", "off"], heads)
    files["items.csv"] = layouts.csv_bytes(["order", "item", "name", "qty", "price", "total", "cur", "kg"], items)
    if more:
        files["items2.csv"] = more
    return matching.prepare(*layouts.write(tmp_path, files, [ORDERS, LINES]))


HEAD, ITEM = ["A1", "3", "0", "GBP", ""], ["A1", "SKU-1", "Star", 2, "1.5", "3", "GBP", ""]
SPLIT: list[tuple[str, list[list[Any]], list[list[Any]], list[str]]] = [
    ("good", [HEAD], [ITEM], []),
    ("value", [["A1", "4", "0", "GBP", ""]], [ITEM], ["MAT-001", "ORD-007"]),
    ("total", [HEAD], [["A1", "SKU-1", "Star", 2, "1.5", "3.01", "GBP", ""]], ["LIN-004", "ORD-007"]),
    ("own total counts", [["A1", "3.01", "0", "GBP", ""]], [["A1", "SKU-1", "Star", 2, "1.5", "3.01", "GBP", ""]],
     ["LIN-004", "MAT-001"]),
    ("line currency", [HEAD], [["A1", "SKU-1", "Star", 2, "1.5", "3", "EUR", ""]], ["LIN-008"]),
    ("currency filled", [HEAD], [["A1", "SKU-1", "Star", 2, "1.5", "", "", "0.03"]], []),
    ("no order currency", [["A1", "3", "0", "", ""]], [ITEM], ["MAT-002", "VAL-004"]),
    ("order twice", [HEAD, HEAD], [ITEM], ["ORD-005"]),
    ("order twice, different", [HEAD, ["A1", "9", "0", "GBP", ""]], [ITEM], ["ORD-004"]),
    ("no lines", [HEAD, ["B2", "1", "0", "GBP", ""]], [["B2", *ITEM[1:]]], ["ORD-008"]),
    ("line without order", [HEAD], [ITEM, ["Z9", *ITEM[1:]]], []),
    ("freight below zero", [["A1", "3", "-1", "GBP", ""]], [ITEM], ["MAT-001", "VAL-007"]),
    ("flag", [["A1", "3", "0", "GBP", "maybe"]], [ITEM], ["VAL-006"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "heads", "items", "expected"), SPLIT, ids=[s[0] for s in SPLIT])
def test_orders_and_lines_in_two_files(
    name: str, heads: list[list[Any]], items: list[list[Any]], expected: list[str], tmp_path: Any
) -> None:
    assert codes(heads_and_items(tmp_path, heads, items)) == expected


def test_a_unit_weight_in_the_lines_goes_before_the_registered_one(tmp_path: Any) -> None:
    made = heads_and_items(tmp_path, [HEAD], [["A1", "SKU-1", "Star", 2, "1.5", "3", "GBP", "0.03"]])
    assert made.parcels["parcel.net_weight"].tolist() == [6000]


def test_the_same_order_in_two_files_is_held(tmp_path: Any) -> None:
    more = layouts.csv_bytes(["order", "item", "name", "qty", "price", "total", "cur", "kg"], [ITEM, ["B", *ITEM[1:]]])
    made = heads_and_items(tmp_path, [HEAD], [ITEM], more)
    assert "LIN-009" in codes(made)
    assert fault(made, "LIN-009")["other_value"] == "items.csv, items2.csv"
    assert fault(made, "LIN-007")["value"] == "B"


def test_scores_count_rows_not_faults() -> None:
    made = captured(lines=[line(price=0, item="X"), line(), line(order="B2")],
                    waybills=[waybill(country="", gross=0), waybill("B2")])  # fmt: skip
    cleaned = clean(made)
    found = {s.file: s for s in score(cleaned.files, cleaned.faults)}
    orders, ways = found["orders.csv"], found["waybills.jsonl"]
    assert (orders.rows, orders.rejected, orders.reasons) == (3, 1, {"LIN-001": 1, "LIN-003": 1})
    assert (ways.rejected, ways.share, ways.reasons) == (1, 0.5, {"WAY-002": 1, "WAY-004": 1})
    assert (ways.sender, ways.kind) == ("carrier", "waybill")


def test_a_file_that_cannot_be_read_is_rejected_whole() -> None:
    made = read_files([*trucks.files(), ("more.csv", b"\xff\xfe\xff")])
    row = next(s for s in score(made.files, made.faults) if s.file == "more.csv")
    assert (row.rows, row.share) == (0, 1.0)


def test_every_fault_explains_itself() -> None:
    made = batch(lines=[line(price=0), line(item="X")], payments=[payment(amount="9"), payment(amount="8")],
                 waybills=[waybill(country="", gross=0, phone="?")])  # fmt: skip
    assert len(made.faults) > 5
    for row in made.faults.to_dict("records"):
        told = faults.explain(row)
        assert all(told.values())
        assert "{" not in "".join(told.values())
        assert row["file"]
        assert row["row"] > 0
        assert row["column"], row


def test_the_rules_and_faults_agree() -> None:
    table, quality = faults.table(), rules.quality()
    named = {rule.code for rule in quality.rules} | set(quality.missing.values()) | set(quality.unknown.values())
    assert named - {""} <= set(table)
    assert rules.match().max_lines == 100
    for path in (*quality.codes, *quality.identifiers, *quality.missing):
        assert path in faults.field_names(), path
    assert quality.targets["line.item_no"].length == 20
    assert quality.targets["order.order_no"].length == 60
    assert quality.targets["waybill.waybill_no"].length == 32


def test_rows_without_a_key_are_told() -> None:
    made = batch(
        payments=[payment(), payment("")], waybills=[waybill(), waybill("", number="Q")], goods=[good(), good("")]
    )
    assert state(made) == ("ready", "")
    rows = made.faults[["code", "field", "file", "row"]].to_numpy().tolist()
    assert sorted(rows) == [
        ["VAL-004", "goods.item_no", "goods_master.xlsx", 3],
        ["VAL-004", "payment.order_no", "payments.csv", 3],
        ["VAL-004", "waybill.order_no", "waybills.jsonl", 2],
    ]


def test_a_line_without_an_item_number() -> None:
    made = batch(lines=[line(item="")], goods=[good(), good("")])
    assert codes(made) == ["VAL-004"]
    assert state(made) == ("held", "VAL-004")


def test_amounts_beyond_all_bounds_are_told() -> None:
    made = batch(lines=[line(quantity="1000000000", price="99999999")])
    assert "VAL-001" in codes(made)
    assert fault(made, "VAL-001")["value"] == "1000000000 × 99999999"
    assert state(made)[0] == "held"
