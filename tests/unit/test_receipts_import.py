"""Receipts of imports as they come in life: keys, relays, marks, encodings, what is left out, and tax bills."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.cn_ecommerce import ChinaEcommerce, envelope, receipts
from adapters.ledger import Ledger, bills, claims, events, messages, open_ledger, preparing, raws, shipments
from adapters.ledger import faults as ledger_faults
from adapters.ledger import receipts as ledger_receipts
from mappings import clock
from mappings.engine import spec
from mappings.errors import DataFault
from tasks.receipts.reasons import canonical, reasons
from tasks.receipts.receive import accept_push
from tasks.receipts.settle import settle
from tests.contract import ledger_cases as cases
from tests.contract.ledger_cases import Doc, out
from tests.unit.customs import receipt, stamp

CN, INVENTORY = "cn_ecommerce", "CEB621Message"
KEYS = {
    "CEB312Message": ("CEB311Message", {"ebpCode": "P", "ebcCode": "S", "orderNo": "O1"}, "P|S|O1"),
    "CEB412Message": ("CEB411Message", {"payCode": "Y", "payTransactionId": "T1"}, "Y|T1"),
    "CEB512Message": ("CEB511Message", {"logisticsCode": "L", "logisticsNo": "W1"}, "L|W1"),
    "CEB514Message": ("CEB513Message", {"logisticsCode": "L", "logisticsNo": "W1", "logisticsStatus": "S"}, "L|W1"),
    "CEB622Message": ("CEB621Message", {"agentCode": "A", "copNo": "C1"}, "A|C1"),
    "CEB712Message": ("CEB711Message", {"operatorCode": "K", "copNo": "C1", "rkdNo": "010220260308000008"}, "K|C1"),
}  # fmt: skip


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return open_ledger(tmp_path / "home", f"sqlite:///{tmp_path / 'ledger.sqlite'}")


@pytest.mark.parametrize("type_", KEYS)
@pytest.mark.parametrize("prefix", ["ceb:", ""])
def test_each_import_receipt_has_its_declared_type_and_key(type_: str, prefix: str) -> None:
    declared, fields, key = KEYS[type_]
    (row,) = receipts.rows(receipt(type_, [fields | {"returnStatus": "120"}], prefix))
    assert (row.type, row.business_key, row.status, row.problem) == (declared, key, "120", "")
    assert row.invt_no == fields.get("rkdNo", "")
    assert spec.load(declared).traffic == "import"


@pytest.mark.parametrize(
    "encode",
    [
        lambda xml: b"\xef\xbb\xbf" + xml,
        lambda xml: xml.decode().replace("UTF-8", "gb2312").encode("gb18030"),
        lambda xml: xml.decode().replace("UTF-8", "GBK").encode("utf-8"),
        lambda xml: xml.decode().encode("gb18030"),
        lambda xml: xml.replace(b"<guid>", b"<unheard>1</unheard><guid>"),
        lambda xml: xml.replace(b"</InventoryReturn>", b"<more><deep>1</deep></more></InventoryReturn>"),
    ],
    ids=["mark", "gb2312", "gbk-declared-utf8", "utf8-declared-gb18030", "unknown-element", "unknown-group"],
)
def test_relays_spoil_what_they_hand_on(encode: Callable[[bytes], bytes]) -> None:
    xml = receipt("CEB622Message", [KEYS["CEB622Message"][1] | {"returnInfo": "清单新增申报成功"}] * 2, "")
    assert [r.info for r in receipts.rows(encode(xml))] == ["清单新增申报成功"] * 2


@pytest.mark.parametrize("size", [1, 2, 100])
def test_one_to_a_hundred_receipts_in_a_message(size: int) -> None:
    rows = receipts.rows(receipt("CEB622Message", [{"agentCode": "A", "copNo": f"C{n}"} for n in range(size)]))
    assert [row.business_key for row in rows] == [f"A|C{n}" for n in range(size)]


@pytest.mark.parametrize(
    ("type_", "fields", "problem"),
    [
        ("CEB622Message", {"agentCode": ""}, False),
        ("CEB622Message", {"copNo": ""}, True),
        ("CEB712Message", {"operatorCode": ""}, False),
        ("CEB712Message", {"copNo": ""}, False),
        ("CEB712Message", {"operatorCode": "", "copNo": "", "preNo": "R20261127000000001"}, False),
        ("CEB712Message", {"operatorCode": "", "copNo": ""}, True),
        ("CEB312Message", {"orderNo": ""}, True),
    ],
)
def test_what_the_message_file_lets_a_receipt_leave_out(type_: str, fields: dict[str, str], problem: bool) -> None:
    (row,) = receipts.rows(receipt(type_, [KEYS[type_][1] | fields]))
    assert bool(row.problem) is problem


def test_the_time_may_stand_before_the_text_in_a_format_check() -> None:
    said = {"returnStatus": "-999999", "oriCopMsgId": "COP-1", "oriMessageType": INVENTORY, "returnInfo": "格式错误"}
    xml = receipt("CEB900Message", [said], "").decode()
    info, time = (xml[xml.index(f"<{t}>") : xml.index(f"</{t}>") + len(t) + 3] for t in ("returnInfo", "returnTime"))
    swapped = xml.replace(info, "").replace(time, time + info)
    assert swapped.index("<returnTime>") < swapped.index("<returnInfo>")
    (row,) = receipts.rows(swapped.encode())
    assert (row.type, row.cop_msg_id, row.info, row.problem) == (INVENTORY, "COP-1", "格式错误", "")


# ---- what is said of an import document -----
def test_several_groups_of_brackets_are_all_read() -> None:
    info = (
        "[Code:1332;Desc:支付单支付金额与订单支付金额不一致],[OrderHead.acturalPaid:561.89,PaymentHead.amountPaid3197.95],"
        "[Code:13127;Desc:清单上的订购人姓名与订单上的订购人姓名不一致],[InventoryHead.orderNo:A1,OrderHead.orderNo:A2]"
    )
    first, second = reasons(CN, "100", info, INVENTORY)
    assert (first.code, {first.value, first.other_value}) == ("AUT-1332", {"561.89", "3197.95"})
    assert (second.code, second.value, second.other_value) == ("AUT-13127", "A1", "A2")


@pytest.mark.parametrize(
    ("status", "code"),
    [("-623005", "AUT-CANCEL"), ("-625024", "AUT-RETURN"), ("-800001", "AUT-WAREHOUSE"), ("-800003", "AUT-DUP"),
     ("-505011", "AUT-DELIVERY"), ("-505012", "AUT-DUP"), ("-502001", "AUT-WAYBILL"), ("-987654", "AUT-OTHER")],
)  # fmt: skip
def test_negative_codes_by_their_first_digits(status: str, code: str) -> None:
    (reason,) = reasons(CN, status, "x", INVENTORY)
    assert reason.code == code


@pytest.mark.parametrize(
    ("segment", "field", "declared"),
    [("OrderHead", "acturalPaid", "CEB311Message"), ("PaymentHead", "amountPaid", "CEB411Message"),
     ("LogisticsHead", "weight", "CEB511Message"), ("InventoryHead", "grossWeight", "CEB621Message"),
     ("InventoryList", "qty", "CEB621Message"), ("LogisticsHead", "logisticsNo", "CEB621Message")],
)  # fmt: skip
def test_a_segment_s_name_means_the_import_s_own_message_first(
    segment: str, field: str, declared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the import's message file names as its source; the export's where it names none."""
    place = receipts.table()["import_segments"]["segments"][segment]
    assert spec.load(place[0]).find(field, place[1]), "the import has such a field"
    source = spec.load(place[0]).find(field, place[1])[1].source  # type: ignore[index]
    assert canonical(CN, segment, field, declared) == (source or canonical(CN, segment, field))


