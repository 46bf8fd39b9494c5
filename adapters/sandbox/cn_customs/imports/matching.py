"""What this customs compares between an import's order, payment, waybill and inventory (rules.md, section 1).

Where the reference shows both values in a text they stand there; people are told apart by digest and never repeated.
"""

from __future__ import annotations

from decimal import Decimal

from adapters.sandbox.cn_customs import between as lines_of
from adapters.sandbox.cn_customs import settings
from adapters.sandbox.cn_customs.amounts import number
from adapters.sandbox.cn_customs.checks import desc
from adapters.sandbox.cn_customs.facts import Facts

# code, text, field of the order, field of the inventory
_BUYER = [
    ("13127", "清单上的订购人姓名与订单上的订购人姓名不一致", "buyerName", "buyerName"),
    ("1300", "清单上的订购人证件号码与订单上的订购人证件号码不一致", "buyerIdNumber", "buyerIdNumber"),
    ("130126", "清单上的订购人电话号码与订单上的订购人电话号码不一致", "buyerTelephone", "buyerTelephone"),
]


def between(order: Facts, inventory: Facts, waybill: Facts, payments: list[Facts]) -> str:
    """The first rejection text against the inventory, or ''."""
    return (
        _companies(order, inventory)
        or _people(order, inventory)
        or lines_of.lines(order, inventory, inventory["orderNo"], "import_lines_compared")
        or _payment(order, payments)
        or _waybill(order, inventory, waybill)
    )


def _companies(order: Facts, inventory: Facts) -> str:
    if order["ebcCode"] == inventory["ebcCode"]:
        return ""
    both = f"[InventoryHead.ebcCode:{inventory['ebcCode']},OrderHead.ebcCode:{order['ebcCode']}]"
    return f"{desc('1300', '清单与订单电商企业不一致')},{both}"


def _people(order: Facts, inventory: Facts) -> str:
    return next((desc(code, text) for code, text, ours, theirs in _BUYER if order[ours] != inventory[theirs]), "")


def _payment(order: Facts, payments: list[Facts]) -> str:
    """Nothing where any of the payments fits, else what is wrong with the last."""
    faults = [_one_payment(order, payment) for payment in payments]
    return "" if "" in faults else faults[-1]


def _one_payment(order: Facts, payment: Facts) -> str:
    if order["payCode"] and order["payCode"] != payment["payCode"]:
        both = f"[OrderHead.payCode:{order['payCode']},PaymentHead.payCode:{payment['payCode']}]"
        return f"{desc('13035', '支付企业不一致')},{both}"
    if order["payTransactionId"] and order["payTransactionId"] != payment["payTransactionId"]:
        both = f"OrderHead.payTransactionId:{order['payTransactionId']}"
        return f"{desc('1300', '支付流水号不一致')},[{both},PaymentHead.payTransactionId:{payment['payTransactionId']}]"
    if (order["buyerName"], order["buyerIdNumber"]) != (payment["payerName"], payment["payerIdNumber"]):
        return desc("1327", "订单购买人与支付单支付人名字或身份证号码不一致")
    if abs(number(order["acturalPaid"]) - number(payment["amountPaid"])) > Decimal(settings.profile()["tolerance"]):
        both = f"[OrderHead.acturalPaid:{order['acturalPaid']},PaymentHead.amountPaid:{payment['amountPaid']}]"
        return f"{desc('1332', '支付单支付金额与订单支付金额不一致')},{both}"
    return ""


def _waybill(order: Facts, inventory: Facts, waybill: Facts) -> str:
    if waybill["orderNo"] != inventory["orderNo"]:
        both = f"[InventoryHead.orderNo:{inventory['orderNo']},LogisticsHead.orderNo:{waybill['orderNo']}]"
        return f"{desc('1300', '清单与运单订单编号不一致')},{both}"
    differing = [n for n in settings.profile()["consignee_compared"] if order[n] != waybill[n]]
    return desc("1300", f"订单与运单收货人信息不一致:{','.join(differing)}") if differing else ""
