"""Profile files: the shipped ones hold, the documented example works, and what is wrong in one is named."""

# ruff: noqa: E501 (tables of cases)

from __future__ import annotations

import io
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

from mappings import profiles
from mappings.errors import ConfigurationError
from tasks.capture import Captured, read_files
from tasks.cleaning.cells import Cells, Distinct
from tasks.cleaning.numbers import decimals
from tasks.cleaning.times import times
from tests.contract.layouts import TRUCK, csv_bytes, xlsx_bytes
from tests.unit import trucks

DOCS = Path(__file__).parents[2] / "docs" / "profiles.md"
GOOD: dict[str, str] = {
    "name": "name: x",
    "sender": "sender: seller",
    "format": "format: {type: csv}",
    "tables": "tables: {goods: {fields: {item_no: a}}}",
}


def text(**parts: str) -> str:
    """The smallest profile, with parts replaced."""
    return "\n".join({**GOOD, **parts}.values()) + "\n"


def put(folder: Path, body: str, name: str = "x") -> Path:
    """A directory of profiles that holds this one."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.yaml").write_text(body, encoding="utf-8")
    return folder


@pytest.mark.parametrize("profile", profiles.profiles(), ids=lambda p: p.name)
def test_shipped_profiles_are_whole(profile: profiles.Profile) -> None:
    assert profile.name in profiles.shipped_names()
    assert profile.title_zh
    assert profile.title_en
    assert profile.wanted
    assert profile.file_name


def test_the_documented_example_works(tmp_path: Path) -> None:
    example = re.search(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert example
    heads = ["訂單編號", "下單時間", "國家", "狀態", "貨號", "品名", "顏色", "數量", "折後價", "單價", "類型"]
    rows = [
        ["H1", "2026/11/20 08:00", "EIRE", "", "G1", "杯", "藍", "2", "", "250", "商品"],
        ["H1", "2026/11/20 08:00", "EIRE", "", "POST", "", "", "1", "", "399", "商品"],
        ["H1", "2026/11/20 08:00", "EIRE", "", "", "", "", "3", "", "899", "合計"],
        ["H2", "2026-11-20T09:00:00", "不詳", "取消", "G1", "杯", "-", "1", "199", "250", "商品"],
    ]
    data = csv_bytes(heads, rows, "gb18030", ";")
    goods = trucks.files(goods=[trucks.good("G1")])
    made = read_files([*(f for f in goods if f[0] != "orders.csv"), ("x.csv", data)], put(tmp_path, example.group(1)))
    from tasks.cleaning import clean

    cleaned = clean(made)
    assert cleaned.order["order.order_no"].tolist() == ["H1", "H2"]
    assert cleaned.order["order.buyer_country"].tolist() == ["IE", ""]
    assert [t.isoformat() for t in cleaned.order["order.ordered_at"]] == [
        "2026-11-20T00:00:00+00:00", "2026-11-20T01:00:00+00:00"]  # fmt: skip
    assert cleaned.excluded.tolist() == [False, True]
    assert cleaned.order["order.freight"].tolist() == [399000, 0]
    assert cleaned.line["line.price"].tolist() == [250000, 199000]
    assert cleaned.line["line.item_name"].tolist() == ["杯 / 藍", "杯 / -"]
    assert cleaned.faults[cleaned.faults["severity"] == "error"].empty


WRONG: list[tuple[str, dict[str, str], str]] = [
    ("no mapping", dict.fromkeys(GOOD, "- 1"), "no profile"),
    ("not YAML", {"name": "name: ["}, "cannot be read as YAML"),
    ("no name", {"name": "title: {zh: x}"}, "name is missing"),
    ("sender", {"sender": "sender: somebody"}, "somebody"),
    ("unknown key", {"sender": "sender: seller\ncolour: red"}, "unknown key colour"),
    ("type", {"format": "format: {type: doc}"}, "doc"),
    ("no format", {"format": ""}, "format is missing"),
    ("format no mapping", {"format": "format: csv"}, "a mapping is expected"),
    ("delimiter", {"format": "format: {type: csv, delimiter: '||'}"}, "delimiter"),
    ("encoding", {"format": "format: {type: csv, encoding: klingon}"}, "klingon"),
    ("header row", {"format": "format: {type: csv, header_row: first}"}, "row number"),
    ("no header", {"format": "format: {type: csv, header_row: none}"}, "columns"),
    ("table", {"tables": "tables: {cargo: {fields: {a: b}}}"}, "cargo"),
    ("no fields", {"tables": "tables: {goods: {}}"}, "fields is missing"),
    ("field", {"tables": "tables: {goods: {fields: {colour: a}}}"}, "no field 'colour'"),
    ("field key", {"tables": "tables: {goods: {fields: {item_no: {form: a}}}}"}, "unknown key form"),
    ("field from nowhere", {"tables": "tables: {goods: {fields: {item_no: {default: a}}}}"}, "one of from"),
    ("unit", {"tables": "tables: {goods: {fields: {net_weight: {from: a, unit: metre}}}}"}, "no unit of mass"),
    ("scale", {"tables": "tables: {goods: {fields: {net_weight: {from: a, scale: much}}}}"}, "no plain number"),
    ("decimal", {"tables": "tables: {goods: {fields: {net_weight: {from: a, decimal: ';'}}}}"}, "decimal is"),
    ("pattern", {"tables": "tables: {goods: {fields: {item_no: {from: a, matches: '('}}}}"}, "regular expression"),
    ("group", {"tables": "tables: {goods: {fields: {item_no: {from: a, extract: 'x'}}}}"}, "group in brackets"),
    ("codes", {"tables": "tables: {goods: {fields: {item_no: {from: a, codes: cn_ecommerce/nothing}}}}"}, "nothing"),
    ("where", {"tables": "tables: {goods: {fields: {item_no: a}, where: a}}"}, "heading to value"),
    ("charges", {"sender": "sender: seller\ncharges: {codes: {POST: parcel}}"}, "parcel is none of"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "parts", "says"), WRONG, ids=[w[0] for w in WRONG])
def test_what_is_wrong_in_a_profile_is_named(name: str, parts: dict[str, str], says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(says)) as raised:
        profiles.profiles(put(tmp_path, text(**parts)))
    assert "x.yaml" in str(raised.value)


def test_directories_of_profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = put(tmp_path / "one", text())
    two = put(tmp_path / "two", text(sender="sender: agent"))
    monkeypatch.setenv("TONGGUAN_PROFILES", f"{one}:{two}")
    found = {p.name: p for p in profiles.profiles()}
    assert found["x"].sender == "seller"
    assert "truck_sheet" in found
    assert profiles.heading("x", "goods.item_no") == "a"
    assert profiles.heading("x", "line.price") == ""
    assert profiles.heading("nobody", "line.price") == ""
    put(one, text(), "again")
    with pytest.raises(ConfigurationError, match="already"):
        profiles.profiles()
    monkeypatch.setenv("TONGGUAN_PROFILES", str(tmp_path / "gone"))
    with pytest.raises(ConfigurationError, match="does not exist"):
        profiles.profiles()


def test_a_changed_profile_is_read_again(tmp_path: Path) -> None:
    folder = put(tmp_path, text())
    assert profiles.heading("x", "goods.item_no", folder) == "a"
    put(folder, text(tables="tables: {goods: {fields: {item_no: longer}}}"))
    assert profiles.heading("x", "goods.item_no", folder) == "longer"


def lines_of(captured: Captured) -> list[list[Any]]:
    """The captured lines as lists, with their row numbers."""
    raw = captured.tables["line"][0]
    return [[*row, n] for row, n in zip(raw.data.to_numpy().tolist(), raw.rows.tolist(), strict=True)]


LINES = "tables: {line: {fields: {order_no: no, quantity: on}, where: {kind: [L, M]}, where_not: {off: y}}}"


def test_headings_and_conditions_are_taken_as_written(tmp_path: Path) -> None:
    folder = put(tmp_path, text(tables=LINES))
    rows = [["011", "1", "L", ""], ["2", "2", "H", ""], ["3", "3", "M", "y"], ["4", "4", "M ", "n"]]
    made = read_files([("a.csv", csv_bytes(["no", "on", "kind", "off"], rows))], folder)
    assert lines_of(made) == [["011", "1", 2], ["4", "4", 5]]


def test_a_condition_on_a_column_that_is_not_there(tmp_path: Path) -> None:
    made = read_files([("a.csv", csv_bytes(["no", "on"], [["1", "1"]]))], put(tmp_path, text(tables=LINES)))
    assert made.faults["value"].str.contains(r"kind \(where\)").any()


def test_files_without_a_header(tmp_path: Path) -> None:
    tables = "tables: {line: {fields: {order_no: a, quantity: c}}}"
    for form, name, body in (
        ("csv", "a.csv", b"1,x,2\r\n3,y,4\r\n"),
        ("xlsx", "a.xlsx", xlsx_bytes(["1", "x", "2"], [["3", "y", "4"]], "")),
    ):
        head = f"format: {{type: {form}, header_row: none, columns: [a, b, c]}}"
        only = text(format=head, tables=tables) + f"recognise: {{name: {name}}}\n"
        made = read_files([(name, body)], put(tmp_path, only))
        assert lines_of(made) == [["1", "2", 1], ["3", "4", 2]]


def test_the_first_that_is_not_empty_and_what_is_joined(tmp_path: Path) -> None:
    tables = "tables: {line: {fields: {order_no: {from: [a, b]}, item_name: {join: [c, d], with: ' + '}, unit: {from: z, optional: true}}}}"
    made = read_files(
        [("a.csv", csv_bytes(["a", "b", "c", "d"], [["", "B", "C", ""], ["A", "B", "C", "D"]]))],
        put(tmp_path, text(tables=tables)),
    )
    assert lines_of(made) == [["B", "C", "", 2], ["A", "C + D", "", 3]]


def test_a_sheet_for_each_table(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(io.BytesIO(xlsx_bytes(["note"], [], "")))
    for name, rows in {
        "orders": [["no"], ["A1"]],
        "lines": [["about"], ["no", "qty"], ["A1", 2], [None, None], ["A1", 3]],
    }.items():
        page = book.create_sheet(name)
        for row in rows:
            page.append(row)
    out = io.BytesIO()
    book.save(out)
    tables = """tables:
  order: {sheet: orders, fields: {order_no: no}}
  line: {sheet: lines, header_row: 2, fields: {order_no: no, quantity: qty}}
