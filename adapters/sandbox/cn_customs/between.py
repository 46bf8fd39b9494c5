"""What this customs compares between an export's order, money received, waybill and inventory (rules.md, section 1)."""

from __future__ import annotations

from adapters.sandbox.cn_customs import settings
from adapters.sandbox.cn_customs.amounts import number
from adapters.sandbox.cn_customs.checks import desc
from adapters.sandbox.cn_customs.facts import Facts


def between(order: Facts, inventory: Facts, order_no: str, payments: list[Facts]) -> str:
    """The rejection text where the inventory does not fit its order or the money received, or ''."""
    if order["ebp"] != inventory["ebp"]:
        both = f"[InventoryHead.ebpCode:{inventory['ebp']},OrderHead.ebpCode:{order['ebp']}]"
        return f"{desc('1300', '清单与订单电商平台不一致')},{both}"
    if order["kind"] not in (kinds := settings.rules()["orders"].get(inventory["regime"], [])):
        both = f"[InventoryHead.tradeMode:{inventory['regime']},OrderHead.orderType:{order['kind']}]"
        return f"{desc('1300', f'订单类型应为{kinds}')},{both}"
    return lines(order, inventory, order_no, "lines_compared") or money(order, payments)


def lines(order: Facts, inventory: Facts, order_no: str, which: str) -> str:
    """The rejection text where the lines of the inventory are not those of the order, or ''."""
    ours, theirs = inventory["lines"], order["lines"]
    if len(ours) != len(theirs):
        both = f"[InventoryHead.orderNo:{order_no},OrderHead.orderNo:{order_no}]"
        return f"{desc('1320', f'清单({len(ours)}项)与订单({len(theirs)}项)项数不一致')},{both}"
    if ours == theirs:
        return ""
    names = settings.profile()[which]
    if differing := _differing(_plain(ours, len(names)), _plain(theirs, len(names)), names):
        return f"{desc('1322', '订单清单表体商品项不一致')},{differing}"
    return ""


def _plain(lines: list[list[str]], count: int) -> list[list[str]]:
    """The lines in the order of their numbers, each number written one way, each name trimmed."""
    plain = [
        [*(f"{number(cell):.5f}" for cell in line[:count]), *(cell.strip() for cell in line[count:])] for line in lines
    ]
    return sorted(plain, key=lambda line: number(line[0]))


def _differing(ours: list[list[str]], theirs: list[list[str]], compared: list[str]) -> str:
    names = [*compared, "itemName"]
    for line, other in zip(ours, theirs, strict=True):
        for name, value, wanted in zip(names, line, other, strict=False):
            if value != wanted and not (name == "itemName" and not (value and wanted)):
                return f"[InventoryList.{name}:{value},OrderList.{name}:{wanted}]"
    return ""


def money(order: Facts, payments: list[Facts]) -> str:
    """The rejection text where the money received differs from goods value plus freight, or ''."""
    if not payments:
        return ""
    if len(payments) == 1 and payments[0]["charge"] == order["total"] and payments[0]["currency"] == order["currency"]:
        return ""  # to the letter
    wanted, tolerance = number(order["total"]), number(settings.profile()["tolerance"])
    charges = [number(payment["charge"]) for payment in payments]
    fits = any(abs(charge - wanted) <= tolerance for charge in [*charges, sum(charges)])
    if fits and all(payment["currency"] == order["currency"] for payment in payments):
        return ""
    both = f"[OrderHead.goodsValue+freight:{wanted},Receipts.charge:{charges[-1]}]"
    return f"{desc('1332', '收款单收款金额与订单金额不一致')},{both}"
