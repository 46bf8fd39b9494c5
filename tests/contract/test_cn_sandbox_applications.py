"""Cancels, returns, tallies, summaries in the China Customs sandbox: life cycles, refusals, what they give back."""

from __future__ import annotations

import pytest

from adapters.sandbox.cn_customs import books, decisions, settings
from mappings.errors import DataFault
from tests.contract import cn_sandbox_company as make
from tests.contract import cn_sandbox_import as imports
from tests.contract.cn_sandbox_company import AGENT, YARD, reviewed
from tests.contract.cn_sandbox_import import balances, heard, released, stored

DAY = 86400
FULL = {"quota": "0", "guarantee": "1000000", "stock": "10000", "stock_on_hand": "10000"}


@pytest.fixture
def company(tmp_path, monkeypatch):
    with make.company(tmp_path, monkeypatch) as company:
        yield company


def answers(company, type_, owner=AGENT, wait=60):
    return [row["returnStatus"] for row in heard(company, wait, owner, type_)]


def exported(company, *numbers, flag="A"):
    """Declare exports up to their closing; their invtNos."""
    documents = [make.inventory(number, statisticsFlag=flag) for number in numbers]
    company.send("CEB303", *map(make.order, numbers))
    company.send("CEB505", *map(make.waybill, numbers))
    company.send("CEB603", *documents)
    found = [row["invtNo"] for row in company.hear(AGENT) if row["returnStatus"] == "399"]
    name = numbers[0]
    company.send("CEB607", make.master(list(numbers), copNo=f"M{name}", billNo=f"B{name}"))
    company.send("CEB507", make.arrival(list(numbers), copNo=f"A{name}", billNo=f"B{name}"))
    company.hear(AGENT)
    company.send("CEB509", make.departure(list(numbers), copNo=f"D{name}", billNo=f"B{name}"))
    assert {row["returnStatus"] for row in company.hear(AGENT)} == {"899"}
    return found


# --- cancel


def test_a_cancel_gives_everything_back_and_frees_the_order(company):
    invt_no = stored(company, "O1", bonded=True)
    company.send("CEB623", imports.cancel("O1", invt_no))
    rows = heard(company, 600)
    assert [(r["type"], r["returnStatus"]) for r in rows] == [("CEB624Message", s) for s in ("2", "120", "399")]
    assert rows[0]["preNo"][0] == "C" and rows[0]["invtNo"] == invt_no
    assert rows[2]["returnInfo"] == "[Code:2300;Desc:审核通过]"
    assert balances(company) == FULL
    assert heard(company, DAY) == [], "nothing more happens to the inventory"
    company.send("CEB621", imports.inventory("O1", bonded=True, copNo="C2"))
    assert answers(company, "CEB622Message")[-1] == "120"


def test_a_cancel_sent_twice_changes_nothing(company):
    invt_no = stored(company, "O1", bonded=True)
    sealed = company.sealed("CEB623", imports.cancel("O1", invt_no))
    for _ in range(2):
        company.post(sealed)
    assert sorted(answers(company, "CEB624Message")) == ["-304001", "120", "2", "399"]
    company.send("CEB623", imports.cancel("O1", invt_no, cop_no="X2"))
    assert answers(company, "CEB624Message") == ["2", "-623009"]
    assert balances(company) == FULL
    assert books.audit(company.customs.store)["count"] == 1


def test_two_cancels_of_one_inventory_under_way(company):
    invt_no = stored(company, "O1")
    company.send("CEB623", imports.cancel("O1", invt_no), imports.cancel("O1", invt_no, cop_no="X2"))
    assert sorted(answers(company, "CEB624Message")) == ["-623009", "120", "2", "2", "399"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"invtNo": "57882026I000000999"}, "-623003"),
        ({"agentCode": "AGENT00002"}, "-623021"),
        ({"appType": "2"}, "-623024"),
    ],
)
def test_a_cancel_that_finds_nothing_or_is_anothers(company, changes, code):
    invt_no = stored(company, "O1")
    owner = str(changes.get("agentCode", AGENT))
    company.send("CEB623", imports.cancel("O1", invt_no, **changes), owner=owner)
    assert answers(company, "CEB624Message", owner)[-1] == code


def test_a_released_inventory_is_not_cancelled(company):
    invt_no = released(company, "O1", bonded=True)
    before = balances(company)
    company.send("CEB623", imports.cancel("O1", invt_no))
    assert answers(company, "CEB624Message") == ["2", "-623005"]
    assert balances(company) == before