"""
    made = read_files([("a.xlsx", out.getvalue())], put(tmp_path, text(format="format: {type: xlsx}", tables=tables)))
    assert lines_of(made) == [["A1", "2", 3], ["A1", "3", 5]]
    assert [t.sheet for ts in made.tables.values() for t in ts] == ["orders", "lines"]
    assert made.files[0].rows == 3


def test_a_list_for_each_table(tmp_path: Path) -> None:
    tables = """tables:
  order: {records: data.orders, fields: {order_no: id}}
  line: {records: data.lines, fields: {order_no: of, quantity: n}}
"""
    body = b'{"data": {"orders": [{"id": 7}], "lines": [{"of": 7, "n": 2.50}, {"of": 7, "n": null}]}}'
    made = read_files([("a.json", body)], put(tmp_path, text(format="format: {type: json}", tables=tables)))
    assert lines_of(made) == [["7", "2.50", 1], ["7", "", 2]]


def test_cells_without_quotes(tmp_path: Path) -> None:
    only = text(
        format="format: {type: csv, delimiter: tab, quote: ''}",
        tables="tables: {line: {fields: {order_no: a, item_name: b}}}",
    )
    made = read_files([("a.tsv", b'a\tb\n1\t5" nails\n')], put(tmp_path, only))
    assert lines_of(made) == [["1", '5" nails', 2]]


def test_truck_and_orders_in_one_document(tmp_path: Path) -> None:
    tables = """tables:
  truck:
    fields:
      {master_waybill: truck.no, customs_office: {constant: 5788}, exit_port: {constant: 5788}, port_of_destination: {constant: HKG},
       mainland_plate: truck.plate, planned: {subtree: truck.planned}, parties: {subtree: truck.parties}}
  order: {rows: orders, fields: {order_no: orders.id, currency: {constant: GBP}}}
