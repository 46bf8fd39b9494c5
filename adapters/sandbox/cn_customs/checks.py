"""The checks that this customs makes of its own: within a document (receipts.md, section 4, end) and between order,
money received, waybill and inventory (rules.md, section 1, the rows that export messages have fields for).

Code apart from the product's rules on purpose: it is the judge of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from adapters.sandbox.cn_customs import settings
from adapters.sandbox.cn_customs.reading import Document

Facts = dict[str, Any]


def number(text: str) -> Decimal:
    """The decimal in a schema-checked text; an empty one is zero."""
    try:
        return Decimal(text.strip() or "0")
    except InvalidOperation:
        return Decimal(0)


def _desc(code: str, text: str) -> str:
    return f"[Code:{code};Desc:{text}]"


def _inventory(document: Document) -> Iterator[str]:
    gross, net = number(document.head["grossWeight"]), number(document.head["netWeight"])
    if gross <= 0:
        yield "毛重必须大于0"
    if net <= 0:
        yield "净重必须大于0"
    if net > gross:
        yield f"净重不能大于毛重],[InventoryHead.netWeight:{net},InventoryHead.grossWeight:{gross}"
    free = settings.profile()["zero_price"] != "refused"
    for gnum, _name, qty, price, total, qty1, qty2, unit, unit1, unit2, _gname in document.lines:
        yield from _prices(gnum, qty, price, total, free)
        if unit == unit1 and number(qty) != number(qty1):
            yield f"第{gnum}项申报单位与法定单位相同时数量必须一致],[InventoryList.qty:{qty},InventoryList.qty1:{qty1}"
        if bool(unit2.strip()) != bool(qty2.strip()):
            yield f"第{gnum}项第二单位与第二数量必须同时填写或同时为空"


def _prices(gnum: str, qty: str, price: str, total: str, free: bool) -> Iterator[str]:
    value, sum_ = number(price), number(total)
    if value < 0 or (value == 0 and not free):
        yield f"第{gnum}项单价必须大于0"
    if sum_ < 0 or (sum_ == 0 and not free):
        yield f"第{gnum}项总价必须大于0"
    if abs(number(qty) * value - sum_) > Decimal(settings.profile()["total_tolerance"]):
        yield f"第{gnum}项总价不等于单价乘以数量],[InventoryList.totalPrice:{total},InventoryList.price:{price}"


def _numbered(document: Document) -> Iterator[str]:
    numbers = [line[0].strip() for line in document.lines]
    if len(set(numbers)) != len(numbers):
        yield "商品序号重复"


def _parts(document: Document) -> Iterator[str]:
    count, part = int(document.head["msgCount"]), int(document.head["msgSeqNo"])
    if not 1 <= part <= count:
        yield f"分批序号不在总数之内],[msgSeqNo:{part},msgCount:{count}"
    yield from _numbered(document)


_CHECKS: dict[str, tuple[Callable[[Document], Iterator[str]], ...]] = {
    "CEB303Message": (_numbered,),
    "CEB603Message": (_numbered, _inventory),
    "CEB607Message": (_parts,),
    "CEB507Message": (_parts,),
    "CEB509Message": (_parts,),
}


def own(type_: str, document: Document) -> str:
    """The rejection text of a document that fails on its own, or ''."""
    faults = [fault for check in _CHECKS.get(type_, ()) for fault in check(document)]
    return ",".join(_desc("1300", fault) for fault in faults[:8])[:1000] if faults else ""


def facts(type_: str, document: Document) -> Facts:
    """What the match needs to remember of a document."""
    head = document.head
    if type_ == "CEB403Message":
        return {"ebp": head["ebpCode"], "charge": _plain(head["charge"]), "currency": head["currency"]}
    if type_ == "CEB303Message":
        total = number(head["goodsValue"]) + number(head["freight"])
        return {
            "ebp": head["ebpCode"],
            "total": str(total),
            "currency": head["currency"],
            "lines": _lines(type_, document),
        }
    if type_ == "CEB603Message":
        return {"ebp": head["ebpCode"], "lines": _lines(type_, document)}
    return {}


def _plain(text: str) -> str:
    return str(number(text))


def _lines(type_: str, document: Document) -> list[list[str]]:
    names = settings.declared()[type_].lines
    places = [names.index(name) for name in settings.profile()["lines_compared"]]
    if settings.profile()["name_of_lines"]:
        places.append(names.index("itemName"))
    return [[line[place] for place in places] for line in document.lines]


def between(order: Facts, inventory: Facts, order_no: str, payments: list[Facts]) -> str:
    """The rejection text where the inventory does not fit its order or the money received, or ''."""
    if order["ebp"] != inventory["ebp"]:
        both = f"[InventoryHead.ebpCode:{inventory['ebp']},OrderHead.ebpCode:{order['ebp']}]"
        return f"{_desc('1300', '清单与订单电商平台不一致')},{both}"
    ours, theirs = inventory["lines"], order["lines"]
    if len(ours) != len(theirs):
        both = f"[InventoryHead.orderNo:{order_no},OrderHead.orderNo:{order_no}]"
        return f"{_desc('1320', f'清单({len(ours)}项)与订单({len(theirs)}项)项数不一致')},{both}"
    if ours != theirs and (differing := _differing(_plain_lines(ours), _plain_lines(theirs))):
        return f"{_desc('1322', '订单清单表体商品项不一致')},{differing}"
    return money(order, payments)


def _plain_lines(lines: list[list[str]]) -> list[list[str]]:
    """The lines in the order of their numbers, each number written one way, each name trimmed."""
    count = len(settings.profile()["lines_compared"])
    plain = [
        [*(f"{number(cell):.5f}" for cell in line[:count]), *(cell.strip() for cell in line[count:])] for line in lines
    ]
    return sorted(plain, key=lambda line: number(line[0]))


def _differing(ours: list[list[str]], theirs: list[list[str]]) -> str:
    names = [*settings.profile()["lines_compared"], "itemName"]
    for line, other in zip(ours, theirs, strict=True):
        for name, value, wanted in zip(names, line, other, strict=False):
            if value != wanted and not (name == "itemName" and not (value and wanted)):
                return f"[InventoryList.{name}:{value},OrderList.{name}:{wanted}]"
    return ""


def money(order: Facts, payments: list[Facts]) -> str:
    """The rejection text where the money received differs from goods value plus freight, or ''."""
    if not payments:
        return ""
    wanted, tolerance = Decimal(order["total"]), Decimal(settings.profile()["tolerance"])
    charges = [Decimal(payment["charge"]) for payment in payments]
    fits = any(abs(charge - wanted) <= tolerance for charge in [*charges, sum(charges)])
    if fits and all(payment["currency"] == order["currency"] for payment in payments):
        return ""
    both = f"[OrderHead.goodsValue+freight:{wanted},Receipts.charge:{charges[-1]}]"
    return f"{_desc('1332', '收款单收款金额与订单金额不一致')},{both}"
