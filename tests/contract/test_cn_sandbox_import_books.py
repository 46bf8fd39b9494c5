"""The books of imports in the China Customs sandbox: quota, guarantee, stock and tax bills, explained by entries."""

from __future__ import annotations

from decimal import Decimal

import pytest
from fastapi.testclient import TestClient

from adapters.sandbox.cn_customs import settings
from adapters.sandbox.cn_customs.app import build
from adapters.sandbox.cn_customs.imports import accounts
from tests.contract import cn_sandbox_company as make
from tests.contract import cn_sandbox_import as imports
from tests.contract.cn_sandbox_company import PLATFORM
from tests.contract.cn_sandbox_import import balances, declare, heard, released, stored

DAY = 86400


@pytest.fixture
def company(tmp_path, monkeypatch):
    with make.company(tmp_path, monkeypatch) as company:
        yield company


@pytest.fixture
def admin(company):
    with TestClient(build(company.customs)) as client:
        yield client


def entries(company, book):
    rows = accounts.entries(company.customs.store, book)
    return [(r["kind"], r["amount"]) for r in rows if not r["account"].endswith("|0002")]


def explained(company):
    """Every balance is the sum of its entries."""
    sums: dict[tuple[str, str], Decimal] = {}
    for row in accounts.entries(company.customs.store):
        key = (row["book"], row["account"])
        sums[key] = sums.get(key, Decimal(0)) + Decimal(row["amount"])
    shown = {(r["book"], r["account"]): Decimal(r["balance"]) for r in accounts.balances(company.customs.store)}
    assert shown == sums


def buy(company, number, value, qty="1"):
    """Declare a purchase of this value (qty times price); the status it ends in, and its text."""
    price = f"{float(value) / float(qty):.2f}"
    company.send("CEB311", imports.order(number, qty=qty, price=price))
    company.send("CEB411", imports.payment(number, amount=f"{float(value) + 10:.2f}"))
    company.send("CEB511", imports.waybill(number))
    company.send("CEB621", imports.inventory(number, qty=qty, price=price))
    last = heard(company)[-1]
    return last["returnStatus"], last["returnInfo"]


def test_what_an_inventory_reserves(company):
    stored(company, "O1", bonded=True)
    assert entries(company, "quota") == [("bought", "200")]
    # P 210, VAT 13 %, no consumption tax: 210 * 0.13 * 0.7 = 19.11
    assert entries(company, "guarantee") == [("opening", "1000000"), ("reserved", "-19.11")]
    assert entries(company, "stock") == [("in", "10000"), ("reserved", "-2")]
    assert entries(company, "stock_on_hand") == [("in", "10000")]
    explained(company)


def test_a_repeated_declaration_books_nothing_twice(company):
    stored(company, "O1", bonded=True)
    before = balances(company)
    declare(company, "O1", bonded=True)
    company.wait(60)
    assert balances(company) == before


def test_the_single_limit(company):
    assert buy(company, "O1", "5000", qty="2")[0] == "120"
    status, text = buy(company, "O2", "5000.02", qty="2")
    assert status == "-621005" and "totalPrice：5,000.02 > limitPrice: 5,000;" in text
    assert balances(company)["quota"] == "5000"


def test_one_piece_over_the_single_limit_pays_full_taxes(company, monkeypatch):
    assert buy(company, "O1", "6000")[0] == "120"
    # P 6010, duty 15 %: 901.50; VAT (6010 + 901.50) * 13 % = 898.50 (898.495)
    assert entries(company, "guarantee")[-1] == ("reserved", "-1800")
    monkeypatch.setitem(settings.profile(), "single_item_over_limit", "refused")
    assert buy(company, "O2", "6000")[0] == "-621005"


@pytest.mark.parametrize("answer", ["100", "-621018"])
def test_the_yearly_limit_is_of_one_buyer_and_year(company, monkeypatch, answer):
    monkeypatch.setitem(settings.profile(), "limit_answers", {"single": "-621005", "yearly": answer})
    for number in range(5):
        assert buy(company, f"O{number}", "5000", qty="2")[0] == "120"
    status, text = buy(company, "O6", "1114.44", qty="2")
    assert status == answer
    assert "totalPrice：26,114.44 > limitPrice: 26,000;" in text
    assert text.startswith("[Code:1313;Desc:订购人购买超过年度限额") == (answer == "100")
    assert buy(company, "O7", "1000", qty="2")[0] == "120"
    assert balances(company)["quota"] == "26000"
    company.wait(60 * DAY)
    assert buy(company, "O8", "5000", qty="2")[0] == "120", "a new year"


def test_the_limits_are_dated(company, monkeypatch):
    monkeypatch.setitem(settings.profile(), "limits", [
        {"since": "2019-01-01", "single": "5000", "yearly": "26000"},
        {"since": "2026-11-01", "single": "100", "yearly": "200"},
    ])  # fmt: skip
    assert buy(company, "O1", "101", qty="2")[0] == "-621005"


