"""The inventory's own lines beside the order's: one sheet made wrong in one place at a time, both cells are told."""

# ruff: noqa: E501 (tables of cases)

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from deployments import xlsx
from deployments.demo_import import MadeImport, make_import
from deployments.demo_import_files import write
from deployments.demo_import_flaws import cancelled
from mappings import rules
from mappings.canonical.batch import Batch
from mappings.canonical.model import InventoryLine
from mappings.faults import explain
from tasks import matching
from tasks.capture import from_shipment, read_files
from tasks.capture.captured import Captured
from tasks.capture.merging import merged
from tasks.cleaning import clean
from tasks.matching import match
from tests.contract.layouts import csv_bytes
from tests.unit.test_import_people_and_rows import _shipment

Row = dict[str, Any]
# A layout that nobody ships: Portuguese headings, semicolons, decimal commas, quantities and units in one sheet of a broker.
HELD_OUT = """
name: despachante
sender: agent
decimal: ","
format: {type: csv, delimiter: semicolon, encoding: latin-1}
tables:
  inventory:
    fields:
      order_no: Encomenda
      gnum: {from: Linha, optional: true}
      item_no: Artigo
      quantity: Quantidade
      unit: {from: Unidade, aliases: {peça: H87}, optional: true}
      price: Preço
      total_price: {from: Total, optional: true}
"""
HEADS = ["Encomenda", "Linha", "Artigo", "Quantidade", "Preço", "Total"]
MADE = make_import(4, seed=3)


def sheet(made: MadeImport = MADE) -> list[Row]:
    """The inventory's lines as a broker who made no mistake has them."""
    return [
        {"Encomenda": o["orderNo"], "Linha": n, "Artigo": i["sku"], "Quantidade": i["qty"],
         "Preço": Decimal(i["fen"]) / 100, "Total": Decimal(i["qty"] * i["fen"]) / 100}
        for o in made.orders for n, i in enumerate(o["items"], 1)
    ]  # fmt: skip


def judged(folder: Path, rows: list[Row], made: MadeImport = MADE, heads: list[str] = HEADS) -> Batch:
    data, profiles = write(made, folder / "files"), folder / "profiles"
    profiles.mkdir()
    (profiles / "despachante.yaml").write_text(HELD_OUT, encoding="utf-8")
    written = [[str(row[h]).replace(".", ",") for h in heads] for row in rows]
    (data / "folha.csv").write_bytes(csv_bytes(heads, written, "latin-1", ";"))
    return matching.prepare(data, profiles)


def told(batch: Batch) -> list[tuple[str, ...]]:
    columns = ("order_no", "code", "field", "value", "other_value", "file", "row", "column", "other_place")
    return [tuple(map(str, row)) for row in batch.faults[list(columns)].itertuples(index=False)]


def order(n: int) -> str:
    return str(MADE.orders[n]["orderNo"])


LONG = next(n for n, o in enumerate(MADE.orders) if len(o["items"]) > 1)
FIRST = sum(len(o["items"]) for o in MADE.orders[:LONG])  # rows of the sheet before those of the order of several lines
ITEM = MADE.orders[LONG]["items"][1]


def at(row: int, **change: Any) -> Callable[[list[Row]], list[Row]]:
    return lambda rows: [*rows[:row], {**rows[row], **change}, *rows[row + 1 :]]


def test_an_inventory_that_is_its_order_changes_nothing(tmp_path: Path) -> None:
    batch = judged(tmp_path, sheet())
    assert told(batch) == []
    assert set(batch.parcels["parcel.state"]) == {"ready"}


def test_without_numbers_lines_follow_one_another_and_the_rows_of_an_order_need_not(tmp_path: Path) -> None:
    rows = sheet()
    apart = [*rows[FIRST + 1 :], *rows[:FIRST], rows[FIRST]]
    assert told(judged(tmp_path / "a", rows, heads=[h for h in HEADS if h != "Linha"])) == []
    found = judged(tmp_path / "b", apart, heads=[h for h in HEADS if h != "Linha"])
    assert {row[0] for row in told(found)} == {order(LONG)}, "its lines are in another order now"
    assert told(judged(tmp_path / "c", apart)) == [], "but by their numbers they are the same"


VALUES: list[tuple[str, Any, str, str, str, str]] = [
    ("Quantidade", ITEM["qty"] + 1, "inventory.quantity", str(ITEM["qty"] + 1), str(ITEM["qty"]), "items.qty"),
    ("Preço", Decimal("0.5"), "inventory.price", "0.5", "", "items.price"),
    ("Artigo", "IMP-9999", "inventory.item_no", "IMP-9999", ITEM["sku"], "items.sku"),
    ("Total", Decimal("1.25"), "inventory.total_price", "1.25", "", "items.total"),
]