# ---- through the ledger -----
def declared(ledger: Ledger) -> int:
    ident = cases.shipment(ledger)
    docs = [Doc(f"A|C{n}", n) for n in (1, 2, 3)]
    (made,) = preparing.add_messages(ledger, ident, [out(docs, INVENTORY, cop="COP-621")]).message_ids
    assert claims.claim(ledger, made, "w") and claims.settle_sent(ledger, made)
    return ident


def push(ledger: Ledger, business: bytes, type_: str = "CEB622Message") -> None:
    authority = ChinaEcommerce()
    cop = hashlib.sha256(business).hexdigest()
    sealed = envelope.write(business, type_, "DXPEDCCEB0000002", "DXPTEST000000001", cop, clock.now())
    accept_push(ledger, authority, sealed)
    settle(ledger, authority)


def said(status: str, number: int = 1, **more: str) -> dict[str, str]:
    return {"agentCode": "A", "copNo": f"C{number}", "returnStatus": status, "returnTime": stamp(clock.now())} | more


def state(ledger: Ledger, ident: int) -> list[str]:
    return [d.state for d in messages.documents(ledger, ident)]


def test_an_inventory_receipt_without_its_agent_finds_its_document(ledger: Ledger) -> None:
    ident = declared(ledger)
    push(ledger, receipt("CEB622Message", [said("120", 1, agentCode="", preNo="B20261127000000001"), said("2", 2)]))
    assert state(ledger, ident) == ["stored", "accepted", "prepared"]