def test_an_inventory_before_an_officer_may_be_cancelled(company):
    company.customs.behaviours.add([{"match": {"type": "CEB621Message"}, "action": "review"}])
    invt_no = stored(company, "O1", bonded=True)
    first = next(rows for _ in range(30) if (rows := heard(company, 5)))
    assert first[0]["returnStatus"] == "300"
    company.send("CEB623", imports.cancel("O1", invt_no))
    rows = heard(company, 600)
    assert [r["returnStatus"] for r in rows] == ["2", "120", "399"] and balances(company) == FULL


def test_customs_may_reject_a_cancel_and_the_inventory_goes_on(company):
    company.customs.behaviours.add([{"match": {"type": "CEB623Message"}, "action": "reject", "info": "不同意"}])
    invt_no = stored(company, "O1", bonded=True)
    company.send("CEB623", imports.cancel("O1", invt_no))
    rows = heard(company, 600)
    assert [r["returnStatus"] for r in rows if r["type"] == "CEB624Message"] == ["2", "100"]
    assert [r["returnStatus"] for r in rows if r["type"] == "CEB622Message"] == ["800", "899"]


def test_an_export_is_cancelled_before_its_release(company):
    reviewed(company, "O1")
    invt_no = company.customs.store.value("SELECT invt_no FROM document WHERE type = 'CEB603Message'")
    company.send("CEB605", imports.export_cancel(invt_no))
    assert answers(company, "CEB606Message") == ["2", "120", "399"]
    company.send("CEB607", make.master(["O1"]))
    assert answers(company, "CEB608Message") == ["2", "100"]
    company.send("CEB603", make.inventory("O1", copNo="C2"))
    assert answers(company, "CEB604Message") == ["2", "120", "399"]
    (closed,) = exported(company, "O2")
    company.send("CEB605", imports.export_cancel(closed, cop_no="X2"))
    assert answers(company, "CEB606Message") == ["2", "-623005"]


# --- import returns


@pytest.mark.parametrize(
    ("how", "expected"), [("complete", ["2", "3", "120", "399"]), ("observed", ["2", "300", "800"])]
)
def test_a_return_has_two_published_life_cycles(company, monkeypatch, how, expected):
    monkeypatch.setitem(settings.profile(), "import_return", how)
    invt_no = released(company, "O1", bonded=True)
    company.send("CEB625", imports.refund("O1", invt_no))
    assert answers(company, "CEB626Message", wait=600) == expected
    assert balances(company) == FULL


def test_a_full_return_voids_the_bill(company):
    invt_no = released(company, "O1", bonded=True)
    company.send("CEB625", imports.refund("O1", invt_no))
    (void,) = heard(company, 600, type_="CEB818Message")
    assert (void["status"], void["invtNo"]) == ("3", invt_no)
    assert heard(company, 40 * DAY) == [], "a void bill is not summed"


def test_parts_are_returned_until_nothing_is_left(company):
    invt_no = released(company, "O1", bonded=True)
    company.send("CEB625", imports.refund("O1", invt_no, qty="0.5"))
    rows = heard(company, 600)
    void, made = (next(r for r in rows if r["type"] == f"CEB{n}Message") for n in (818, 816))
    assert void["status"] == "3" and made["taxNo"] != void["taxNo"]
    # 210 * 1.5 / 2 * 0.13 * 0.7 = 14.33
    assert (made["lines"][0]["taxPrice"], made["valueAddedTax"]) == ("157.5", "14.33")
    part = {"quota": "150", "guarantee": "999985.67", "stock": "9998.5", "stock_on_hand": "9998.5"}
    assert balances(company) == part
    company.send("CEB625", imports.refund("O1", invt_no, qty="1.6", cop_no="T2"))
    rows = heard(company, 600)
    assert [r["returnStatus"] for r in rows] == ["2", "-625001"]
    assert "InvtRefundList.qty:1.6,可退:1.5" in rows[1]["returnInfo"]
    assert balances(company) == part
    company.send("CEB625", imports.refund("O1", invt_no, qty="1.5", cop_no="T3"))
    assert answers(company, "CEB626Message", wait=600)[-1] == "399"
    assert balances(company) == FULL
    assert [bill["status"] for bill in company.customs.store.rows("SELECT status FROM bill")] == ["3", "3"]


def test_a_return_sent_twice_changes_nothing(company):
    invt_no = released(company, "O1", bonded=True)
    sealed = company.sealed("CEB625", imports.refund("O1", invt_no, qty="1"))
    for _ in range(2):
        company.post(sealed)
        company.wait(600)
    assert balances(company)["quota"] == "100"
    assert sorted(answers(company, "CEB626Message")) == ["-304001", "120", "2", "3", "399"]


