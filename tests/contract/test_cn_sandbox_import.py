"""Imports in the China Customs sandbox: life cycles (receipts.md, section 3), the match, and the checks (rules.md)."""

from __future__ import annotations

import base64

import pytest
from lxml import etree

from adapters.sandbox.cn_customs import decisions, settings
from tests.contract import cn_sandbox_company as make
from tests.contract import cn_sandbox_import as imports
from tests.contract.cn_sandbox_company import AGENT, CARRIER, PAYER, PLATFORM, YARD
from tests.contract.cn_sandbox_import import declare, heard, stored


@pytest.fixture
def company(tmp_path, monkeypatch):
    with make.company(tmp_path, monkeypatch) as company:
        yield company


def statuses(rows):
    return [row["returnStatus"] for row in rows]


def test_direct_purchase_from_declaration_to_closing(company):
    declare(company, "O1")
    rows = heard(company)
    assert statuses(rows) == ["2", "3", "120"]
    assert ["invtNo" in row for row in rows] == [False, False, True]
    assert rows[2]["invtNo"].startswith("57882026I") and len(rows[2]["invtNo"]) == 18
    assert rows[0]["preNo"][0] == "B" and len(rows[0]["preNo"]) == 18
    assert rows[0]["returnInfo"].startswith("清单新增申报成功[")
    assert statuses(heard(company, owner=PLATFORM)) == ["2", "3", "120"]
    assert statuses(heard(company, owner=PAYER)) == ["2", "3", "120"]
    assert statuses(heard(company, owner=CARRIER)) == ["2", "3", "120"]
    assert heard(company, 86400) == [], "9610 waits for the goods to come in"
    company.send("CEB711", imports.warehouse(["O1"]))
    rows = heard(company, 600, owner=YARD)
    assert statuses(rows) == ["2", "3", "120", "399"]
    assert rows[0]["preNo"][0] == "R" and "rkdNo" not in rows[0]
    assert rows[2]["rkdNo"].startswith("57882026") and len(rows[2]["rkdNo"]) == 18
    assert statuses(heard(company, 600, type_="CEB622Message")) == ["800", "899"]


def test_bonded_goods_are_released_without_a_warehouse_note(company):
    declare(company, "O1", bonded=True)
    assert statuses(heard(company, 600, type_="CEB622Message")) == ["2", "3", "120", "800", "899"]


def test_goods_that_came_in_before_the_inventory_release_it_when_it_comes(company):
    company.send("CEB711", imports.warehouse(["O1"]))
    company.wait(600)
    declare(company, "O1")
    assert statuses(heard(company, 600, type_="CEB622Message")) == ["2", "3", "120", "800", "899"]


def test_import_receipts_are_in_the_default_namespace_and_export_ones_have_the_prefix(company):
    company.send("CEB311", imports.order("O1"))
    company.send("CEB303", make.order("O2"))
    company.wait(60)
    messages, _ = company.customs.receipts(make.dxp_of(PLATFORM), None, 100)
    roots = [etree.fromstring(base64.b64decode(etree.fromstring(m).findtext("{*}Data"))) for m in messages]
    assert {(etree.QName(r).localname, r.prefix) for r in roots} == {("CEB312Message", None), ("CEB304Message", "ceb")}


def test_a_delivery_is_taken_only_of_a_known_waybill_and_once(company):
    company.send("CEB513", imports.delivered("O1"))
    rows = heard(company, owner=CARRIER)
    assert statuses(rows) == ["2", "3", "-505011"] and "logisticsNo:WO1" in rows[2]["returnInfo"]
    company.send("CEB511", imports.waybill("O1"))
    heard(company, owner=CARRIER)
    company.send("CEB513", imports.delivered("O1"))
    rows = heard(company, owner=CARRIER)
    assert statuses(rows) == ["2", "3", "120"] and rows[0]["logisticsStatus"] == "S"
    company.send("CEB513", imports.delivered("O1"))
    assert statuses(heard(company, owner=CARRIER)) == ["-304001"]
    company.send("CEB513", imports.delivered("O1", logisticsStatus="R"))
    assert statuses(heard(company, owner=CARRIER)) == ["2", "3", "100"]


def test_without_its_payment_an_inventory_waits_with_a_warning(company):
    company.send("CEB311", imports.order("O1"))
    company.send("CEB511", imports.waybill("O1"))
    company.send("CEB621", imports.inventory("O1"))
    rows = heard(company, 3600)
    assert statuses(rows) == ["2", "3"] and "支付信息不存在" in rows[0]["returnInfo"]
    company.send("CEB411", imports.payment("O1"))
    assert statuses(heard(company)) == ["120"]


