"""Import messages of the made-up company: direct purchase (9610) and bonded (1210), and what follows them."""

from __future__ import annotations

from tests.contract.cn_sandbox_company import AGENT, CARRIER, PAYER, PLATFORM, SELLER, YARD, Company
from tests.contract.cn_sandbox_documents import altered, group, start

BUYER, PHONE, ADDRESS = "张试验", "13800000000", "广东省珠海市试验路1号"
BOOK, RECORD = "T5788W000001", "0001"


def identity(serial: int = 1) -> str:
    """A made-up identity number with its check digit, by GB 11643."""
    body = f"44040019900101{serial:03d}"
    weights = [2 ** (17 - n) % 11 for n in range(17)]
    return body + "10X98765432"[sum(w * int(d) for w, d in zip(weights, body, strict=True)) % 11]


def goods(qty: str, price: str, lines: int) -> list[dict[str, object]]:
    total = f"{float(qty) * float(price):.2f}"
    return [{"gnum": n + 1, "qty": qty, "price": price, "totalPrice": total} for n in range(lines)]


def order(number: str, qty: str = "2", price: str = "100", lines: int = 1, **changes: object) -> str:
    value = float(qty) * float(price) * lines
    head = start(
        orderType="I", orderNo=number, ebpCode=PLATFORM, ebpName="平台", ebcCode=SELLER, ebcName="商家",
        goodsValue=f"{value:.2f}", freight="10", discount="0", taxTotal="0", acturalPaid=f"{value + 10:.2f}",
        currency="142", buyerRegNo="U1", buyerName=BUYER, buyerTelephone=PHONE, buyerIdType="1",
        buyerIdNumber=identity(), payCode=PAYER, payName="支付", payTransactionId=f"T{number}", consignee=BUYER,
        consigneeTelephone=PHONE, consigneeAddress=ADDRESS,
    )  # fmt: skip
    rows = [
        group("OrderList", {"gnum": g["gnum"], "itemName": "奶粉", "gmodel": "800g", "unit": "011", "qty": g["qty"],
                            "price": g["price"], "totalPrice": g["totalPrice"], "currency": "142", "country": "601"})
        for g in goods(qty, price, lines)
    ]  # fmt: skip
    return group("Order", {}, group("OrderHead", altered(head, changes)) + "".join(rows))


def payment(number: str, amount: str = "210", **changes: object) -> str:
    head = start(
        payCode=PAYER, payName="支付", payTransactionId=f"T{number}", orderNo=number, ebpCode=PLATFORM, ebpName="平台",
        payerIdType="1", payerIdNumber=identity(), payerName=BUYER, amountPaid=amount, currency="142",
        payTime="20261123110000",
    )  # fmt: skip
    return group("Payment", {}, group("PaymentHead", altered(head, changes)))


def waybill(number: str, **changes: object) -> str:
    head = start(
        logisticsCode=CARRIER, logisticsName="承运", logisticsNo=f"W{number}", orderNo=number, freight="10",
        insuredFee="0", currency="142", weight="1.2", packNo="1", goodsInfo="奶粉", consignee=BUYER,
        consigneeAddress=ADDRESS, consigneeTelephone=PHONE,
    )  # fmt: skip
    return group("Logistics", {}, group("LogisticsHead", altered(head, changes)))


def delivered(number: str, **changes: object) -> str:
    head = start(
        logisticsCode=CARRIER, logisticsName="承运", logisticsNo=f"W{number}", logisticsStatus="S",
        logisticsTime="20261125120000",
    )  # fmt: skip
    return group("LogisticsStatus", altered(head, changes))