def test_a_refused_inventory_frees_its_order(company):
    assert buy(company, "O1", "6000", qty="2")[0] == "-621005"
    company.send("CEB311", imports.order("O1", appType="2"))
    company.send("CEB411", imports.payment("O1", payTransactionId="T2"))
    company.send("CEB311", imports.order("O1", appType="2", payTransactionId="T2"))
    company.send("CEB621", imports.inventory("O1", copNo="C2"))
    assert heard(company)[-1]["returnStatus"] == "120"


def test_an_exhausted_guarantee(company, admin):
    assert admin.post("/admin/guarantee", json={"assure_code": PLATFORM, "balance": "30"}).json()["balance"] == "30"
    stored(company, "O1")
    declare(company, "O2")
    last = heard(company)[-1]
    assert last["returnStatus"] == "100"
    assert last["returnInfo"].startswith("[Code:1311;Desc:担保金额不足") and "balance:10.89" in last["returnInfo"]
    assert balances(company) | {"quota": "200", "guarantee": "10.89"} == balances(company), "nothing was taken of O2"
    explained(company)


def test_a_guarantee_of_nothing(company, admin):
    admin.post("/admin/guarantee", json={"assure_code": PLATFORM, "balance": "0"})
    declare(company, "O1")
    assert "[Code:1311" in heard(company)[-1]["returnInfo"]


def test_stock_that_is_short(company, admin):
    given = {"ems_no": "T5788W000002", "item_record_no": "A1", "qty": "3", "ref": "in-1"}
    for _ in range(2):  # the same reference counts once
        assert admin.post("/admin/stock", json=given).json() == {"account": "T5788W000002|A1", "balance": "3"}
    declare(company, "O1", "O2", bonded=True, emsNo="T5788W000002", line={"itemRecordNo": "A1"})
    ends = {r["copNo"]: r for r in heard(company)}
    assert {cop_no: row["returnStatus"] for cop_no, row in ends.items()} == {"CO1": "120", "CO2": "-621001"}
    assert ends["CO2"]["returnInfo"].endswith("[InventoryList.itemRecordNo:A1,qty:2,stock:1]")
    admin.post("/admin/stock", json={**given, "qty": "1", "ref": "in-2"})
    company.send("CEB621", imports.inventory("O2", bonded=True, copNo="C9", emsNo="T5788W000002",
                                             line={"itemRecordNo": "A1"}))  # fmt: skip
    assert heard(company)[-1]["returnStatus"] == "120"
    explained(company)


def test_stock_that_nobody_keeps_may_be_unlimited(company, monkeypatch):
    monkeypatch.setitem(settings.profile(), "stock", {"unknown": "unlimited", "status": "-621001"})
    stored(company, "O1", bonded=True, emsNo="T5788W000009")


def test_released_goods_leave_the_warehouse(company):
    released(company, "O1", bonded=True)
    assert entries(company, "stock_on_hand") == [("in", "10000"), ("out", "-2")]
    assert balances(company)["stock"] == balances(company)["stock_on_hand"] == "9998"


def test_a_tax_bill_is_made_after_the_release_and_summed_after_its_days(company, admin):
    declare(company, "O1", bonded=True)
    rows = heard(company, 900)
    (bill,) = [row for row in rows if row["type"] == "CEB816Message"]
    assert rows.index(bill) > [row.get("returnStatus") for row in rows].index("800")
    invt_no = next(row["invtNo"] for row in rows if "invtNo" in row)
    assert (bill["invtNo"], bill["status"]) == (invt_no, "1")
    assert (bill["customsTax"], bill["valueAddedTax"], bill["consumptionTax"]) == ("0", "19.11", "0")
    assert bill["assureCode"] == PLATFORM and "orderNo" not in bill
    (line,) = bill["lines"]
    assert (line["gnum"], line["gcode"], line["taxPrice"], line["valueAddedTax"]) == ("1", "1901101000", "210", "19.11")
    assert heard(company, 29 * DAY) == []
    (summed,) = heard(company, 2 * DAY)
    assert (summed["type"], summed["status"], summed["taxNo"]) == ("CEB818Message", "2", bill["taxNo"])
    assert balances(company)["guarantee"] == "1000000"
    assert entries(company, "guarantee") == [("opening", "1000000"), ("reserved", "-19.11"), ("settled", "19.11")]
    (kept,) = admin.get("/admin/taxes").json()["bills"]
    assert (kept["tax_no"], kept["status"], kept["vat"]) == (bill["taxNo"], "2", "19.11")
    assert admin.get("/admin/taxes", params={"invt_no": "none"}).json()["bills"] == []


def test_order_and_waybill_stand_in_the_bill_when_told(company, monkeypatch):
    monkeypatch.setitem(settings.profile(), "tax", {**settings.profile()["tax"], "order_and_waybill": True})
    declare(company, "O1", bonded=True)
    (bill,) = heard(company, 900, type_="CEB816Message")
    assert (bill["orderNo"], bill["logisticsNo"]) == ("O1", "WO1")
    assert list(bill).index("orderNo") == list(bill).index("customsCode") + 1