def test_a_receipt_of_a_document_that_nobody_knows_is_parked_and_applied_later(ledger: Ledger) -> None:
    ident = declared(ledger)
    push(ledger, receipt("CEB622Message", [said("120", 7), said("120", 1)]))
    assert ledger_receipts.counts(ledger, CN) == {"applied": 1, "parked": 1}
    preparing.add_messages(ledger, ident, [out([Doc("A|C7")], INVENTORY)])
    settle(ledger, ChinaEcommerce())
    assert ledger_receipts.counts(ledger, CN) == {"applied": 2}
    assert state(ledger, ident)[-1] == "stored"


def test_a_partners_receipts_are_kept_and_disturb_nothing(ledger: Ledger) -> None:
    """Another company's agent told through the same address: kept, parked, seen by nobody as ours."""
    ident = declared(ledger)
    push(ledger, receipt("CEB622Message", [said("800", 1, agentCode="PARTNER"), said("2", 1)]))
    assert state(ledger, ident)[0] == "accepted"
    assert ledger_receipts.counts(ledger, CN) == {"applied": 1, "parked": 1}
    assert ledger_faults.faults(ledger, ident).empty


def test_a_format_check_brings_an_import_message_back_whole(ledger: Ledger) -> None:
    ident = declared(ledger)
    fill = {
        "returnStatus": "-999999",
        "oriCopMsgId": "COP-621",
        "oriMessageType": INVENTORY,
        "returnInfo": "报文格式错误",
    }
    push(ledger, receipt("CEB900Message", [fill]), "CEB900Message")
    assert state(ledger, ident) == ["failed"] * 3
    assert set(ledger_faults.faults(ledger, ident)["code"]) == {"AUT-900"}
    assert [e.detail["type"] for e in events.timeline(ledger, ident) if e.kind == "message_unreadable"] == [INVENTORY]


def test_a_code_outside_every_table_is_a_failure_with_the_authoritys_words(ledger: Ledger) -> None:
    ident = declared(ledger)
    push(ledger, receipt("CEB622Message", [said("-777777", 2, returnInfo="未知错误")]))
    assert state(ledger, ident) == ["prepared", "failed", "prepared"]
    (row,) = ledger_faults.faults(ledger, ident).to_dict("records")
    assert (row["code"], row["order_no"], row["value"]) == ("AUT-OTHER", "o2", "[-777777] 未知错误")


# ---- tax bills -----
HEAD = {"guid": "G", "returnTime": "20261127093000000", "invtNo": "57882026I000000001", "taxNo": "TAX-1",
        "customsTax": "0", "valueAddedTax": "37.31", "consumptionTax": "0.00000", "status": "1", "entDutyNo": "",
        "note": "", "assureCode": "A1", "ebcCode": "S", "logisticsCode": "L", "agentCode": "A",
        "customsCode": "5788"}  # fmt: skip
LINE = {"gnum": "1", "gcode": "3304990039", "taxPrice": "410", "customsTax": "0", "valueAddedTax": "37.31",
        "consumptionTax": "0"}  # fmt: skip


def tags(values: dict[str, str], prefix: str) -> str:
    return "".join(f"<{prefix}{tag}>{text}</{prefix}{tag}>" for tag, text in values.items())