def test_a_summed_bill_stays_when_its_setting_lets_goods_come_back_later(company, monkeypatch):
    windows = [{"since": "2018-01-01", "import": 60, "import_back": 60, "export": 365}]
    monkeypatch.setitem(settings.profile(), "return_windows", windows)
    invt_no = released(company, "O1", bonded=True)
    assert [r["status"] for r in heard(company, 31 * DAY, type_="CEB818Message")] == ["2"]
    company.send("CEB625", imports.refund("O1", invt_no))
    assert [r for r in heard(company, 600) if r["type"] == "CEB818Message"] == []
    assert balances(company) == FULL


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ({"gnum": 2}, "-625209", "InvtRefundList.gnum:2"),
        ({"gname": "面粉"}, "-625010", "InvtRefundList.gname:面粉,InventoryList.gname:婴儿奶粉"),
        ({"unit": "035"}, "-625010", "InvtRefundList.unit:035,InventoryList.unit:011"),
        ({"gcode": "1901109000"}, "-625010", "InvtRefundList.gcode"),
        ({"qty": "2.1"}, "-625001", "可退:2"),
        ({"qty": "0"}, "-625001", "可退:2"),
    ],
)
def test_a_line_that_is_not_the_inventorys(company, line, code, words):
    invt_no = released(company, "O1", bonded=True)
    company.send("CEB625", imports.refund("O1", invt_no, line=line))
    rows = heard(company, 600)
    assert [r["returnStatus"] for r in rows] == ["2", code] and words in rows[1]["returnInfo"]


def test_a_return_needs_a_release_and_comes_within_its_window(company):
    first = stored(company, "O1")
    company.send("CEB625", imports.refund("O1", first))
    assert answers(company, "CEB626Message") == ["2", "-625022"]
    company.send("CEB625", imports.refund("O1", "57882026I000000999", cop_no="T2"))
    assert answers(company, "CEB626Message") == ["2", "-625204"]
    second = released(company, "O2", bonded=True)
    company.wait(29 * DAY)
    company.send("CEB625", imports.refund("O2", second, qty="1", cop_no="T3"))
    assert answers(company, "CEB626Message")[-1] == "399"
    company.wait(2 * DAY)
    company.send("CEB625", imports.refund("O2", second, qty="1", cop_no="T4"))
    assert answers(company, "CEB626Message") == ["2", "-625001"]


def test_a_return_may_wait_for_its_goods(company, monkeypatch):
    monkeypatch.setitem(settings.profile(), "import_return_waits_for_goods", True)
    first, second = released(company, "O1", bonded=True), released(company, "O2", bonded=True)
    company.send("CEB625", imports.refund("O1", first), imports.refund("O2", second, cop_no="T2"))
    assert answers(company, "CEB626Message", wait=600) == ["2", "2", "3", "3", "120", "120"]
    assert decisions.goods_back(company.customs, "T1") == 1
    assert answers(company, "CEB626Message") == ["399"]
    assert decisions.goods_back(company.customs, "T1") == 0
    assert balances(company)["quota"] == "200"
    rows = [r for r in heard(company, 46 * DAY) if r["type"] == "CEB626Message"]
    assert [(r["copNo"], r["returnStatus"]) for r in rows] == [("T2", "100")]
    assert "未在规定期限内" in rows[0]["returnInfo"] and balances(company)["quota"] == "200"


# --- export returns


def test_an_export_comes_back_is_counted_and_released(company):
    (invt_no,) = exported(company, "O1")
    company.send("CEB213", imports.export_refund("O1", invt_no))
    rows = heard(company, 600)
    assert [r["returnStatus"] for r in rows] == ["2", "120", "399"] and rows[0]["coElNo"] == "T1"
    company.send("CEB215", imports.tally("O1"))
    assert answers(company, "CEB216Message", YARD, 600) == ["2", "399"]
    assert answers(company, "CEB214Message") == ["800"]
    company.send("CEB215", imports.tally("O1"))
    assert answers(company, "CEB216Message", YARD, 600) == ["-304001"]
    assert answers(company, "CEB214Message", wait=600) == []


