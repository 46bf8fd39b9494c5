"""A month's summary in the China Customs sandbox, and what other export regimes make of the same messages."""

from __future__ import annotations

import pytest

from adapters.sandbox.cn_customs import settings
from tests.contract import cn_sandbox_company as make
from tests.contract import cn_sandbox_import as imports
from tests.contract.cn_sandbox_company import reviewed
from tests.contract.cn_sandbox_declared import DAY, answers, company, exported
from tests.contract.cn_sandbox_import import heard

__all__ = ["company"]


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
