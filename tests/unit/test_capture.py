"""Capture: what a file is, what is wrong with it, and that one bad file or row never stops the others."""

# ruff: noqa: E501 (tables of cases)

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mappings.canonical.model import GoodsLine, Order, Parcel, Payment, Shipment, Truck, Waybill
from mappings.errors import DataFault
from tasks import matching
from tasks.capture import Captured, from_shipment, read_files, read_folder
from tasks.capture.tabular import cell_text, unique
from tasks.cleaning import clean, score
from tests.contract.layouts import TRUCK, csv_bytes, xlsx_bytes
from tests.unit import trucks
from tests.unit.trucks import ORDER_HEADS, line, waybill

HEAD = ",".join(ORDER_HEADS) + "\n"
ROW = "A1,SKU-1,Star,2,2026-11-20T01:02:03,1.50,1,France\n"


def told(captured: Captured) -> list[tuple[str, int]]:
    """Code and row of each fault but those of completeness."""
    rows = captured.faults.to_dict("records")
    return [(r["code"], r["row"]) for r in rows if r["code"] != "CAP-002"]


def one(name: str, data: bytes) -> Captured:
    return read_files([(name, data)])


HOSTILE = [
    ("empty.csv", b"", [("CAP-003", 0)]),
    ("blank.csv", b"\xef\xbb\xbf \r\n", [("CAP-003", 0)]),
    ("orders.csv", bytes(range(256)) * 50, [("CAP-001", 0)]),
    ("broken.xml", b"<a><b></a>", [("CAP-010", 1)]),
    ("entity.xml", b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', [("CAP-011", 0)]),
    ("doctype.xml", b"<!DOCTYPE a><a/>", [("CAP-011", 0)]),
    ("plain.xml", b"<a/>", [("CAP-001", 0)]),
    ("book.xlsx", b"a,b\n1,2\n", [("CAP-004", 0)]),
    ("book.xlsx", b"PK\x03\x04 no workbook", [("CAP-010", 0)]),
    ("half.json", b'{"a":', [("CAP-010", 0)]),
    ("deep.json", b"[" * 100_000, [("CAP-010", 0)]),
    ("list.json", b"[1, 2]", [("CAP-001", 0)]),
    ("noise.bin", b"\x00\x01\x02", [("CAP-001", 0)]),
]


@pytest.mark.parametrize(("name", "data", "expected"), HOSTILE, ids=[f"{n}-{i}" for i, (n, _, _) in enumerate(HOSTILE)])
def test_a_bad_file_leaves_a_fault_and_the_others_go_on(
    name: str, data: bytes, expected: list[tuple[str, int]]
) -> None:
    made = read_files([(name, data), *trucks.files()])
    assert told(made) == expected
    assert made.complete
    assert {f.name for f in made.files} == {name, *(n for n, _ in trucks.files())}
    assert matching.match(clean(made)).parcels["parcel.state"].tolist() == ["ready"]


def test_ragged_rows_are_faults_and_row_numbers_stay_true() -> None:
    body = HEAD + ROW + "A2,x,y\n" + ROW + "\n" + ROW.strip() + ",more\n" + ROW
    made = one("orders.csv", body.encode())
    assert told(made) == [("CAP-008", 3), ("CAP-008", 6)]
    assert made.tables["line"][0].rows.tolist() == [2, 4, 7]
    fault = made.faults.iloc[0]
    assert (fault["value"], fault["other_value"], fault["file"], fault["stage"]) == ("3", "8", "orders.csv", "capture")


def test_an_unclosed_quote_says_how_many_lines_it_swallowed() -> None:
    made = one("orders.csv", (HEAD + ROW + 'A2,x,"no end\n' + ROW + ROW).encode())
    assert told(made) == [("CAP-008", 3)]
    assert "2" in made.faults.iloc[0]["value"].partition("↵")[2]


def test_a_cell_may_hold_line_breaks() -> None:
    made = one("orders.csv", (HEAD + ROW.replace("Star", '"Star\nof ""Sample"""') + ROW).encode())
    assert told(made) == []
    assert made.tables["line"][0].data["line.item_name"].tolist() == ['Star\nof "Sample"', "Star"]


def test_a_wrong_encoding_names_row_and_byte() -> None:
    data = (HEAD + ROW + ROW.replace("Star", "Sté")).encode("latin-1")
    made = one("orders.csv", data)
    assert told(made) == [("CAP-006", 3)]
    at = data.index(b"\xe9")
    assert f"row 3, byte {at} (0xE9)" in made.faults.iloc[0]["other_value"]
    assert "order" not in made.tables


def test_headings_tell_the_encoding_when_the_profile_is_wrong() -> None:
    rows = [trucks.payment()]
    for encoding in ("utf-8", "utf-16"):
        made = one("payments.csv", csv_bytes(trucks.PAY_HEADS, rows, encoding))
        assert told(made) == [("CAP-007", 0)]
        assert made.tables["payment"][0].data["payment.payer_name"].tolist() == ["Ada Sample"]


def test_a_file_that_fits_no_profile_names_what_nearly_matches() -> None:
    heads = [h.replace("UnitPrice", "Unit_Price").replace("Country", "Land") for h in ORDER_HEADS]
    made = one("orders.csv", csv_bytes(heads, [line()]))
    assert told(made) == [("CAP-001", 0)]
    text = made.faults.iloc[0]["value"]
    assert "online_retail_orders" in text
    assert "UnitPrice (≈ Unit_Price)" in text
    assert "InvoiceNo, InvoiceDate" in text


def test_headings_are_compared_without_case_width_or_space() -> None:
    heads = [
        " invoiceno",
        "STOCKCODE",
        "Description ",
        "Ｑuantity",
        "InvoiceDate",
        "UnitPrice",
        "CustomerID",
        "country",
    ]
    made = one("orders.csv", csv_bytes(heads, [line()]))
    assert told(made) == []
    assert made.tables["line"][0].data["line.quantity"].tolist() == ["2"]


def test_a_file_twice_is_taken_once() -> None:
    files = trucks.files()
    made = read_files([*files, ("orders_copy.csv", dict(files)["orders.csv"])])
    assert told(made) == [("CAP-005", 0)]
    assert len(made.tables["order"]) == 1


def test_a_broken_json_line_is_a_fault_and_the_others_go_on() -> None:
    good = json.dumps(waybill())
    made = one("w.jsonl", f"{good}\n{{oops}}\n\n{good}\n[1]\n".encode())
    assert told(made) == [("CAP-009", 2), ("CAP-009", 5)]
    assert made.tables["waybill"][0].rows.tolist() == [1, 4]


def test_half_a_surrogate_in_json_becomes_a_sign_that_cleaning_reports() -> None:
    record = waybill()
    text = json.dumps(record).replace(json.dumps(record["consignee"]["name"]), '"Ann \\ud800Example"')
    made = one("w.jsonl", text.encode())
    assert made.tables["waybill"][0].data["waybill.consignee_name"].tolist() == ["Ann \ufffeExample"]


def test_numbers_in_json_keep_their_digits() -> None:
    text = json.dumps(waybill()).replace("0.5", "0.10000000000000000001")
    made = one("w.jsonl", text.encode())
    assert made.tables["waybill"][0].data["waybill.gross_weight"].tolist() == ["0.10000000000000000001"]


def test_an_incomplete_folder_says_what_is_missing() -> None:
    made = read_files([f for f in trucks.files() if f[0] not in ("orders.csv", "payments.csv")])
    assert made.missing == ["order", "line"]
    severities = made.faults.groupby("severity")["code"].count().to_dict()
    assert severities == {"error": 2, "warning": 1}
    with pytest.raises(DataFault, match="orders") as raised:
        clean(made)
    assert len(raised.value.faults) == 3


def test_a_folder_is_read_without_what_is_no_data(tmp_path: Path) -> None:
    for name, body in trucks.files():
        (tmp_path / name).write_bytes(body)
    (tmp_path / ".hidden").write_text("x")
    (tmp_path / "truth.json").write_text("{}")
    (tmp_path / "more").mkdir()
    made = read_folder(tmp_path)
    assert sorted(f.name for f in made.files) == sorted(n for n, _ in trucks.files())
    with pytest.raises(DataFault):
        read_folder(tmp_path / "nowhere")


def test_a_file_above_the_limit_is_not_read(tmp_path: Path) -> None:
    rules = Path(matching.__file__).parents[2] / "mappings" / "profiles" / "shipped" / "folder.yaml"
    text = rules.read_text(encoding="utf-8").replace("536870912", "100")
    (tmp_path / "folder.yaml").write_text(text, encoding="utf-8")
    made = read_files([("orders.csv", b"x" * 101)], tmp_path)
    assert told(made) == [("CAP-013", 0)]


def test_truck_faults_name_the_field() -> None:
    wrong: dict[str, Any] = {**TRUCK, "regime": "0000", "planned": {**TRUCK["planned"], "departure": "soon"}}  # type: ignore[dict-item]
    del wrong["customs_office"]
    made = read_files(trucks.files(truck=wrong))
    found = made.faults[made.faults["code"] == "TRK-001"]
    assert set(found["field"]) == {"truck.regime", "truck.planned.departure", "truck.customs_office"}
    assert made.missing == ["truck"]


def test_a_truck_in_a_table_and_local_times(tmp_path: Path) -> None:
    (tmp_path / "truck_row.yaml").write_text("""
name: truck_row
sender: truck
timezone: Asia/Shanghai
format: {type: csv, encoding: utf-8}
tables:
  truck:
    fields:
      master_waybill: 总运单
      customs_office: {constant: 5788}
      exit_port: {constant: 5788}
      transport_mode: {from: 方式, aliases: {卡车: 3}}
      port_of_destination: {from: 指运港, default: HKG}
      mainland_plate: 车牌
      planned.arrival_at_yard: {from: 到场, format: "%Y/%m/%d %H:%M"}
      planned.departure: {from: 离场, format: ["%d.%m.%Y", "%Y/%m/%d %H:%M"]}
      planned.crossing: {from: 过境}
      parties.agent.name: {constant: 报关}
      parties.agent.code: {constant: 91440400Y3D43QQLMA}
""", encoding="utf-8")  # fmt: skip
    heads = ["总运单", "方式", "指运港", "车牌", "到场", "离场", "过境"]
    row = ["M1", "卡车", "", "粤Z1", "2026/11/23 22:00", "2026/11/24 06:30", "2026-11-24T07:10:00"]
    made = read_files([("truck.csv", csv_bytes(heads, [row]))], tmp_path)
    truck = made.truck
    assert truck is not None
    assert (truck.master_waybill, truck.transport_mode, truck.port_of_destination) == ("M1", "3", "HKG")
    assert truck.planned.arrival_at_yard == datetime.fromisoformat("2026-11-23T22:00:00+08:00")
    assert truck.planned.crossing == datetime.fromisoformat("2026-11-24T07:10:00+08:00")
    assert told(made) == [("PTY-001", 1)]  # the agent's code does not hold its check


def test_two_profiles_that_fit_alike_are_a_fault_but_a_users_goes_before_a_shipped_one(tmp_path: Path) -> None:
    body = """
sender: platform
format: {type: csv}
tables:
  line: {fields: {order_no: InvoiceNo, item_no: StockCode, quantity: Quantity, price: {from: UnitPrice, scale: 0.01},
                  item_name: Description, currency: {constant: GBP}}}
  order: {once_per: order_no, fields: {order_no: InvoiceNo, currency: {constant: GBP}, ordered_at: InvoiceDate, buyer_country: Country}}
recognise: {name: "orders*.csv"}
"""
    (tmp_path / "mine.yaml").write_text("name: mine\n" + body, encoding="utf-8")
    data = csv_bytes(ORDER_HEADS, [line()])
    assert read_files([("orders.csv", data)], tmp_path).files[0].profile == "mine"
    (tmp_path / "other.yaml").write_text("name: other\n" + body, encoding="utf-8")
    assert told(read_files([("orders.csv", data)], tmp_path)) == [("CAP-012", 0)]


def test_spreadsheet_cells_as_text() -> None:
    assert cell_text(9405500000.0) == "9405500000"
    assert cell_text(0.1 + 0.2) == "0.3"
    assert cell_text(1e20) == "1e+20"
    assert cell_text(True) == "true"
    assert cell_text("") == ""
    assert cell_text(datetime.fromisoformat("2026-11-20T01:02:03")) == "2026-11-20T01:02:03"
    assert unique(["a", " a ", "b", "a"]) == ["a", "a#2", "b", "a#3"]


def test_a_sheet_that_is_not_there(tmp_path: Path) -> None:
    profile = (
        "name: s\nsender: seller\nformat: {{type: xlsx, sheet: {}}}\ntables: {{goods: {{fields: {{item_no: a}}}}}}\n"
    )
    data = xlsx_bytes(["a"], [["1"]], "")
    for sheet in ("nowhere", 7):
        (tmp_path / "s.yaml").write_text(profile.format(sheet), encoding="utf-8")
        made = read_files([("x.xlsx", data)], tmp_path)
        assert told(made) == [("CAP-001", 0)]


def _shipment() -> Shipment:
    captured = read_files([trucks.files()[0]])
    assert isinstance(captured.truck, Truck)
    goods = GoodsLine(order_no="A1", item_no="SKU-1", item_name="Star", currency="GBP", quantity=Decimal(2),
                      price=Decimal("1.5"), total_price=Decimal(3), hs_code="3926400000", goods_name="塑料装饰品",
                      unit="H87", unit1="KGM", net_weight=Decimal("0.04"))  # fmt: skip
    paid = Payment(order_no="A1", pay_no="P1", amount=Decimal(3), currency="GBP",
                   paid_at=datetime.fromisoformat("2026-11-20T09:45:00+08:00"))  # fmt: skip
    parcel = Parcel(
        order=Order(order_no="A1", currency="GBP", goods_value=Decimal(3)),
        payments=[paid],
        waybill=Waybill(order_no="A1", waybill_no="W1", gross_weight=Decimal("0.5"), consignee_country="FR"),
        lines=[goods],
    )
    return Shipment(truck=captured.truck, parcels=[parcel])


def test_a_call_goes_the_same_way_as_files() -> None:
    captured = from_shipment(_shipment())
    made = matching.match(clean(captured))
    assert made.parcels["parcel.state"].tolist() == ["ready"], made.faults.to_dict("records")
    assert made.lines["line.quantity1"].tolist() == [4000]
    assert captured.files[0].kind == "order+line+payment+waybill"
    assert score(captured.files, made.faults)[0].rejected == 0


def test_a_calls_faults_name_the_parcel_and_the_path() -> None:
    wrong = _shipment()
    wrong.parcels[0].lines[0].hs_code = "39264"
    row = matching.match(clean(from_shipment(wrong))).faults.iloc[0]
    assert (row["code"], row["file"], row["row"], row["column"]) == ("LIN-005", "api", 1, "line.hs_code")


def test_a_call_without_parcels_is_incomplete() -> None:
    with pytest.raises(DataFault):
        clean(from_shipment(_shipment().model_copy(update={"parcels": []})))
