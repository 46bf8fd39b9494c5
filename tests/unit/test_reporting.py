"""Reports: the sender's file in the clear and harmless to open; screens without anybody's data."""

from __future__ import annotations

import csv
import io
import stat
from pathlib import Path

import pandas as pd
import pytest

from adapters.ledger import events, parcels, shipments
from adapters.ledger import faults as ledger_faults
from adapters.ledger.conversions import conversions
from deployments.demo_flaws import amount, weight
from mappings import faults
from tasks.reporting.faults import (
    FIELDS,
    MASK,
    explained,
    personal_fields,
    place,
    screen_table,
    sender_csv,
    write_private,
)
from tasks.reporting.summary import conversion_table, event_names, local, quality, summary, timeline
from tests.unit.desk import AT, Desk, truck

SAID = [
    "parcel", "code", "severity", "field", "value", "file", "sheet", "row", "column", "message_zh", "message_en",
    "remedy_zh", "remedy_en", "owner",
]  # fmt: skip


def fault(code: str = "WAY-003", **more: object) -> dict[str, object]:
    return {"code": code, "order_no": "A1", "file": "waybills.jsonl", "row": 3, "column": "grossWeight"} | more


def read(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))


def test_the_file_of_faults_has_its_columns_a_bom_and_its_values() -> None:
    body = sender_csv(faults.frame([fault(value="0.01", other_value="0.5"), fault("CAP-003", row=0, order_no="")]))
    assert body.startswith(b"\xef\xbb\xbfparcel,code,")
    assert body.count(b"\r\n") == 3
    assert list(FIELDS) == SAID == list(read(body)[0])
    first, second = read(body)
    assert (first["parcel"], first["value"], first["row"], first["owner"]) == ("A1", "0.01", "3", "carrier")
    assert first["message_zh"] and first["message_en"] and first["remedy_zh"] and first["remedy_en"]
    assert second["row"] == "", "no row is no row, not row 0"


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tx", "\r=1"])
def test_no_text_is_a_formula(text: str) -> None:
    body = sender_csv(faults.frame([fault(value=text, file=text, order_no=text)]))
    row = read(body)[0]
    assert [row[name][0] for name in ("value", "file", "parcel")] == ["'"] * 3


@pytest.mark.parametrize("text", ["-1.5", "+3", "1,234.50", "-", ""])
def test_numbers_stay_numbers(text: str) -> None:
    assert read(sender_csv(faults.frame([fault(value=text)])))[0]["value"] == text


def test_personal_values_are_masked_but_for_the_sender() -> None:
    assert {"waybill.consignee_name", "waybill.consignee_phone", "truck.driver"} <= personal_fields()
    assert "order.goods_value" not in personal_fields()
    for field in sorted(personal_fields()):
        frame = faults.frame([fault(field=field, value="Ada Sample", other_value="Bob Sample")])
        told = str(explained(frame)) + str(screen_table(frame))
        assert "Sample" not in told, field
        assert MASK in explained(frame)[0]["value"]
        assert "Ada Sample" in sender_csv(frame).decode("utf-8-sig")


def test_screens_show_errors_first_and_not_all() -> None:
    rows = [fault("PAY-002", order_no=f"B{i}") for i in range(5)] + [fault(order_no=f"A{i}") for i in range(5)]
    shown = screen_table(faults.frame(rows), most=6)
    assert [r["包裹 parcel"] for r in shown] == ["A0", "A1", "A2", "A3", "A4", "B0"]
    assert {r["级别 severity"] for r in shown[:5]} == {"错误 error"}
    assert screen_table(faults.frame([])) == []


def test_a_place_is_told_as_a_person_looks_it_up() -> None:
    assert (
        place(explained(faults.frame([fault(sheet="Sheet1")]))[0]) == "waybills.jsonl / Sheet1 / 行 row 3 / grossWeight"
    )
    assert place(explained(faults.frame([fault(row=0, column="")]))[0]) == "waybills.jsonl"
    missing = faults.frame([fault()]).assign(row=pd.array([None], dtype="Int64"))
    assert place(explained(missing)[0]) == "waybills.jsonl / grossWeight"