def test_without_waiting_for_the_tally(company, monkeypatch):
    monkeypatch.setitem(settings.profile(), "export_return_waits_for_tally", False)
    (invt_no,) = exported(company, "O1")
    company.send("CEB213", imports.export_refund("O1", invt_no))
    assert answers(company, "CEB214Message", wait=600) == ["2", "120", "399", "800"]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"action": "inspect"}, ["500", "800"]),
        ({"action": "detain", "status": "505"}, ["505"]),
        ({"action": "detain", "status": "600"}, ["600"]),
    ],
)
def test_other_ways_of_an_export_return(company, rule, expected):
    company.customs.behaviours.add([{"match": {"type": "CEB213Message"}, **rule}])
    (invt_no,) = exported(company, "O1")
    company.send("CEB213", imports.export_refund("O1", invt_no))
    heard(company)
    company.send("CEB215", imports.tally("O1"))
    assert answers(company, "CEB214Message", wait=7200) == expected


def test_a_person_ends_the_inspection_of_a_return(company):
    company.customs.behaviours.add([{"match": {"type": "CEB213Message"}, "action": "inspect", "result": None}])
    (invt_no,) = exported(company, "O1")
    company.send("CEB213", imports.export_refund("O1", invt_no))
    heard(company)
    company.send("CEB215", imports.tally("O1"))
    assert answers(company, "CEB214Message", wait=DAY) == ["500"]
    assert decisions.inspected(company.customs, "600", cop_no="T1") == 1
    assert decisions.inspected(company.customs, "800", cop_no="T1") == 1
    assert answers(company, "CEB214Message") == ["600", "800"]
    with pytest.raises(DataFault, match="is needed"):
        decisions.inspected(company.customs, "800")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"qty": "2.5"}, "可退:2"),
        ({"line": {"gname": "碗"}}, "InventoryList.gname:瓷杯"),
        ({"country": "142"}, "country不能为142"),
        ({"ieFlag": "E"}, "ieFlag只能为I"),
        ({"invtNo": "57882026E000000999"}, "清单不存在"),
    ],
)
def test_what_an_export_return_is_refused_for(company, how, words):
    (invt_no,) = exported(company, "O1")
    company.send("CEB213", imports.export_refund("O1", invt_no, **how))
    rows = heard(company)
    assert [r["returnStatus"] for r in rows] == ["2", "100"] and words in rows[1]["returnInfo"]


def test_an_export_comes_back_within_a_year_of_its_closing(company):
    (invt_no,) = exported(company, "O1")
    company.wait(366 * DAY)
    company.send("CEB213", imports.export_refund("O1", invt_no))
    rows = heard(company)
    assert [r["returnStatus"] for r in rows] == ["2", "100"] and "365天" in rows[1]["returnInfo"]


def test_a_tally_of_nothing_is_rejected(company):
    company.send("CEB215", imports.tally("O1"))
    assert answers(company, "CEB216Message", YARD) == ["2", "100"]


# --- summary


def test_a_summary_of_closed_inventories_brings_its_declaration(company):
    numbers = exported(company, "O1", "O2", flag="B")
    company.send("CEB701", imports.summary(numbers))
    rows = heard(company, 600)
    receipts = [r for r in rows if r["type"] == "CEB702Message"]
    assert [r["returnStatus"] for r in receipts] == ["2", "399"]
    assert "sumNo" not in receipts[0] and len(receipts[1]["sumNo"]) == 18
    (result,) = [r for r in rows if r["type"] == "CEB792Message"]
    assert result["sumNo"] == receipts[1]["sumNo"]
    assert len(result["declSeqNo"]) == len(result["entryId"]) == 18
    assert (result["grossWeight"], result["netWeight"], result["msgCount"]) == ("2.4", "2", "1")
    assert [line["invtNo"] for line in result["lines"]] == numbers
    assert [(line["logisticsNo"], line["gseqno"], line["gnum"]) for line in result["lines"]] == [
        ("WO1", "1", "1"), ("WO2", "1", "1"),
    ]  # fmt: skip


def test_a_split_summary_acts_with_its_last_part_and_has_one_number(company, monkeypatch):
    monkeypatch.setitem(settings.profile(), "summary_result_inventories", 1)
    one, two = exported(company, "O1", "O2", flag="B")
    company.send("CEB701", imports.summary([two], part=2, parts=2))
    assert answers(company, "CEB702Message") == ["2"]
    company.send("CEB701", imports.summary([one], part=1, parts=2))
    rows = heard(company, 600)
    assert {r["sumNo"] for r in rows if r.get("returnStatus") == "399"} == {rows[-1]["sumNo"]}
    results = [r for r in rows if r["type"] == "CEB792Message"]
    assert [(r["msgCount"], r["msgSeqNo"], r["lines"][0]["invtNo"]) for r in results] == [
        ("2", "1", one),
        ("2", "2", two),
    ]
    assert len({r["entryId"] for r in results}) == 1


