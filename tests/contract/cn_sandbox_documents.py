"""What a made-up export company declares to the sandbox: orders, payments, waybills, inventories, lists."""

from __future__ import annotations

import itertools

CEB = "http://www.chinaport.gov.cn/ceb"


PLATFORM, SELLER, CARRIER, AGENT, YARD = "PLATFORM01", "SELLER0001", "CARRIER001", "AGENT00001", "YARD000001"


_guids = itertools.count(1)


def guid() -> str:
    return f"00000000-0000-0000-0000-{next(_guids):012d}"


def group(tag: str, fields: dict[str, object], inner: str = "") -> str:
    cells = "".join(f"<ceb:{name}>{value}</ceb:{name}>" for name, value in fields.items() if value is not None)
    return f"<ceb:{tag}>{cells}{inner}</ceb:{tag}>"


def start(**more: object) -> dict[str, object]:
    return {"guid": guid(), "appType": "1", "appTime": "20261123120000", "appStatus": "2", **more}


def altered(fields: dict[str, object], changes: dict[str, object]) -> dict[str, object]:
    unknown = set(changes) - set(fields)
    assert not unknown, unknown
    return {**fields, **changes}


def order(number: str, qty: str = "2", price: str = "10", lines: int = 1, **changes: object) -> str:
    total = float(qty) * float(price) * lines
    head = start(
        orderType="E",
        orderNo=number,
        ebpCode=PLATFORM,
        ebpName="平台",
        ebcCode=SELLER,
        ebcName="商家",
        goodsValue=f"{total:g}",
        freight="5",
        currency="502",
    )
    goods = [
        {
            "gnum": n + 1,
            "itemNo": f"SKU{n}",
            "itemName": "杯子",
            "unit": "007",
            "currency": "502",
            "qty": qty,
            "price": price,
            "totalPrice": f"{float(qty) * float(price):g}",
        }
        for n in range(lines)
    ]
    return group(
        "Order", {}, group("OrderHead", altered(head, changes)) + "".join(group("OrderList", g) for g in goods)
    )


def payment(number: str, charge: str = "25", **changes: object) -> str:
    head = start(
        ebpCode=PLATFORM,
        ebpName="平台",
        ebcCode=SELLER,
        ebcName="商家",
        orderNo=number,
        payCode="PAY",
        payName="支付",
        payNo=f"P{number}",
        charge=charge,
        currency="502",
        accountingDate="20261123110000",
    )
    return group("Receipts", altered(head, changes))


def waybill(number: str, **changes: object) -> str:
    head = start(
        logisticsCode=CARRIER,
        logisticsName="承运",
        logisticsNo=f"W{number}",
        freight="5",
        insuredFee="0",
        currency="502",
        grossWeight="1.2",
        packNo="1",
        goodsInfo="杯子",
    )
    return group("Logistics", altered(head, changes))


def inventory(
    number: str,
    qty: str = "2",
    price: str = "10",
    lines: int = 1,
    line: dict[str, object] | None = None,
    **changes: object,
) -> str:
    head = start(
        customsCode="5788",
        ebpCode=PLATFORM,
        ebpName="平台",
        orderNo=number,
        logisticsCode=CARRIER,
        logisticsName="承运",
        logisticsNo=f"W{number}",
        copNo=f"C{number}",
        ieFlag="E",
        portCode="5788",
        ieDate="20261124",
        statisticsFlag="A",
        agentCode=AGENT,
        agentName="报关",
        ebcCode=SELLER,
        ebcName="商家",
        ownerCode=SELLER,
        ownerName="商家",
        emsNo=None,
        tradeMode="9610",
        trafMode="4",
        licenseNo=None,
        country="110",
        POD="HKG",
        freight="5",
        fCurrency="502",
        fFlag="3",
        insuredFee="0",
        iCurrency="502",
        iFlag="3",
        wrapType="2",
        packNo="1",
        grossWeight="1.2",
        netWeight="1",
    )
    goods = [
        {
            "gnum": n + 1,
            "itemNo": f"SKU{n}",
            "itemRecordNo": None,
            "itemName": "杯子",
            "gcode": "6911101900",
            "gname": "瓷杯",
            "gmodel": "瓷",
            "barCode": "无",
            "country": "110",
            "currency": "502",
            "qty": qty,
            "qty1": "1",
            "qty2": None,
            "unit": "007",
            "unit1": "035",
            "unit2": None,
            "price": price,
            "totalPrice": f"{float(qty) * float(price):g}",
        }
        for n in range(lines)
    ]
    lists = "".join(group("InventoryList", altered(g, line or {})) for g in goods)
    return group("Inventory", {}, group("InventoryHead", altered(head, changes)) + lists)


def _listed(tag: str, numbers: list[str]) -> str:
    return "".join(group(tag, {"gnum": n + 1, "logisticsNo": f"W{number}"}) for n, number in enumerate(numbers))


def master(numbers: list[str], part: int = 1, parts: int = 1, **changes: object) -> str:
    head = start(
        customsCode="5788",
        copNo="M1",
        agentCode=AGENT,
        agentName="报关",
        trafMode="4",
        trafName="粤Z0000港",
        voyageNo="V1",
        billNo="BILL1",
        grossWeight="10",
        logisticsCode=CARRIER,
        logisticsName="承运",
        msgCount=parts,
        msgSeqNo=part,
    )
    return group("WayBill", {}, group("WayBillHead", altered(head, changes)) + _listed("WayBillList", numbers))


def arrival(numbers: list[str], part: int = 1, parts: int = 1, **changes: object) -> str:
    head = start(
        customsCode="5788",
        copNo="A1",
        operatorCode=YARD,
        operatorName="场站",
        ieFlag="E",
        trafMode="4",
        billNo="BILL1",
        domesticTrafNo="粤Z0000",
        logisticsCode=CARRIER,
        logisticsName="承运",
        msgCount=parts,
        msgSeqNo=part,
    )
    return group("Arrival", {}, group("ArrivalHead", altered(head, changes)) + _listed("ArrivalList", numbers))


def departure(numbers: list[str], part: int = 1, parts: int = 1, **changes: object) -> str:
    head = start(
        customsCode="5788",
        copNo="D1",
        logisticsCode=CARRIER,
        logisticsName="承运",
        trafMode="4",
        trafName="粤Z0000港",
        voyageNo="V1",
        billNo="BILL1",
        leaveTime="20261124063000",
        msgCount=parts,
        msgSeqNo=part,
    )
    return group("Departure", {}, group("DepartureHead", altered(head, changes)) + _listed("DepartureList", numbers))