@pytest.mark.parametrize("last", ["CEB311", "CEB411", "CEB511", "CEB621"])
def test_the_match_runs_when_the_last_document_comes(company, last):
    documents = {
        "CEB311": imports.order("O1"), "CEB411": imports.payment("O1"), "CEB511": imports.waybill("O1"),
        "CEB621": imports.inventory("O1"),
    }  # fmt: skip
    for type_ in [t for t in documents if t != last]:
        company.send(type_, documents[type_])
    assert "120" not in statuses(heard(company))
    company.send(last, documents[last])
    assert statuses(heard(company))[-1] == "120"


@pytest.mark.parametrize(
    ("order", "payment", "waybill", "inventory", "begins"),
    [
        ({"lines": 2}, {"amount": "410"}, {}, {}, "[Code:1320;Desc:清单(1项)与订单(2项)项数不一致],"),
        ({"qty": "4", "price": "50"}, {}, {}, {}, "[Code:1322;Desc:订单清单表体商品项不一致],[InventoryList.qty:"),
        ({}, {}, {}, {"line": {"itemName": "面粉"}}, "[Code:1322;"),
        ({}, {"payerName": "李试验"}, {}, {}, "[Code:1327;Desc:订单购买人与支付单支付人名字或身份证号码不一致]"),
        ({}, {"payerIdNumber": imports.identity(2)}, {}, {}, "[Code:1327;"),
        ({}, {"amount": "209.99"}, {}, {}, "[Code:1332;Desc:支付单支付金额与订单支付金额不一致],[Ord"),
        ({"payCode": "OTHERPAY"}, {}, {}, {}, "[Code:13035;Desc:支付企业不一致],[OrderHead.payCode:OTHERPAY,"),
        ({"payTransactionId": "T9"}, {}, {}, {}, "[Code:1300;Desc:支付流水号不一致],[OrderHead.payTransactionId:T9,"),
        ({}, {}, {}, {"buyerName": "李试验"}, "[Code:13127;Desc:清单上的订购人姓名与订单上的订购人姓名不一致]"),
        ({}, {}, {}, {"buyerIdNumber": imports.identity(2)}, "[Code:1300;Desc:清单上的订购人证件号码"),
        ({}, {}, {}, {"buyerTelephone": "13900000000"}, "[Code:130126;Desc:清单上的订购人电话号码"),
        ({"ebcCode": "OTHER00001"}, {}, {}, {}, "[Code:1300;Desc:清单与订单电商企业不一致],[InventoryHead.ebcCode:"),
        ({}, {}, {"orderNo": "O9"}, {}, "[Code:1300;Desc:清单与运单订单编号不一致],[InventoryHead.orderNo:O1,"),
        ({}, {}, {"consignee": "李试验"}, {}, "[Code:1300;Desc:订单与运单收货人信息不一致:consignee]"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_rejected_with_customs_own_code_and_text(
    company, order, payment, waybill, inventory, begins
):
    company.send("CEB311", imports.order("O1", **order))
    company.send("CEB411", imports.payment("O1", **payment))
    company.send("CEB511", imports.waybill("O1", **waybill))
    company.send("CEB621", imports.inventory("O1", **inventory))
    rows = heard(company)
    assert statuses(rows) == ["2", "3", "100"]
    assert rows[2]["returnInfo"].startswith(begins)
    assert imports.balances(company).get("quota", "0") == "0", "nothing is booked for what is rejected"


def test_one_of_several_payments_may_fit(company):
    company.send("CEB411", imports.payment("O1", amount="1", payTransactionId="T8"))
    stored(company, "O1")


def test_a_rejected_inventory_is_declared_anew_after_its_order_was_changed(company):
    company.send("CEB311", imports.order("O1", price="90"))
    company.send("CEB411", imports.payment("O1"))
    company.send("CEB511", imports.waybill("O1"))
    company.send("CEB621", imports.inventory("O1"))
    assert statuses(heard(company)) == ["2", "3", "100"]
    company.send("CEB311", imports.order("O1", appType="2"))
    company.send("CEB621", imports.inventory("O1", copNo="C2"))
    assert statuses(heard(company))[-1] == "120"
    company.send("CEB621", imports.inventory("O1", copNo="C3"))
    assert statuses(heard(company)) == ["-304001"]
    company.send("CEB311", imports.order("O1", appType="3"))
    assert statuses(heard(company, owner=PLATFORM))[-1] == "-301011"


@pytest.mark.parametrize(
    ("type_", "document", "words"),
    [
        ("CEB311", imports.order("O1", acturalPaid="200"), "实际支付金额不等于"),
        ("CEB311", imports.order("O1", orderType="E"), "orderType只能为I],[orderType:E"),
        ("CEB311", imports.order("O1", currency="502"), "currency只能为142"),
        ("CEB311", imports.order("O1", buyerIdType="2"), "buyerIdType只能为1"),
        ("CEB311", imports.order("O1", buyerIdNumber="440400199001010010"), "订购人身份证号码有误"),
        ("CEB411", imports.payment("O1", payerIdType="2"), "payerIdType只能为1"),
        ("CEB411", imports.payment("O1", payerIdNumber="44040019901301001X"), "身份证号码有误"),
        ("CEB511", imports.waybill("O1", packNo="2"), "packNo只能为1"),
        ("CEB621", imports.inventory("O1", ieFlag="E"), "ieFlag只能为I"),
        ("CEB621", imports.inventory("O1", tradeMode="9710"), "贸易方式不支持],[tradeMode:9710"),
        ("CEB621", imports.inventory("O1", voyageNo=None), "voyageNo必须填写"),
        ("CEB621", imports.inventory("O1", areaCode="A"), "areaCode必须为空],[areaCode:A"),
        ("CEB621", imports.inventory("O1", line={"itemRecordNo": "1"}), "第1项itemRecordNo必须为空"),
        ("CEB621", imports.inventory("O1", bonded=True, country="110"), "country只能为142"),
        ("CEB621", imports.inventory("O1", bonded=True, emsNo=None), "emsNo必须填写"),
        ("CEB621", imports.inventory("O1", bonded=True, billNo="B"), "billNo必须为空"),
        ("CEB621", imports.inventory("O1", bonded=True, line={"itemRecordNo": None}), "第1项itemRecordNo必须填写"),
        ("CEB621", imports.inventory("O1", line={"currency": "502"}), "第1项currency只能为142"),
        ("CEB621", imports.inventory("O1", assureCode="NOBODY"), "担保企业必须为"),
        ("CEB621", imports.inventory("O1", netWeight="2"), "净重不能大于毛重"),
        ("CEB621", imports.inventory("O1", line={"totalPrice": "300"}), "总价不等于单价乘以数量"),
        ("CEB621", imports.inventory("O1", line={"unit2": "035"}), "第二单位"),
        ("CEB711", imports.warehouse(["O1"], ieFlag="E"), "ieFlag只能为I"),
    ],
)
def test_a_document_that_is_wrong_in_itself_is_rejected(company, type_, document, words):
    company.send(type_, document)
    rows = heard(company, owner=make.OWNERS[type_])
    assert statuses(rows) == ["2", "3", "100"]
    assert rows[2]["returnInfo"].startswith("[Code:1300;") and words in rows[2]["returnInfo"]


def test_the_national_base_knows_a_number_under_another_name(company, monkeypatch):
    declare(company, "O1", buyerName="张不符")
    rows = heard(company)
    assert statuses(rows) == ["2", "3", "100"]
    assert rows[2]["returnInfo"] == "[Code:1300;Desc:人工退单，订购人身份证号码有误]"
    base = settings.profile()["national_base"]
    answers = {"CEB311Message": {"status": "99", "text": "订单中的订购人姓名和身份证不匹配"}}
    monkeypatch.setitem(settings.profile(), "national_base", {**base, "answers": answers})
    company.send("CEB311", imports.order("O2", buyerName="张不符"))
    rows = heard(company, owner=PLATFORM)
    assert statuses(rows)[-1] == "99"
    company.send("CEB311", imports.order("O2"))
    assert statuses(heard(company, owner=PLATFORM)) == ["2", "3", "120"], "the number is free again"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"action": "inspect"}, ["500", "800", "899"]),
        ({"action": "inspect", "result": "700"}, ["500", "700"]),
        ({"action": "review"}, ["300", "800", "899"]),
        ({"action": "detain", "status": "501"}, ["501"]),
        ({"action": "detain", "status": "502"}, ["502"]),
        ({"action": "detain", "status": "503"}, ["503"]),
        ({"action": "detain", "status": "599"}, ["599"]),
        ({"action": "detain", "status": "600"}, ["600"]),
        ({"action": "detain", "status": "700"}, ["700"]),
    ],
)
def test_the_ways_from_stored_to_an_end(company, rule, expected):
    company.customs.behaviours.add([{"match": {"type": "CEB621Message"}, **rule}])
    declare(company, "O1", bonded=True)
    assert statuses(heard(company, 7200, type_="CEB622Message")) == ["2", "3", "120", *expected]


