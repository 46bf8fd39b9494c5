"""A small truck in the shipped layouts, to be made wrong in one place at a time."""

from __future__ import annotations

import json
from typing import Any

from mappings.canonical.batch import Batch
from tasks import matching
from tasks.capture import Captured, read_files
from tasks.cleaning import clean
from tests.contract.layouts import TRUCK, csv_bytes, xlsx_bytes

ORDER_HEADS = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
GOODS_HEADS = ["商品货号", "商品编码", "商品名称", "英文品名", "成交单位", "法定单位", "净重(千克)", "原产国"]
PAY_HEADS = ["订单编号", "支付交易编号", "支付金额", "币制", "支付时间", "付款人"]


def line(
    order: str = "A1", item: str = "SKU-1", quantity: object = 2, price: object = "1.50", **more: str
) -> list[Any]:
    """A row of orders.csv."""
    time, country = more.get("time", "2026-11-20T01:02:03"), more.get("country", "France")
    return [order, item, more.get("name", "Party star"), quantity, time, price, "1", country]


def payment(
    order: str = "A1", amount: object = "3.00", number: str = "", currency: str = "英镑", **more: str
) -> list[Any]:
    """A row of payments.csv."""
    return [order, number or f"PAY-{order}", amount, currency, more.get("time", "2026/11/20 09:45"), "Ada Sample"]


def waybill(
    order: str = "A1", gross: object = 0.5, number: str = "", country: str = "FR", **more: Any
) -> dict[str, Any]:
    """A record of waybills.jsonl."""
    person = {"name": "Ada Sample", "phone": more.pop("phone", "+33 1 23 45 67 89"), "address": "1 Sample Road"}
    record = {"trackingNo": number or f"WB-{order}", "orderRef": order, "pieces": 1, "grossWeight": gross,
              "freight": "0", "consignee": {**person, "country": country}}  # fmt: skip
    return record | more


def good(
    item: str = "SKU-1", code: str = "3926400000", unit: str = "011", legal: str = "035", net: object = 0.02
) -> list[Any]:
    """A row of goods_master.xlsx."""
    return [item, code, "塑料装饰品", "Star", unit, legal, net, "CN"]


def files(
    lines: list[list[Any]] | None = None,
    payments: list[list[Any]] | None = None,
    waybills: list[dict[str, Any]] | None = None,
    goods: list[list[Any]] | None = None,
    truck: dict[str, Any] | None = None,
) -> list[tuple[str, bytes]]:
    """The five files; what is not given is one good parcel's."""
    bills = [waybill()] if waybills is None else waybills
    return [
        ("truck.json", json.dumps(truck or TRUCK, ensure_ascii=False).encode()),
        ("orders.csv", csv_bytes(ORDER_HEADS, lines or [line()])),
        ("payments.csv", csv_bytes(PAY_HEADS, [payment()] if payments is None else payments, "gb18030")),
        ("waybills.jsonl", "\n".join(json.dumps(b, ensure_ascii=False) for b in bills).encode()),
        ("goods_master.xlsx", xlsx_bytes(GOODS_HEADS, goods or [good()], "")),
    ]


def captured(**parts: Any) -> Captured:
    """The truck, captured."""
    return read_files(files(**parts))


def batch(**parts: Any) -> Batch:
    """The truck, captured, cleaned and matched."""
    return matching.match(clean(captured(**parts)))


def codes(made: Batch, order: str = "A1", least: str = "warning") -> list[str]:
    """The codes of an order's faults of at least this severity, sorted."""
    wanted = {"error": ("error",), "warning": ("error", "warning"), "info": ("error", "warning", "info")}[least]
    mine = made.faults[(made.faults["order_no"] == order) & made.faults["severity"].isin(wanted)]
    return sorted(mine["code"])


def state(made: Batch, order: str = "A1") -> tuple[str, str]:
    """An order's state and reason."""
    row = made.parcels[made.parcels["order.order_no"] == order].iloc[0]
    return row["parcel.state"], row["parcel.reason"]