"""
    truck = {"no": "M1", "plate": TRUCK["mainland_plate"], "planned": TRUCK["planned"], "parties": TRUCK["parties"]}
    body = json.dumps({"truck": truck, "orders": [{"id": 1}, {"id": 2}]}).encode()
    made = read_files([("a.json", body)], put(tmp_path, text(format="format: {type: json}", tables=tables)))
    assert made.truck is not None
    assert made.truck.master_waybill == "M1"
    assert made.tables["order"][0].data["order.order_no"].tolist() == ["1", "2"]
    assert "truck" not in made.tables


def test_numbers_that_are_no_texts_need_no_decimal_sign(tmp_path: Path) -> None:
    """A comma as decimal sign says how texts are written; a workbook's or JSON's own numbers have none."""
    tables = "decimal: ','\ntables: {line: {fields: {order_no: a, price: b, quantity: c}}}"
    book = xlsx_bytes(["a", "b", "c"], [["1", 1.234, "1.234,5"], ["2", "0,5", 2]], "")
    body = b'[{"a": "1", "b": 1.234, "c": "1.234,5"}, {"a": "2", "b": "0,5", "c": 2}, 5]'
    for form, name, data in (("xlsx", "a.xlsx", book), ("json", "a.json", body)):
        only = text(format=f"format: {{type: {form}}}", tables=tables)
        made = read_files([(name, data)], put(tmp_path, only))
        raw = made.tables["line"][0]
        for path, wanted in (("line.price", [123400, 50000]), ("line.quantity", [123450000, 200000])):
            texts = raw.data[path].tolist()
            notes = Cells(raw.data[path], Distinct(np.arange(2), texts))
            assert decimals(texts, raw.fields[path], notes)[0].tolist() == wanted
        assert [c for c in made.faults["code"] if c != "CAP-002"] == (["CAP-009"] if form == "json" else [])


def test_a_workbooks_real_dates_need_no_form(tmp_path: Path) -> None:
    tables = "tables: {order: {fields: {order_no: a, ordered_at: {from: b, format: '%d.%m.%Y'}}}}"
    book = xlsx_bytes(["a", "b"], [["1", datetime.fromisoformat("2026-11-20T08:00:00")], ["2", "20.11.2026"]], "")
    made = read_files([("a.xlsx", book)], put(tmp_path, text(format="format: {type: xlsx}", tables=tables)))
    raw = made.tables["order"][0]
    texts = raw.data["order.ordered_at"].tolist()
    found = times(
        texts, raw.fields["order.ordered_at"], Cells(raw.data["order.ordered_at"], Distinct(np.arange(2), texts))
    )
    assert [t.isoformat() for t in found] == ["2026-11-20T00:00:00+00:00", "2026-11-19T16:00:00+00:00"]