def test_review_and_inspection_one_after_the_other(company):
    company.customs.behaviours.add([{"action": "review"}, {"action": "inspect"}])
    declare(company, "O1", bonded=True)
    expected = ["2", "3", "120", "300", "500", "800", "899"]
    assert statuses(heard(company, 7200, type_="CEB622Message")) == expected


@pytest.mark.parametrize("rule", [{"action": "inspect", "result": None}, {"action": "detain", "status": "600"}])
def test_a_person_ends_an_inspection_or_a_suspension(company, rule):
    company.customs.behaviours.add([rule])
    declare(company, "O1", bonded=True)
    assert statuses(heard(company, 86400, type_="CEB622Message"))[-1] in ("500", "600")
    assert decisions.inspected(company.customs, "800", order_no="O1") == 1
    assert statuses(heard(company, 600, type_="CEB622Message")) == ["800", "899"]
    assert decisions.inspected(company.customs, "800", order_no="O1") == 0


def test_an_officer_rejects(company):
    company.customs.behaviours.add(
        [{"match": {"order_no": "O1"}, "action": "reject", "code": "1301", "info": "系统异常，请稍后重试"}]
    )
    declare(company, "O1")
    assert heard(company)[-1]["returnInfo"] == "[Code:1301;Desc:系统异常，请稍后重试]"


