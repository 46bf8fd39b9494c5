"""A table or JSON that a person changed becomes a message again, or is told where it is wrong."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest

from mappings.engine import sheets, structured, tree
from mappings.errors import DataFault
from tests.golden.samples import sample
from tests.unit.test_workbench import here, inventory

__all__ = ["here"]


def changed(change: Callable[[Any], None]) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(sheets.dumps(inventory())))
    change(book)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def put(sheet: str, cell: str, value: Any) -> Callable[[Any], None]:
    def change(book: Any) -> None:
        book[sheet][cell] = value

    return change


def test_a_table_saved_again_is_the_same_message() -> None:
    assert sheets.loads(changed(lambda book: None)).same(inventory())


def test_numbers_and_new_rows_that_a_person_typed_are_taken() -> None:
    def change(book: Any) -> None:
        lines = book["InventoryList"]
        heads = {c.value: c.column for c in lines[1]}
        lines.append([c.value for c in lines[7]])
        lines.cell(8, 1).value = 40
        lines.cell(8, heads["qty"]).value = 2.5
        lines.cell(8, heads["qty1"]).value = 3.0
        lines.cell(8, heads["gnum"]).value = 2
        lines.cell(8, heads["note"]).value = None

    rows = sheets.loads(changed(change)).rows["InventoryList"]
    assert len(rows) == 4
    assert rows[3].parent == rows[2].parent == 1
    assert [rows[3].values[t] for t in ("qty", "qty1", "gnum")] == ["2.5", "3", "2"]
    assert "note" not in rows[3].values


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (put("InventoryList", "D6", True), "InventoryList!D6"),
        (put("InventoryList", "D6", "=1+1"), "InventoryList!D6"),
        (put("InventoryList", "A6", "x"), "InventoryList!6 row"),
        (put("InventoryList", "A6", "1"), "stands twice"),
        (put("InventoryList", "B6", "9"), "InventoryHead|Inventory has no row 9"),
        (put("InventoryList", "D1", "qtty"), "InventoryList!D1"),
        (put("InventoryList", "D1", "gnum"), "twice"),
        (put("InventoryList", "AZ6", "1"), "without heading"),
        (put("报文 message", "C2", "other"), "no sheet"),
        (put("报文 message", "A5", "@other"), "no attribute"),
        (lambda book: book.create_sheet("Sheet1"), "Sheet1"),
        (lambda book: book.remove(book["报文 message"]), "no sheet"),
    ],
)
def test_a_wrong_table_is_told_where(change: Callable[[Any], None], told: str) -> None:
    with pytest.raises(DataFault, match=told):
        sheets.loads(changed(change))


def test_a_long_text_without_its_row_and_a_bomb_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    made = sample("CEB900Message")
    made.rows["MessageReturn"][0].values["oriBizMessage"] = "x" * 40_000
    book = openpyxl.load_workbook(io.BytesIO(sheets.dumps(made)))
    book["长文本 long texts"]["B2"] = "7"
    file = io.BytesIO()
    book.save(file)
    with pytest.raises(DataFault, match="has no row 7"):
        sheets.loads(file.getvalue())
    monkeypatch.setattr(sheets, "MOST_BYTES", 1000)
    with pytest.raises(DataFault, match="unpacks"):
        sheets.loads(sheets.dumps(made))
    monkeypatch.setattr(sheets, "MOST_ROWS", 0)
    with pytest.raises(DataFault, match="too many"):
        sheets.dumps(made)


def wrong(**changes: Any) -> bytes:
    return json.dumps(structured.nested(inventory()) | changes).encode()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (wrong(content={"Nothing": {}}), "CEB621Message/Nothing"),
        (wrong(content={"ds:Signature": {}}), "Signature"),
        (wrong(content={"Inventory": [{"InventoryHead": {"guid": 7}}]}), "Inventory/InventoryHead/guid"),
        (wrong(content={"Inventory": [{"InventoryHead": {"guid": "\x01"}}]}), r"U\+0001"),
        (wrong(content={"Inventory": ["x"]}), "object"),
        (wrong(content={"Inventory": {"other": "x"}}), "Inventory/other"),
        (wrong(content=[]), "objects"),
        (wrong(attributes={"other": "x"}), "@other"),
        (b"[1]", "names no message"),
        (b"[" * 100_000, "JSON"),
    ],
)
def test_wrong_json_is_told_where(data: bytes, told: str) -> None:
    with pytest.raises(DataFault, match=told):
        structured.loads(data)


def test_json_takes_null_as_absent_and_one_where_many_may_stand() -> None:
    made = structured.loads(wrong(content={"Inventory": {"InventoryHead": [{"guid": None, "note": ""}]}}))
    assert made.rows["InventoryHead"] == [tree.Row(0, {"note": ""})]