def test_a_private_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "faults.csv"
    write_private(path, b"1")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    write_private(path, b"2")
    assert (stat.S_IMODE(path.stat().st_mode), path.read_bytes()) == (0o600, b"2")


def test_summary_and_timeline_tell_the_truck_in_both_languages(desk: Desk) -> None:
    made = weight(truck(), truck().orders()[0])
    desk.take_in(made)
    desk.declared()
    desk.happens("arrived")
    here = desk.settle()
    told = summary(here, ledger_faults.faults(desk.ledger, desk.id))
    for part in ("粤ZX101港", "HZMBDEMO000001", "暂缓申报", "held", "| **total** | **6** |", "faults: ", "tester",
                 "CEB603", "reviewed 5", "到达监管场所 arrived at the yard 11-23 21:30:00"):  # fmt: skip
        assert part in told, part
    line = timeline(desk.ledger, here)
    for part in ("收到文件 · files received", "批准申报", "到达监管场所", "tester", "waybills.jsonl"):
        assert part in line, part
    assert all(name in (*event_names(), *(w.state for w in here.procedure.states)) for name in desk.kinds())
    shipments.hold(desk.ledger, desk.id, "customs called", "tester")
    assert "Held" in summary(desk.settle(), faults.frame([]))


def test_a_truck_without_documents_says_so(desk: Desk) -> None:
    desk.take_in(approve=False)
    assert "尚未生成单证" in summary(desk.settle(), faults.frame([]))
    assert local(None) == ""
    assert local(AT) == "11-23 21:30:00"


def test_long_details_are_cut_and_break_no_table(desk: Desk) -> None:
    desk.take_in()
    detail = {"text": "x|" * 200, "counts": {"a": 1, "b": 2}, "none": None}
    events.record(desk.ledger, desk.id, "message_refused", detail=detail)
    line = next(part for part in timeline(desk.ledger, desk.settle()).splitlines() if "报文被拒收" in part)
    assert line.count("|") == 5
    assert "a 1, b 2" in line
    assert "..." in line


def test_senders_quality_names_shares_and_reasons(desk: Desk) -> None:
    orders = truck().orders()
    desk.take_in(amount(weight(truck(), orders[0]), orders[1]))
    rows = {row["文件 file"]: row for row in quality(desk.ledger, desk.id)}
    assert rows["waybills.jsonl"]["比例 share"] == "16.7%"
    assert "WAY-003" in rows["waybills.jsonl"]["原因 reasons"]
    assert "MAT-001" in rows["payments.csv"]["原因 reasons"]
    assert rows["goods_master.xlsx"]["会被退回 would be rejected"] == 0
    assert quality(desk.ledger, 99) == []


def test_the_conversion_record_shows_no_example(desk: Desk) -> None:
    desk.take_in()
    desk.prepare("declare")
    rows = conversions(desk.ledger, desk.id)
    table = conversion_table(rows)
    assert len(table) == len(rows) > 0
    names = set(desk.made.waybills["name"]) | set(desk.made.payments["payer"])
    assert not [name for name in names if name in str(table)]
    assert {row["处理 kind"] for row in table} >= {"固定值 constant", "未申报 dropped"}
    assert not [row for row in table if "-" in (row["去向 target"], row["来源 source"])], "a bullet, read as Markdown"


def test_nothing_shown_holds_a_persons_datum(desk: Desk) -> None:
    made = truck(8)
    for order in made.orders()[:3]:
        made = weight(made, order)
    made.waybills.loc[4, "name"] = "Nadia <b>\x01Sample"
    desk.take_in(made)
    desk.declared()
    here = desk.settle()
    found = ledger_faults.faults(desk.ledger, desk.id)
    shown = summary(here, found) + timeline(desk.ledger, here) + str(screen_table(found))
    shown += str(quality(desk.ledger, desk.id))
    for row in made.waybills.itertuples():
        assert str(row.name) not in shown
        assert f"960{row.phone}" not in shown
        assert str(row.street) not in shown
    assert len(parcels.listing(desk.ledger, desk.id)) == 8