@pytest.mark.parametrize("status", ["4", "-451"])
def test_what_never_reached_customs_may_be_declared_anew(company, status):
    rule = {"match": {"type": "CEB311Message"}, "action": "reject", "status": status, "text": "申报失败", "times": 1}
    company.customs.behaviours.add([rule])
    company.send("CEB311", imports.order("O1"))
    rows = heard(company, owner=PLATFORM)
    assert statuses(rows) == ["2", "3", status] and rows[2]["returnInfo"] == "申报失败"
    stored(company, "O1")


def test_misbehaviour_works_for_the_new_types(company):
    company.customs.behaviours.add([
        {"match": {"type": "CEB411Message"}, "action": "silent"},
        {"match": {"type": "CEB511Message"}, "action": "repeat", "times_each": 3},
        {"match": {"type": "CEB621Message"}, "action": "reorder"},
        {"match": {"type": "CEB513Message"}, "action": "http", "status": 502},
        {"match": {"type": "CEB711Message"}, "action": "unreadable", "times": 1},
        {"match": {"type": "CEB623Message"}, "action": "lose_answer"},
    ])  # fmt: skip
    declare(company, "O1")
    assert heard(company, owner=PAYER) == []
    assert statuses(heard(company, owner=CARRIER)).count("120") == 3
    assert statuses(heard(company)) == ["3", "120", "2"]
    outcome = company.customs.receive(company.sealed("CEB513", imports.delivered("O1")))
    assert "http" in outcome.rules
    company.send("CEB711", imports.warehouse(["O1"]))
    (row,) = heard(company, owner=YARD)
    assert (row["type"], row["oriMessageType"]) == ("CEB900Message", "CEB711Message")
    outcome = company.customs.receive(company.sealed("CEB623", imports.cancel("O1", "x")))
    assert "lose_answer" in outcome.rules


def test_what_no_receipt_could_name_is_unreadable(company):
    company.send("CEB621", imports.inventory("O1", copNo=None))
    (row,) = heard(company)
    assert row["type"] == "CEB900Message" and "copNo" in row["returnInfo"]


def test_strangers_may_not_declare_for_others(company):
    company.send("CEB621", imports.inventory("O1"), signer=CARRIER)
    assert statuses(heard(company)) == ["-621015"]
    company.send("CEB411", imports.payment("O1"), owner=PLATFORM)
    assert statuses(heard(company, owner=PLATFORM)) == ["-621015"]


def test_an_audit_sees_second_sends_of_every_new_type(company):
    from adapters.sandbox.cn_customs import books

    sealed = [
        company.sealed("CEB311", imports.order("O1")), company.sealed("CEB411", imports.payment("O1")),
        company.sealed("CEB511", imports.waybill("O1")), company.sealed("CEB621", imports.inventory("O1")),
        company.sealed("CEB711", imports.warehouse(["O1"])),
    ]  # fmt: skip
    for message in sealed:
        company.post(message)
    assert books.audit(company.customs.store)["count"] == 0
    for message in sealed:
        company.post(message)
        company.post(message, recovery=True)
    seen = books.audit(company.customs.store)
    assert (seen["count"], seen["marked_recovery"]) == (5, 5)
    assert {row["type"] for row in seen["second_receipts"]} == {f"CEB{n}Message" for n in (311, 411, 511, 621, 711)}


def test_what_it_keeps_of_people_is_no_text(company):
    stored(company, "O1")
    rows = company.customs.store.rows("SELECT facts, face FROM document")
    kept = " ".join(row[0] + row[1] for row in rows)
    for text in (imports.BUYER, imports.PHONE, imports.identity(), imports.ADDRESS):
        assert text not in kept


def test_nothing_is_lost_over_a_restart(company, tmp_path):
    declare(company, "O1", bonded=True)
    assert statuses(heard(company))[-1] == "120"
    company.customs.store.close()
    company.customs = make.new(tmp_path)
    assert statuses(heard(company, 600, type_="CEB622Message")) == ["800", "899"]
    assert company.since[AGENT] is not None