def test_a_period_in_place_of_a_list(company):
    numbers = exported(company, "O1", "O2", flag="B")
    exported(company, "O3")
    company.send("CEB701", imports.summary(["ignored"], startTime="20200101000000", endTime="20991231235959"))
    (result,) = heard(company, 600, type_="CEB792Message")
    assert [line["invtNo"] for line in result["lines"]] == numbers
    company.send("CEB701", imports.summary([], cop_no="S2", startTime="20200101000000", endTime="20991231235959"))
    assert answers(company, "CEB702Message") == ["2", "100"], "nothing is left"


def test_an_inventory_is_summed_once(company):
    numbers = exported(company, "O1", flag="B")
    company.send("CEB701", imports.summary(numbers))
    heard(company, 600)
    company.send("CEB701", imports.summary(numbers, cop_no="S2"))
    rows = heard(company, 600)
    assert [r["returnStatus"] for r in rows] == ["2", "100"] and "清单已汇总" in rows[1]["returnInfo"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"ebcCode": "OTHER00001"}, "不属于"), ({}, "统计标志不为B")],
)
def test_a_summary_of_what_does_not_belong_is_rejected_whole(company, changes, words):
    good = exported(company, "O1", flag="B") if changes else exported(company, "O1")
    company.send("CEB701", imports.summary(good, **changes))
    rows = heard(company)
    assert [r["returnStatus"] for r in rows] == ["2", "100"] and words in rows[1]["returnInfo"]


def test_a_summary_of_unknown_open_or_mixed_months_is_rejected(company):
    company.send("CEB701", imports.summary(["57882026E000000999"]))
    assert "清单不存在" in heard(company)[-1]["returnInfo"]
    reviewed(company, "O9")
    open_one = company.customs.store.value("SELECT invt_no FROM document WHERE type = 'CEB603Message'")
    company.send("CEB701", imports.summary([open_one], cop_no="S2"))
    assert "清单未结关" in heard(company)[-1]["returnInfo"]
    first = exported(company, "O1", flag="B")
    company.wait(35 * DAY)
    second = exported(company, "O2", flag="B")
    company.send("CEB701", imports.summary(first + second, cop_no="S3"))
    assert "不在同一月份" in heard(company)[-1]["returnInfo"]
    company.send("CEB701", imports.summary([], cop_no="S4", part=3, parts=2))
    assert answers(company, "CEB702Message") == ["2", "100"]


# --- exports of other regimes


@pytest.mark.parametrize(
    ("regime", "kind", "more"),
    [("9710", "B", {}), ("9810", "W", {}), ("1210", "E", {"emsNo": "T1", "line": {"itemRecordNo": "1"}})],
)
def test_other_export_regimes_go_by_the_same_messages(company, regime, kind, more):
    company.send("CEB303", make.order("O1", orderType=kind))
    company.send("CEB505", make.waybill("O1"))
    company.send("CEB603", make.inventory("O1", tradeMode=regime, **more))
    assert answers(company, "CEB604Message") == ["2", "120", "399"]


@pytest.mark.parametrize(
    ("order", "inventory", "words"),
    [
        ({"orderType": "E"}, {"tradeMode": "9710"}, "[InventoryHead.tradeMode:9710,OrderHead.orderType:E]"),
        ({"orderType": "B"}, {}, "OrderHead.orderType:B"),
        ({}, {"tradeMode": "1210"}, "emsNo必须填写"),
        ({}, {"tradeMode": "0110"}, "贸易方式不支持"),
        ({}, {"statisticsFlag": "C"}, "statisticsFlag只能为A、B"),
        ({}, {"line": {"barCode": ""}}, "第1项barCode必须填写"),
        ({"orderType": "W"}, {"tradeMode": "9810", "licenseNo": "L1"}, "licenseNo必须为空"),
        ({"orderType": "B"}, {"tradeMode": "9710", "qty": "500", "line": {"currency": "142"}}, "limitPrice:5000"),
    ],
)
def test_what_an_export_regime_is_refused_for(company, order, inventory, words):
    company.send("CEB303", make.order("O1", **order))
    company.send("CEB505", make.waybill("O1"))
    company.send("CEB603", make.inventory("O1", **inventory))
    rows = heard(company)
    assert rows[-1]["returnStatus"] == "100" and words in rows[-1]["returnInfo"]