def test_rates_are_dated_and_an_admins_come_first(company, admin):
    rate = {"gcode": "19011010", "since": "2026-01-01", "duty": "0", "vat": "0.09", "consumption": "0.1"}
    assert admin.post("/admin/rates", json=rate).status_code == 200
    admin.post("/admin/rates", json={**rate, "since": "2027-01-01", "vat": "0.5"})
    declare(company, "O1", bonded=True)
    (bill,) = heard(company, 900, type_="CEB816Message")
    # P 210, c 10 %, v 9 %: 210 / 0.9 * 0.09 * 0.7 = 14.70; 210 / 0.9 * 0.1 * 0.7 = 16.33
    assert (bill["valueAddedTax"], bill["consumptionTax"]) == ("14.7", "16.33")


def test_lines_add_up_to_the_head_and_freight_is_shared_by_value(company):
    company.send("CEB311", imports.order("O1", lines=3))
    company.send("CEB411", imports.payment("O1", amount="610"))
    company.send("CEB511", imports.waybill("O1"))
    company.send("CEB621", imports.inventory("O1", lines=3, bonded=True))
    (bill,) = heard(company, 900, type_="CEB816Message")
    assert [line["taxPrice"] for line in bill["lines"]] == ["203.33333", "203.33333", "203.33334"]
    assert sum(Decimal(line["valueAddedTax"]) for line in bill["lines"]) == Decimal(bill["valueAddedTax"])


def test_goods_sent_back_out_give_everything_back(company):
    company.customs.behaviours.add([{"action": "inspect", "result": "700"}])
    declare(company, "O1", bonded=True)
    company.wait(7200)
    assert balances(company) == {"quota": "0", "guarantee": "1000000", "stock": "10000", "stock_on_hand": "10000"}
    explained(company)


def test_an_admin_sets_what_a_buyer_bought(company, admin):
    given = {"buyer_id": imports.identity(), "year": "2026", "used": "25900"}
    for _ in range(2):
        assert admin.post("/admin/quota", json=given).json()["used"] == "25900"
    assert buy(company, "O1", "101", qty="2")[0] == "100"
    (row,) = admin.get("/admin/accounts", params={"book": "quota"}).json()["accounts"]
    assert row["buyer"].endswith("2026") and "*" in row["buyer"] and imports.identity() not in row["buyer"]
    assert row["entries"] == 1
    (entry,) = admin.get("/admin/accounts/entries", params={"account": row["account"]}).json()["entries"]
    assert (entry["kind"], entry["amount"]) == ("set", "25900")


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("stock", {"ems_no": "T1", "item_record_no": "1", "qty": "1"}),
        ("stock", {"ems_no": "T1", "item_record_no": "1", "qty": "x", "ref": "1"}),
        ("guarantee", {"assure_code": "A", "balance": "-1"}),
        ("guarantee", {"balance": "1"}),
        ("quota", {"buyer_id": "1", "used": "1"}),
        ("rates", {"gcode": "1", "since": "2026-01-01", "duty": "NaN", "vat": "0", "consumption": "0"}),
    ],
)
def test_an_admin_call_that_makes_no_sense(admin, call, body):
    answer = admin.post(f"/admin/{call}", json=body)
    assert answer.status_code == 400 and answer.json()["error"]


def test_settings_change_while_it_runs_and_come_back(company, admin):
    try:
        given = {"tax": {"summed_after_days": 2}, "import_waits": [], "limits": [
            {"since": "2019-01-01", "single": "300", "yearly": "26000"}]}  # fmt: skip
        assert admin.put("/admin/settings", json=given).json()["tax"]["places"] == 2
        assert buy(company, "O1", "301", qty="2")[0] == "-621005"
        declare(company, "O2")
        rows = heard(company, 3 * DAY)
        assert [r["status"] for r in rows if r["type"] == "CEB818Message"] == ["2"]
        for wrong in ({"nonsense": 1}, {"import_waits": "9610"}, {"tax": {"nonsense": 1}}):
            assert admin.put("/admin/settings", json={"tolerance": "9", **wrong}).status_code == 400
        assert admin.get("/admin/settings").json()["tolerance"] == "0", "all or nothing"
    finally:
        back = admin.delete("/admin/settings").json()
    assert back == settings.profile() == settings.read("profile.yaml")


def test_the_page_shows_the_books(company, admin):
    released(company, "O1", bonded=True)
    page = admin.get("/").text
    for text in ("担保余额", "9998", "999980.89", "440*************", "电子税单", "已生成 made", "19.11"):
        assert text in page
    assert imports.identity() not in page and imports.BUYER not in page


def test_reset_empties_the_books_but_for_the_opening_stock(company, admin):
    released(company, "O1", bonded=True)
    admin.post("/admin/reset")
    assert balances(company) == {"stock": "10000", "stock_on_hand": "10000"}
    assert admin.get("/admin/taxes").json()["bills"] == []
