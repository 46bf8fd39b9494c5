"""Gathering payment data: files of several layouts, completed by and compared with what the ledger captured."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.ledger import payment_requests as ledger_of
from adapters.ledger import raws
from mappings import clock
from tasks.payment_data import answer, gather, receive, sources
from tests.contract.payment_cases import PLATFORM, keep, payment
from tests.unit.desk import Desk
from tests.unit.signing import rsa_keys

CSV = """name: shop
files: "*.csv"
format: {type: csv, encoding: gb18030, delimiter: ";"}
timezone: Asia/Hong_Kong
tables:
  payment:
    fields:
      order_no: 订单
      request: 请求
      response: {from: 响应, optional: true, default: none}
      platform_code: {constant: "0075"}
      payment_company_code: {constant: P}
      transaction_no: 流水
      amount: {from: 金额分, scale: "0.01"}
      currency: 币制
      clearing: {from: 机构, aliases: {网联: "2"}}
      paid_at: {from: 时间, format: "%Y/%m/%d %H:%M"}
      account: 账号
      payee_name: {constant: 收款}
  goods: {fields: {order_no: 订单, name: 商品, link: 链接}}
"""
ROWS = """订单;请求;流水;金额分;币制;机构;时间;账号;商品;链接
O1; {"a":1} ;T1;2550;人民币;网联;2026/11/20 00:30;A1;杯;http://x/1
O1; {"a":1} ;T1;2550;人民币;网联;2026/11/20 00:30;A1;碗;http://x/2
O2; {"a":1} ;T1;2550;人民币;网联;2026/11/20 00:30;A1;杯;http://x/1
"""


def archive(folder: Path, **files: str) -> sources.Archive:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_bytes(text.encode("gb18030" if name.endswith("csv") else "utf-8"))
    return sources.read_archive(folder)


def test_a_row_a_good_becomes_one_payment_with_its_orders(tmp_path: Path, desk: Desk) -> None:
    found = archive(tmp_path / "f", shop_yaml=CSV, a_csv=ROWS)
    made = gather.gather(desk.ledger, found, "O2", "G" * 36)
    assert made.problems == []
    assert list(made.head) == [
        "guid", "initalRequest", "initalResponse", "ebpCode", "payCode", "payTransactionId", "totalAmount", "currency",
        "verDept", "payType", "tradingTime", "note"]  # fmt: skip
    assert made.head["initalRequest"] == ' {"a":1} ', "the raw request stays as it is"
    assert (made.head["totalAmount"], made.head["currency"], made.head["verDept"]) == (Decimal("25.50"), "142", "2")
    assert (made.head["tradingTime"], made.head["ebpCode"]) == ("20261120003000", "0075")
    assert [(o["orderNo"], [g["gname"] for g in o["goodsInfo"]]) for o in made.orders] == [
        ("O1", ["杯", "碗"]), ("O2", ["杯"])]  # fmt: skip
    assert made.company == "0075"


def test_orders_without_a_transaction_number_are_not_taken_for_one_payment(tmp_path: Path) -> None:
    found = archive(tmp_path / "f", shop_yaml=CSV, a_csv=ROWS.replace(";T1;", ";;"))
    (data,) = found.of_order("O2")
    assert [order.order_no for order in data.orders] == ["O2"]


def test_the_newest_of_many_files_counts(tmp_path: Path) -> None:
    rows = {f"f{n:02}_csv": ROWS.replace("碗", f"碗{n}").replace("A1", f"A{n}") for n in range(12)}
    (data,) = archive(tmp_path / "f", shop_yaml=CSV, **rows).of_order("O1")
    assert [good["goods.name"] for good in data.orders[0].goods] == ["杯", "碗11"]
    assert {order.values["payment.account"] for order in data.orders} == {"A11"}


def test_a_file_that_nobody_can_read_stops_no_other(tmp_path: Path) -> None:
    found = archive(
        tmp_path / "f", shop_yaml=CSV, a_csv=ROWS, b_csv="other;columns\n1;2\n", c_txt="?", d_csv="",
        payments_jsonl='{"orderNo":',
    )  # fmt: skip
    assert found.unread == ["b.csv", "c.txt", "payments.jsonl"]
    assert [data.values["payment.transaction_no"] for data in found.of_order("O1")] == ["T1"]
    assert found.of_order("nobody") == []


def test_without_a_folder_there_is_nothing(tmp_path: Path) -> None:
    assert sources.read_archive(tmp_path / "none").of_order("O1") == []


@pytest.mark.parametrize(
    ("text", "decimal", "said"),
    [("1,234.50", ".", "1234.50"), ("1.234,5", ",", "1234.5"), ("-3", ".", "-3"), ("１２", ".", "12"),
     ("25,50", ".", None), ("1e5", ".", None), ("NaN", ".", None), ("1_0", ".", None)],
)  # fmt: skip
def test_amounts_are_decimals_or_told(text: str, decimal: str, said: str | None) -> None:
    one = sources.Field("payment.amount", ("x",), decimal=decimal)
    if said is None:
        with pytest.raises(ValueError, match="no number"):
            sources.value(one, text)
    else:
        assert sources.value(one, text) == Decimal(said)


def test_the_ledger_completes_and_contradicts(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.take_in()
    row = next(r for r in _paid(desk))
    rsa_keys(desk.office.home.path, PLATFORM)
    lacking = payment(row["order"], row["pay_no"], amount="0.01", goods=[], platformCode="", currency="")
    folder = desk.office.home.path / "payment_data"
    keep(folder, lacking)
    receive.take_request(desk.office, _ask(row["order"]))
    answer.prepare_waiting(desk.office)
    (request,) = ledger_of.listing(desk.ledger)
    assert "itemLink" in request.reason, "the ledger knows names, no links"
    assert "ebpCode" not in request.reason
    good = {"goods": [{"name": "杯", "link": "http://x/1"}]}
    keep(folder, {**lacking, **good, "platformCode": PLATFORM.code})
    answer.prepare_waiting(desk.office)
    (request,) = ledger_of.listing(desk.ledger)
    assert request.state == ledger_of.ANSWERING, request.reason
    told = [e for e in ledger_of.events(desk.ledger, request.id) if e.kind == "differs-from-declared"]
    assert "payment.amount" in told[0].detail["fields"]
    assert "0.01" not in json.dumps(told[0].detail)
    assert row["order"] not in caplog.text


def test_the_ledger_alone_is_never_enough(desk: Desk) -> None:
    desk.take_in()
    order = _paid(desk)[0]["order"]
    receive.take_request(desk.office, _ask(order))
    answer.prepare_waiting(desk.office)
    (request,) = ledger_of.listing(desk.ledger)
    assert all(name in request.reason for name in ("initalRequest", "initalResponse", "verDept"))


def test_what_a_dead_process_left_unread_is_read(desk: Desk) -> None:
    raws.store_raw(desk.ledger, raws.IN, "ann179", "http", "", _ask("O9"))
    raws.store_raw(desk.ledger, raws.IN, "ann179", "http", "", b"junk")
    assert receive.read_waiting(desk.office) == 2
    assert receive.read_waiting(desk.office) == 0
    assert [r.order_no for r in ledger_of.listing(desk.ledger)] == ["O9"]


def test_many_problems_are_one_short_text() -> None:
    made = gather.Gathered(problems=[gather.NONE] * 14)
    assert "另有 4 项" in made.reason()


def test_the_time_of_keeping_has_a_leap_day(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(clock.VARIABLE, "2028-02-29T08:00:00+08:00@1e-09@1790000000")
    assert answer.erase_old(desk.office) == 0


def _ask(order: str) -> bytes:
    return json.dumps({"orderNo": order, "sessionID": "S", "serviceTime": 1}).encode()


def _paid(desk: Desk) -> list[dict[str, str]]:
    from adapters.ledger import sources as kept
    from mappings.canonical.batch import Batch
    from tasks.clearing.batches import BATCH

    batch = Batch.from_bytes(kept.load_snapshot(desk.ledger, desk.id, BATCH) or b"")
    rows = zip(batch.parcels["order.order_no"], batch.parcels["payment.pay_no"], strict=True)
    return [{"order": order, "pay_no": pay_no} for order, pay_no in rows if pay_no]
