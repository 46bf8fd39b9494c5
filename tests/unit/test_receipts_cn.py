"""Receipts of China Customs normalised: keys, times, statuses, whatever form they come in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import yaml

from adapters.cn_ecommerce import receipts
from mappings import states
from mappings.engine import spec
from mappings.engine.spec import MAPPINGS
from mappings.errors import DataFault, Unsupported
from tests.unit.customs import receipt

AT = datetime(2026, 11, 23, 8, 43, 57, 123000, UTC)
WHEN = {"returnTime": "20261123164357123"}
KEYS = {
    "CEB304Message": ("CEB303Message", {"ebpCode": "P", "ebcCode": "S", "orderNo": "O 1"}, "P|S|O 1"),
    "CEB404Message": ("CEB403Message", {"ebcCode": "S", "orderNo": "O1", "payNo": "Y"}, "S|O1|Y"),
    "CEB506Message": ("CEB505Message", {"logisticsCode": "L", "logisticsNo": "W"}, "L|W"),
    "CEB508Message": (
        "CEB507Message", {"operatorCode": "Y", "copNo": "C", "billNo": "B", "msgSeqNo": "1"}, "Y|C|B|1",
    ),
    "CEB510Message": ("CEB509Message", {"logisticsCode": "L", "copNo": "C", "msgSeqNo": "1"}, "L|C|1"),
    "CEB604Message": ("CEB603Message", {"agentCode": "A", "copNo": "C", "orderNo": "O1"}, "A|C"),
    "CEB606Message": ("CEB605Message", {"agentCode": "A", "copNo": "C"}, "A|C"),
    "CEB608Message": ("CEB607Message", {"agentCode": "A", "copNo": "C", "billNo": "B", "msgSeqNo": "2"}, "A|C|B|2"),
}  # fmt: skip


@pytest.mark.parametrize("type_", KEYS)
@pytest.mark.parametrize("prefix", ["ceb:", ""])
def test_each_receipt_has_its_declared_type_and_key(type_: str, prefix: str) -> None:
    declared, fields, key = KEYS[type_]
    (row,) = receipts.rows(receipt(type_, [fields | WHEN | {"returnStatus": "120"}], prefix))
    assert (row.authority, row.type, row.business_key, row.status) == ("cn_ecommerce", declared, key, "120")
    assert (row.return_time, row.receipt_type, row.problem) == (AT, type_, "")


def test_the_table_of_keys_agrees_with_the_message_files() -> None:
    """Every key field stands in both the declared document and its receipt, and states know each declared type."""
    for declared, row in receipts.table()["documents"].items():
        message, answer = spec.load(declared), spec.load(row["receipt"])
        for tag in row["key"]:
            assert message.find(tag, row["segment"]), (declared, tag)
            assert answer.find(tag, answer.document), (row["receipt"], tag)
        assert message.receipt == row["receipt"]
        if declared != "CEB605Message":
            assert declared in states.document_states("cn_ecommerce")


@pytest.mark.parametrize(
    "encode",
    [
        lambda xml: b"\xef\xbb\xbf" + xml,
        lambda xml: xml.decode().replace("UTF-8", "gb2312").encode("gb18030"),
        lambda xml: xml.decode().encode("gb18030"),
        lambda xml: xml.replace(b"<ceb:guid>", b"<ceb:unheard>1</ceb:unheard><ceb:guid>"),
    ],
    ids=["mark", "gb2312", "declared-wrong", "unknown-element"],
)
def test_lenient_reading(encode: object) -> None:
    xml = receipt("CEB304Message", [KEYS["CEB304Message"][1] | {"returnInfo": "新增申报成功"}] * 2)
    rows = receipts.rows(encode(xml))  # type: ignore[operator]
    assert [r.info for r in rows] == ["新增申报成功"] * 2


def test_elements_in_another_order_and_absent_ones() -> None:
    xml = (
        b'<CEB604Message xmlns="http://www.chinaport.gov.cn/ceb"><InventoryReturn><returnStatus>2</returnStatus>'
        b"<copNo>C</copNo><agentCode>A</agentCode><returnTime>20261123164357123</returnTime></InventoryReturn></CEB604Message>"
    )
    (row,) = receipts.rows(xml)
    assert (row.business_key, row.status, row.invt_no, row.info, row.guid) == ("A|C", "2", "", "", "")


def test_numbers_and_the_declared_guid_come_along() -> None:
    guid = "4c8b9bd0-0e46-4bd2-9f4f-7e2b2f7f8d10"
    info = f"清单新增申报成功[{guid}][电商企业编码：S订单编号：O1]"
    fields = KEYS["CEB604Message"][1] | {
        "preNo": "B20261123000000001",
        "invtNo": "57882026E000000001",
        "returnInfo": info,
    }
    (row,) = receipts.rows(receipt("CEB604Message", [fields]))
    assert (row.pre_no, row.invt_no) == ("B20261123000000001", "57882026E000000001")
    assert row.declared_guid == guid.upper()
    assert receipts.declared_guid("[Code:1800;Desc:逻辑校验通过]") == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20261123164357123", AT),
        ("20261123164357", AT.replace(microsecond=0)),
        ("2026-11-23 16:43:57.123", AT),
        ("202611231643571", AT.replace(microsecond=100000)),
        ("", None),
        ("20261332000000000", None),
        ("soon", None),
    ],
)
def test_return_times(text: str, expected: datetime | None) -> None:
    assert receipts.moment(text) == expected


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"orderNo": ""}, "key"),
        ({"returnTime": "soon"}, "no time"),
        ({"returnStatus": "ok"}, "no number"),
        ({"returnStatus": ""}, "no number"),
    ],
)
def test_a_row_that_cannot_be_applied_says_why(fields: dict[str, str], problem: str) -> None:
    good = KEYS["CEB304Message"][1]
    rows = receipts.rows(receipt("CEB304Message", [good, good | fields]))
    assert rows[0].problem == ""
    assert problem in rows[1].problem


def test_a_payment_receipt_may_leave_out_the_payment_number() -> None:
    (row,) = receipts.rows(receipt("CEB404Message", [KEYS["CEB404Message"][1] | {"payNo": ""}]))
    assert (row.business_key, row.problem) == ("S|O1|", "")


def unreadable(**fields: str) -> bytes:
    fill = {"returnStatus": "-999999", "oriCopMsgId": "COP-1", "oriMessageType": "CEB303Message"} | WHEN | fields
    return receipt("CEB900Message", [fill])


def test_an_unreadable_message_is_named_by_its_cop_msg_id() -> None:
    (row,) = receipts.rows(unreadable(returnInfo="报文格式错误"))
    assert (row.cop_msg_id, row.business_key, row.type, row.status) == ("COP-1", "COP-1", "CEB303Message", "-999999")
    assert (row.problem, row.receipt_type) == ("", "CEB900Message")
    assert "no time" in receipts.rows(unreadable(returnTime=""))[0].problem
    with pytest.raises(DataFault, match="CEB900"):
        receipts.rows(unreadable(oriCopMsgId=""))


def test_what_is_no_receipt_is_refused() -> None:
    order = b'<CEB303Message xmlns="http://www.chinaport.gov.cn/ceb"><Order><OrderHead/></Order></CEB303Message>'
    with pytest.raises(Unsupported, match="CEB303Message is no receipt"):
        receipts.rows(order)
    with pytest.raises(Unsupported):
        receipts.rows(b"<CEB999Message/>")
    with pytest.raises(DataFault):
        receipts.rows(b"<!DOCTYPE x><CEB304Message/>")


def test_keys_have_as_many_parts_as_conversion_makes() -> None:
    """roles.yaml says what our documents are keyed by, receipts.yaml what their receipts give back."""
    roles = yaml.safe_load((MAPPINGS / "cn_ecommerce" / "roles.yaml").read_text("utf-8"))["messages"]
    answered = receipts.table()["documents"]
    assert set(roles) == set(answered)
    for declared, row in roles.items():
        assert len(row["key"]) == len(answered[declared]["key"]), declared