def inventory(
    number: str, qty: str = "2", price: str = "100", lines: int = 1, bonded: bool = False,
    line: dict[str, object] | None = None, **changes: object,
) -> str:  # fmt: skip
    direct = None if bonded else "x"
    head = start(
        orderNo=number, ebpCode=PLATFORM, ebpName="平台", ebcCode=SELLER, ebcName="商家", logisticsNo=f"W{number}",
        logisticsCode=CARRIER, logisticsName="承运", copNo=f"C{number}", assureCode=PLATFORM,
        emsNo=BOOK if bonded else None, ieFlag="I", declTime="20261123", customsCode="5788", portCode="5788",
        buyerIdType="1", buyerIdNumber=identity(), buyerName=BUYER, buyerTelephone=PHONE, consigneeAddress=ADDRESS,
        agentCode=AGENT, agentName="报关", areaCode="AREA000001" if bonded else None,
        areaName="区内" if bonded else None,
        tradeMode="1210" if bonded else "9610", trafMode="4", trafNo=direct and "粤Z0000港", voyageNo=direct and "V1",
        billNo=direct and "BILL1", country="142" if bonded else "110", freight="10", insuredFee="0", currency="142",
        packNo="1", grossWeight="1.2", netWeight="1",
    )  # fmt: skip
    rows = [
        {"gnum": g["gnum"], "itemRecordNo": RECORD if bonded else None, "itemName": "奶粉", "gcode": "1901101000",
         "gname": "婴儿奶粉", "gmodel": "800g", "country": "601", "currency": "142", "qty": g["qty"], "unit": "011",
         "qty1": "1.6", "unit1": "035", "qty2": None, "unit2": None, "price": g["price"], "totalPrice": g["totalPrice"]}
        for g in goods(qty, price, lines)
    ]  # fmt: skip
    lists = "".join(group("InventoryList", altered(row, line or {})) for row in rows)
    return group("Inventory", {}, group("InventoryHead", altered(head, changes)) + lists)


def warehouse(numbers: list[str], **changes: object) -> str:
    head = start(
        customsCode="5788", copNo="R1", operatorCode=YARD, operatorName="场站", ieFlag="I", trafMode="4",
        trafNo="粤Z0000港", voyageNo="V1", billNo="BILL1", logisticsCode=CARRIER, logisticsName="承运",
    )  # fmt: skip
    rows = "".join(group("DeliveryList", {"gnum": n + 1, "logisticsNo": f"W{no}"}) for n, no in enumerate(numbers))
    return group("Delivery", {}, group("DeliveryHead", altered(head, changes)) + rows)


def _about(number: str, invt_no: str, cop_no: str) -> dict[str, object]:
    return start(
        customsCode="5788", orderNo=number, ebpCode=PLATFORM, ebpName="平台", ebcCode=SELLER, ebcName="商家",
        logisticsNo=f"W{number}", logisticsCode=CARRIER, logisticsName="承运", copNo=cop_no, invtNo=invt_no,
        buyerIdType="1", buyerIdNumber=identity(), buyerName=BUYER, buyerTelephone=PHONE, agentCode=AGENT,
        agentName="报关", reason="不要了",
    )  # fmt: skip


def cancel(number: str, invt_no: str, cop_no: str = "X1", **changes: object) -> str:
    return group("InvtCancel", altered(_about(number, invt_no, cop_no), changes))


def refund(
    number: str, invt_no: str, qty: str = "2", cop_no: str = "T1", line: dict[str, object] | None = None,
    **changes: object,
) -> str:  # fmt: skip
    row = {"gnum": 1, "gcode": "1901101000", "gname": "婴儿奶粉", "qty": qty, "unit": "011"}
    head = group("InvtRefundHead", altered(_about(number, invt_no, cop_no), changes))
    return group("InvtRefund", {}, head + group("InvtRefundList", altered(row, line or {})))


def export_cancel(invt_no: str, cop_no: str = "X1", **changes: object) -> str:
    head = start(
        customsCode="5788", copNo=cop_no, invtNo=invt_no, reason="不要了", agentCode=AGENT, agentName="报关",
        ebcCode=SELLER, ebcName="商家",
    )  # fmt: skip
    return group("InvtCancel", altered(head, changes))


