"""Rejection texts as they were seen (reference receipts.md, section 4), read in our own terms."""

from __future__ import annotations

import csv

import pytest

from mappings import faults
from mappings.engine import codes
from mappings.engine.spec import MAPPINGS
from tasks.receipts.reasons import canonical, of_status, reasons, table

CN = "cn_ecommerce"


@pytest.mark.parametrize(
    ("status", "info", "expected"),
    [
        ("100", "[Code:1300;Desc:人工退单，收件地址有误]", [("AUT-1300", "order.order_no", "", "")]),
        ("100", "[Code:1313;Desc:超过年度限额,x;totalPrice：26,114.44 > limitPrice: 26,000;]",
         [("AUT-1313", "order.goods_value", "26,114.44", "26,000")]),
        ("100", "[Code:1320;Desc:项数不一致],[InventoryHead.orderNo:A1,OrderHead.orderNo:A2]",
         [("AUT-1320", "order.order_no", "A1", "A2")]),
        ("100", "[Code:1322;Desc:商品项不一致],[InventoryList.qty1:3,OrderList.qty:4]",
         [("AUT-1322", "line.quantity1", "3", "4")]),
        ("100", "[Code:1332;Desc:金额不一致],[OrderHead.acturalPaid:561.89,PaymentHead.amountPaid3197.95]",
         [("AUT-1332", "payment.amount", "3197.95", "561.89")]),
        ("100", "[Code:1332;Desc:金额不一致],[OrderHead.goodsValue+freight:12.5,Receipts.charge:13]",
         [("AUT-1332", "payment.amount", "13", "12.5")]),
        ("100", "[code:13035;Desc:支付企业不一致]", [("AUT-13035", "payment.pay_no", "", "")]),
        ("100", "[Code:1371;Desc:x],[Code:130126;Desc:y]",
         [("AUT-100", "order.order_no", "", ""), ("AUT-130126", "waybill.consignee_phone", "", "")]),
        ("100", "[Code:1800;Desc:逻辑校验通过],[Code:13127;Desc:姓名不一致]",
         [("AUT-13127", "waybill.consignee_name", "", "")]),
        ("100", "收件地址不详", [("AUT-100", "order.order_no", "", "")]),
        ("-301020", "验签失败", [("AUT-SIGN", "order.order_no", "", "")]),
        ("-304001", "处理失败，业务主键重复入库失败，报文业务主键[A|B]", [("AUT-DUP", "order.order_no", "", "")]),
        ("-504099", "x", [("AUT-WAYBILL", "waybill.waybill_no", "", "")]),
        ("-88", "", [("AUT-OTHER", "order.order_no", "", "")]),
    ],
)  # fmt: skip
def test_reasons(status: str, info: str, expected: list[tuple[str, str, str, str]]) -> None:
    assert [(r.code, r.field, r.value, r.other_value) for r in reasons(CN, status, info)] == expected


@pytest.mark.parametrize(
    ("declared", "code"),
    [("CEB621Message", "AUT-1300"), ("CEB603Message", "AUT-1300"), ("", "AUT-1300"), ("CEB311Message", "AUT-1300"),
     ("CEB625Message", "AUT-RETURN"), ("CEB213Message", "AUT-RETURN"), ("CEB215Message", "AUT-RETURN"),
     ("CEB623Message", "AUT-CANCEL"), ("CEB605Message", "AUT-CANCEL"), ("CEB701Message", "AUT-SUMMARY"),
     ("CEB711Message", "AUT-WAREHOUSE")],
)  # fmt: skip
def test_what_a_general_code_means_depends_on_the_type_that_it_answers(declared: str, code: str) -> None:
    (found,) = reasons(CN, "100", "[Code:1300;Desc:退货商品未在规定期限内运抵监管场所]", declared)
    assert (found.code, found.info) == (code, "[1300] 退货商品未在规定期限内运抵监管场所")


def test_without_a_code_too_and_what_has_a_meaning_of_its_own_keeps_it() -> None:
    assert [r.code for r in reasons(CN, "100", "收件地址不详", "CEB625Message")] == ["AUT-RETURN"]
    assert [r.code for r in reasons(CN, "100", "收件地址不详", "CEB621Message")] == ["AUT-100"]
    assert [r.code for r in reasons(CN, "-301020", "验签失败", "CEB625Message")] == ["AUT-SIGN"]
    assert [r.code for r in reasons(CN, "-621005", "", "CEB625Message")] == ["AUT-1313"]


def test_the_authoritys_words_are_kept() -> None:
    assert reasons(CN, "100", "[Code:1300;Desc:人工退单，地址有误]")[0].info == "[1300] 人工退单，地址有误"
    assert reasons(CN, "-88", "不知道")[0].info == "[-88] 不知道"
    assert reasons(CN, "-621005", "")[0].info == "[-621005] over the single-purchase limit"


def test_every_fault_that_a_receipt_may_become_is_in_the_table_and_explains_itself() -> None:
    named = table(CN)["faults"]
    used = {value for key in ("verdicts", "statuses", "prefixes", "general_of") for value in named[key].values()}
    for code in used | {named["unnamed"], named["door"]}:
        texts = faults.explain({"code": code, "value": "甲", "other_value": "乙"})
        assert all(texts.values()), code
        assert "{" not in "".join(texts.values())
    kinds = {code for code in faults.table() if code.startswith("AUT-")}
    assert kinds - used == {named["unnamed"], named["door"], named["conflict"]}


def test_no_verdict_of_the_reference_is_overlooked() -> None:
    named = table(CN)["faults"]
    listed = set(codes.load(CN, "return_info_code").codes)
    assert listed == {*named["verdicts"], *named["not_faults"], *named["unexplained"]}


def test_every_published_error_code_gets_a_fault() -> None:
    with (MAPPINGS / CN / "codes" / "ceb_error.csv").open(encoding="utf-8", newline="") as file:
        rows = [line for line in file if not line.startswith("#")]
    found = {row["code"]: of_status(CN, row["code"]) for row in csv.DictReader(rows)}
    assert len(found) > 150
    export = {code: fault for code, fault in found.items() if code.startswith(("-101", "-301", "-401", "-504", "-621"))}
    assert "AUT-OTHER" not in export.values()
    assert set(found.values()) <= set(faults.table())


def test_segments_lead_to_canonical_fields() -> None:
    assert canonical(CN, "OrderHead", "orderNo") == "order.order_no"
    assert canonical(CN, "InventoryHead", "grossWeight") == "waybill.gross_weight"
    assert canonical(CN, "LogisticsHead", "logisticsNo") == "waybill.waybill_no"
    assert canonical(CN, "Receipts", "charge") == "payment.amount"
    assert canonical(CN, "OrderHead", "consignee") == "waybill.consignee_name"
    assert canonical(CN, "OrderHead", "nothing") == ""
    assert canonical(CN, "Unheard", "orderNo") == ""
    assert canonical(CN, "OrderHead", "guid") == ""
