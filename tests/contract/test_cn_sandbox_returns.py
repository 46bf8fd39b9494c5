"""Returns and their tally in the China Customs sandbox: life cycles, refusals, what they give back."""

from __future__ import annotations

import pytest

from adapters.sandbox.cn_customs import decisions, settings
from mappings.errors import DataFault
from tests.contract import cn_sandbox_import as imports
from tests.contract.cn_sandbox_company import YARD
from tests.contract.cn_sandbox_declared import DAY, FULL, answers, company, exported
from tests.contract.cn_sandbox_import import balances, heard, released, stored

__all__ = ["company"]


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