def export_refund(
    number: str, invt_no: str, qty: str = "2", co_el_no: str = "T1", line: dict[str, object] | None = None,
    **changes: object,
) -> str:  # fmt: skip
    head = start(
        customsCode="5788", ebpCode=PLATFORM, ebpName="平台", ebcCode=SELLER, ebcName="商家", logisticsNo=f"W{number}",
        logisticsCode=CARRIER, logisticsName="承运", coElNo=co_el_no, invtNo=invt_no, tradeMode="9661", agentCode=AGENT,
        agentName="报关", billNo="BILL9", ieFlag="I", trafMode="4", trafName="粤Z0000港", portCode="5788",
        reason="拒收", country="110", voyageNo="V9",
    )  # fmt: skip
    row = {"gnum": 1, "gcode": "6911101900", "gname": "瓷杯", "gmodel": "瓷", "qty": qty, "qty1": "1", "unit": "007",
           "unit1": "035"}  # fmt: skip
    rows = group("InvtRefundList", altered(row, line or {}))
    return group("InvtRefund", {}, group("InvtRefundHead", altered(head, changes)) + rows)


def tally(number: str, co_el_no: str = "T1", **changes: object) -> str:
    head = start(
        customsCode="5788", operatorCode=YARD, operatorName="场站", logisticsCode=CARRIER, logisticsName="承运",
        logisticsNo=f"W{number}", coElNo=co_el_no, billNo="BILL9", ieFlag="I", trafMode="4", trafName="粤Z0000港",
        voyageNo="V9",
    )  # fmt: skip
    return group("InvtRefundDetail", altered(head, changes))


def summary(invt_nos: list[str], part: int = 1, parts: int = 1, cop_no: str = "S1", **changes: object) -> str:
    head = start(
        customsCode="5788", copNo=cop_no, agentCode=AGENT, agentName="报关", ebcCode=SELLER, ebcName="商家",
        declAgentCode=AGENT, declAgentName="报关", startTime=None, endTime=None, summaryFlag="1", itemNameFlag="1",
        msgCount=parts, msgSeqNo=part,
    )  # fmt: skip
    rows = "".join(group("SummaryApplyList", {"invtNo": number}) for number in invt_nos)
    return group("SummaryApply", {}, group("SummaryApplyHead", altered(head, changes)) + rows)


def declare(company: Company, *numbers: str, bonded: bool = False, **inventory_changes: object) -> None:
    """Order, payment, waybill and inventory of each number."""
    assert company.send("CEB311", *map(order, numbers)) == "0000"
    assert company.send("CEB411", *map(payment, numbers)) == "0000"
    assert company.send("CEB511", *map(waybill, numbers)) == "0000"
    found = [inventory(number, bonded=bonded, **inventory_changes) for number in numbers]
    assert company.send("CEB621", *found) == "0000"


def heard(company: Company, wait: float = 60, owner: str = AGENT, type_: str = "") -> list[dict[str, str]]:
    """New receipts of a company, of one type where that is given."""
    return [row for row in company.hear(owner, wait) if not type_ or row["type"] == type_]


def stored(company: Company, number: str, **how: object) -> str:
    """Declare one parcel and wait until it is stored; gives its invtNo."""
    declare(company, number, **how)
    last = heard(company)[-1]
    assert last["returnStatus"] == "120", last
    return last["invtNo"]


def released(company: Company, number: str, **how: object) -> str:
    """The same until it is released (and, as time goes on, closed); gives its invtNo."""
    invt_no = stored(company, number, **how)
    if not how.get("bonded"):
        company.send("CEB711", warehouse([number], copNo=f"R{number}"[:20]))
    statuses = [row["returnStatus"] for row in heard(company, 600, type_="CEB622Message")]
    assert statuses == ["800", "899"], statuses
    return invt_no


def balances(company: Company) -> dict[str, str]:
    """The balance of each book; there is one account of each in these tests."""
    from adapters.sandbox.cn_customs.imports import accounts

    company.customs.publish()
    rows = [row for row in accounts.balances(company.customs.store) if not row["account"].endswith("|0002")]
    return {row["book"]: row["balance"] for row in rows}
