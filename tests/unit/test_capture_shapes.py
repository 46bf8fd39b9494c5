"""Tables as people lay them out: what a profile says of their shape, and the faults when a file has another."""

# ruff: noqa: E501 (profiles in one line)

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from mappings.errors import ConfigurationError
from mappings.profiles.build import build
from tasks.capture import Captured, paths, read_files
from tasks.cleaning import clean
from tests.contract.layouts import csv_bytes, xlsx_bytes
from tests.unit import trucks
from tests.unit.trucks import waybill

LINE_FIELDS = "{order_no: Order, item_no: Sku, quantity: Qty, total_price: Total, net_weight: {from: Net, unit_written: true, unit: g}}"
SHAPE = "header_row: find, ignore_rows: ^(Total|#), fill_down: [Order]"


def profile(shape: str, kind: str = "csv") -> str:
    return f"name: shaped\nsender: platform\nformat: {{type: {kind}, {shape}}}\ntables:\n  line:\n    fields: {LINE_FIELDS}\n"


def read(folder: Path, text: str, name: str, body: bytes) -> Captured:
    (folder / "shaped.yaml").write_text(text, encoding="utf-8")
    return read_files([(name, body)], folder)


def told(captured: Captured) -> list[dict[str, Any]]:
    return [row for row in captured.faults.to_dict("records") if row["code"] != "CAP-002"]


ROWS = [["Order", "Sku", "Qty", "Total", "Net"], ["A1", "S1", "2", "3.00", "20g"], ["", "S2", "3", "1.00", "0.5 kg"]]


def test_titles_merged_cells_and_totals_keep_the_senders_row_numbers(tmp_path: Path) -> None:
    body = csv_bytes(["Shop report"], [[], *ROWS, [], ["Total", "", "5", "4.00", ""], ["# end"]])
    raw = read(tmp_path, profile(SHAPE), "x.csv", body).tables["line"][0]
    assert raw.rows.tolist() == [4, 5]
    assert raw.data["line.order_no"].tolist() == ["A1", "A1"]


def test_a_row_of_another_width_is_told_unless_rows_may_be_short(tmp_path: Path) -> None:
    body = csv_bytes(["Shop report"], [*ROWS, ["A2", "S1", "1"]])
    found = read(tmp_path, profile(SHAPE), "x.csv", body)
    assert [(r["code"], r["row"], r["value"], r["other_value"]) for r in told(found)] == [("CAP-008", 5, "3", "5")]
    short = read(tmp_path, profile(f"{SHAPE}, short_rows: true"), "x.csv", body)
    assert not told(short)
    assert short.tables["line"][0].data["line.total_price"].tolist() == ["3.00", "1.00", ""]


def test_a_heading_row_that_is_not_there_names_what_nearly_matches(tmp_path: Path) -> None:
    body = xlsx_bytes(["Order", "Skuu", "Qty", "Total", "Net"], [["A1", "S1", 2, 3, 1]], "", above=2)
    text = told(read(tmp_path, profile("header_row: find", "xlsx"), "x.xlsx", body))[0]
    assert text["code"] == "CAP-001"
    assert "Sku (≈ Skuu)" in text["value"]


def test_a_column_to_fill_down_that_is_not_there_is_told(tmp_path: Path) -> None:
    found = told(read(tmp_path, profile("fill_down: [Parcel]"), "x.csv", csv_bytes(ROWS[0], ROWS[1:])))
    assert [(r["code"], r["value"]) for r in found] == [("CAP-001", "Parcel (fill_down)")]


def test_a_price_from_a_total_is_told_when_it_is_rounded_and_units_stand_in_the_cell(tmp_path: Path) -> None:
    heads = [
        ["Order", "Sku", "Qty", "Total", "Net"],
        ["A1", "SKU-1", "3", "1.00", "20g"],
        ["A1", "SKU-1", "2", "3.00", "7"],
    ]
    (tmp_path / "shaped.yaml").write_text(profile("header_row: 1"), encoding="utf-8")
    orders = "name: heads\nsender: platform\nformat: {type: csv}\nrecognise: {name: heads.csv}\ntables:\n  order:\n    fields: {order_no: No, currency: {constant: GBP}}\n"
    (tmp_path / "heads.yaml").write_text(orders, encoding="utf-8")
    files = dict(trucks.files(waybills=[waybill("A1")])) | {
        "x.csv": csv_bytes(heads[0], heads[1:]),
        "heads.csv": b"No\nA1\n",
    }
    files = {name: body for name, body in files.items() if not name.startswith("orders")}
    made = clean(read_files(list(files.items()), tmp_path))
    assert made.line["line.price"].tolist() == [33333, 150000]
    assert made.line["line.net_weight"].tolist() == [2000, 700]
    rounded = made.faults[made.faults["code"] == "LIN-013"].to_dict("records")
    assert [(r["value"], r["other_value"], r["row"]) for r in rounded] == [("1", "0.33333", 2)]
    assert "LIN-004" not in set(made.faults["code"])


def test_a_unit_beside_the_number_does_not_keep_marks_of_emptiness_and_aliases_out(tmp_path: Path) -> None:
    fields = "{waybill_no: No, order_no: Order, gross_weight: {from: Kg, unit_from: U, aliases: {half: '0.5'}}}"
    text = f"name: shaped\nsender: carrier\nempty: ['-']\nformat: {{type: csv}}\ntables:\n  waybill:\n    fields: {fields}\n"
    (tmp_path / "shaped.yaml").write_text(text, encoding="utf-8")
    body = csv_bytes(
        ["No", "Order", "Kg", "U"], [["W1", "A1", "half", "kg"], ["W2", "A2", "-", "kg"], ["W3", "A3", "１２", "g"]]
    )
    files = {n: b for n, b in dict(trucks.files()).items() if not n.startswith("waybills")} | {"w.csv": body}
    made = clean(read_files(list(files.items()), tmp_path))
    assert made.waybill["waybill.gross_weight"].fillna(0).tolist() == [50000, 0, 1200]
    mine = made.faults[(made.faults["file"] == "w.csv") & (made.faults["field"] == "waybill.gross_weight")]
    assert "VAL-001" not in set(mine["code"])
    assert set(mine[mine["code"] == "TXT-003"]["value"]) == {"１２"}


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ("header_row: first", "find or none"),
        ("header_rows: two", "a number is expected"),
        ("ignore_rows: '('", "no regular"),
    ],
)
def test_a_shape_that_makes_no_sense_is_refused_by_name(shape: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        build(yaml.safe_load(profile(shape)), "shaped.yaml")


def test_every_enters_lists_and_mappings() -> None:
    tree = {"days": [{"orders": {"A": {"n": 1}, "B": {"n": 2}}}, {"orders": {"C": {"n": 3}}}, {"orders": None}]}
    assert paths.every([tree], "days.orders.*") == [{"n": 1, "@key": "A"}, {"n": 2, "@key": "B"}, {"n": 3, "@key": "C"}]
    assert paths.every([tree], "days.0.orders.A.n") == [1]
    assert paths.every([tree], "nothing.here") == []
    assert paths.every([[1, 2]], "") == [1, 2]