def tax_bill(*heads: dict[str, str], lines: int = 1, prefix: str = "", kind: str = "816") -> bytes:
    """A CEB816 (or, without lines, a CEB818) of these bills; the extra values of real test receipts where given."""
    head, rows = ("TaxHeadRd", lines) if kind == "816" else ("TaxHeadStatus", 0)
    bodies = "".join(
        f"<{prefix}Tax><{prefix}{head}>{tags(values, prefix)}</{prefix}{head}>"
        + "".join(
            f"<{prefix}TaxListRd>{tags(LINE | {'gnum': str(n + 1)}, prefix)}</{prefix}TaxListRd>" for n in range(rows)
        )
        + f"</{prefix}Tax>"
        for values in heads
    )
    space = "xmlns:ceb" if prefix else "xmlns"
    return (f'<{prefix}CEB{kind}Message {space}="http://www.chinaport.gov.cn/ceb" guid="G" version="1.0">{bodies}'
            f"</{prefix}CEB{kind}Message>").encode()  # fmt: skip


@pytest.mark.parametrize("prefix", ["", "ceb:"])
def test_a_tax_bill_is_read_with_amounts_and_lines(prefix: str) -> None:
    relayed = HEAD | {"orderNo": "O1", "logisticsNo": "W1", "unheard": "x"}
    one, two = receipts.rows(tax_bill(relayed, HEAD | {"taxNo": "TAX-2"}, lines=2, prefix=prefix))
    assert (one.type, one.business_key, one.status, one.invt_no, one.problem) == (
        "CEB816Message", "TAX-1", "1", "57882026I000000001", "",
    )  # fmt: skip
    assert one.bill is not None and two.bill is not None
    assert (one.bill.customs_tax, one.bill.value_added_tax, one.bill.consumption_tax) == (0, 3_731_000, 0)
    assert [line["gnum"] for line in two.bill.lines] == [1, 2], "each bill has its own lines"
    assert one.bill.lines[0] == {"gnum": 1, "hs_code": "3304990039", "tax_price": 41_000_000, "customs_tax": 0,
                                 "value_added_tax": 3_731_000, "consumption_tax": 0}  # fmt: skip
    assert two.business_key == "TAX-2"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [({"taxNo": ""}, "taxNo"), ({"invtNo": ""}, "invtNo"), ({"valueAddedTax": "much"}, "no number"),
     ({"valueAddedTax": ""}, "no number"), ({"status": "x"}, "no number"), ({"returnTime": ""}, "no time")],
)  # fmt: skip
def test_a_bill_that_cannot_be_used_says_why(changes: dict[str, str], problem: str) -> None:
    (row,) = receipts.rows(tax_bill(HEAD | changes))
    assert problem in row.problem


def test_a_bill_without_its_head_is_refused() -> None:
    with pytest.raises(DataFault, match="TaxHeadRd"):
        receipts.rows(b'<CEB816Message xmlns="http://www.chinaport.gov.cn/ceb"><Tax><TaxListRd/></Tax></CEB816Message>')


def test_bills_through_the_ledger_before_and_after_their_inventory(ledger: Ledger) -> None:
    ident = declared(ledger)
    push(ledger, tax_bill(HEAD, HEAD | {"taxNo": "TAX-9", "invtNo": "57882026I000000009"}), "CEB816Message")
    assert bills.of_shipment(ledger, ident) == []
    status = {k: HEAD[k] for k in ("guid", "invtNo", "taxNo", "entDutyNo")} | {
        "status": "2", "returnTime": "20261227093000000", "entDutyNo": "PAY-7",
    }  # fmt: skip
    push(ledger, tax_bill(status, kind="818"), "CEB818Message")
    push(ledger, receipt("CEB622Message", [said("800", 1, invtNo="57882026I000000001")]))
    (bill,) = bills.of_shipment(ledger, ident)
    assert (bill.tax_no, bill.order_no, bill.state, bill.value_added_tax, bill.duty_no, bill.assure_code) == (
        "TAX-1", "o1", "summed", 3_731_000, "PAY-7", "A1",
    )  # fmt: skip
    push(ledger, tax_bill(HEAD), "CEB816Message")
    assert bills.states(ledger, ident) == {1: {"summed": 1}}, "told again, nothing moves back"
    assert raws.parked_heads(ledger) == []


def test_a_bill_is_followed_after_the_shipment_is_closed(ledger: Ledger) -> None:
    ident = declared(ledger)
    push(ledger, receipt("CEB622Message", [said("800", 1, invtNo="57882026I000000001")]))
    shipments.set_state(ledger, ident, "closed")
    push(ledger, tax_bill(HEAD | {"status": "3"}), "CEB816Message")
    assert bills.states(ledger, ident) == {1: {"void": 1}}