@pytest.mark.parametrize(("head", "wrong", "field", "value", "other", "theirs"), VALUES, ids=[v[0] for v in VALUES])
def test_a_value_that_differs_is_told_with_both_cells(
    head: str, wrong: Any, field: str, value: str, other: str, theirs: str, tmp_path: Path
) -> None:
    batch = judged(tmp_path, at(FIRST + 1, **{head: wrong})(sheet()))
    (found,) = told(batch)
    price = {"inventory.price": ITEM["fen"], "inventory.total_price": ITEM["qty"] * ITEM["fen"]}
    other = other or f"{Decimal(price[field]) / 100:f}".removesuffix(".00")
    assert found == (order(LONG), "MAT-110", field, value, other, "folha.csv", str(FIRST + 3), head,
                     f"shop_orders.json:{LONG + 1} {theirs}")  # fmt: skip
    states = dict(zip(batch.parcels["order.order_no"], batch.parcels["parcel.state"], strict=True))
    assert states == {order(n): "held" if n == LONG else "ready" for n in range(4)}
    text = explain({**batch.faults.iloc[0].to_dict()})
    assert "1322" in text["message_zh"]
    assert found[8] in text["message_en"]


def test_a_unit_that_the_order_has_from_the_registered_goods_is_told_with_their_cell(tmp_path: Path) -> None:
    heads = [*HEADS, "Unidade"]
    rows = [{**row, "Unidade": ""} for row in sheet()]
    (found,) = told(judged(tmp_path, at(FIRST, Unidade="peça")(rows), heads=heads))
    assert found[:4] == (order(LONG), "MAT-110", "inventory.unit", "H87")
    assert found[8].startswith("import_goods.xlsx")
    assert found[8].endswith("计量单位")


def test_another_number_of_lines_is_told_with_both_numbers(tmp_path: Path) -> None:
    count = len(MADE.orders[LONG]["items"])
    fewer = [row for n, row in enumerate(sheet()) if n != FIRST + count - 1]
    assert told(judged(tmp_path / "fewer", fewer)) == [
        (order(LONG), "MAT-108", "inventory.order_no", str(count - 1), str(count), "folha.csv", str(FIRST + 2),
         "Encomenda", f"shop_orders.json:{LONG + 1} orderNo")
    ]  # fmt: skip
    more = [*sheet(), {**sheet()[FIRST], "Linha": count + 1}]
    codes = [(row[1], row[3], row[4]) for row in told(judged(tmp_path / "more", more))]
    assert codes == [("MAT-108", str(count + 1), str(count)), ("MAT-109", str(count + 1), f"1-{count}")]


def test_an_order_that_the_inventory_does_not_have_at_all_has_no_lines_in_it(tmp_path: Path) -> None:
    batch = judged(tmp_path, [row for row in sheet() if row["Encomenda"] != order(LONG)])
    (found,) = told(batch)
    assert found[:5] == (order(LONG), "MAT-108", "order.order_no", "0", str(len(MADE.orders[LONG]["items"])))
    assert rules.match().authority_codes["MAT-108"] == "1320"


def test_two_lines_of_one_number_are_told(tmp_path: Path) -> None:
    found = told(judged(tmp_path, at(FIRST + 1, Linha=1)(sheet())))
    assert [(row[1], row[3]) for row in found] == [("MAT-109", "1")]


def test_a_line_of_no_order_is_a_warning_and_one_of_a_cancelled_order_nothing(tmp_path: Path) -> None:
    batch = judged(tmp_path, [*sheet(), {**sheet()[0], "Encomenda": "SP-NOBODY"}], cancelled(MADE, order(0)))
    assert [(row[0], row[1]) for row in told(batch)] == [(order(0), "ORD-001"), ("SP-NOBODY", "MAT-111")]


def test_a_quantity_that_is_no_number_holds_its_parcel(tmp_path: Path) -> None:
    batch = judged(tmp_path, at(FIRST, Quantidade="duas")(sheet()))
    assert [row[1] for row in told(batch)] == ["VAL-001"]
    assert batch.parcels["parcel.state"].tolist().count("held") == 1


def test_the_shipped_sheet_is_read_and_a_later_one_takes_its_place(tmp_path: Path) -> None:
    """A corrected sheet of one order replaces that order's lines, and the parcel goes on."""
    data = write(MADE, tmp_path / "files")
    heads = ("订单编号", "商品序号", "企业商品货号", "成交数量", "成交单价", "成交总价", "币制")

    def rows(found: list[Row]) -> list[tuple[Any, ...]]:
        return [(*(str(row[h]) for h in HEADS), "人民币") for row in found]

    def read(path: Path) -> Captured:
        return read_files([(path.name, path.read_bytes())])

    xlsx.write(data / "inventory_lines.xlsx", [heads, *rows(at(FIRST, Quantidade=9)(sheet()))])
    files = read_files([(p.name, p.read_bytes()) for p in sorted(data.iterdir())])
    assert [row[1] for row in told(match(clean(files)))] == ["MAT-110"]
    mended = [row for row in sheet() if row["Encomenda"] == order(LONG)]
    xlsx.write(tmp_path / "inventory_lines_2.xlsx", [heads, *rows(mended)])
    assert told(match(clean(merged([files, read(tmp_path / "inventory_lines_2.xlsx")])))) == []


def test_an_api_call_may_bring_the_inventory_s_lines() -> None:
    shipment = _shipment()
    parcel = shipment.parcels[0]
    same = InventoryLine(order_no="1", item_no="a", quantity=Decimal(2), price=Decimal("1.5"))
    for line, codes in ((same, []), (same.model_copy(update={"price": Decimal(2)}), ["MAT-110"])):
        parcel.inventory = [line]
        found = match(clean(from_shipment(shipment))).faults
        assert found["code"][found["order_no"] != ""].tolist() == codes
