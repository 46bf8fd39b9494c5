"""The checks that this customs makes within one document (receipts.md, section 4, end; rules.md, sections 3, 4 and 8).

Code apart from the product's rules on purpose: it is the judge of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from adapters.sandbox.cn_customs import identity, settings
from adapters.sandbox.cn_customs.amounts import number
from adapters.sandbox.cn_customs.forms import Cells
from adapters.sandbox.cn_customs.reading import Document
from adapters.sandbox.cn_customs.regimes import Faults, fixed_values, named


def desc(code: str, text: str) -> str:
    """The beginning of a rejection text."""
    return f"[Code:{code};Desc:{text}]"


_QUANTITIES = ("gnum", "qty", "price", "totalPrice", "qty1", "qty2", "unit", "unit1", "unit2")
_PRICES = ("gnum", "qty", "price", "totalPrice")
_ROUGHLY = 1e-12  # of an amount: a thousand times what binary fractions may be wrong by


def _weights(type_: str, document: Document) -> Faults:
    gross, net = number(document.head["grossWeight"]), number(document.head["netWeight"])
    return () if 0 < net <= gross else _of_weights(gross, net)


def _of_weights(gross: Decimal, net: Decimal) -> Iterator[str]:
    if gross <= 0:
        yield "毛重必须大于0"
    if net <= 0:
        yield "净重必须大于0"
    if net > gross:
        yield f"净重不能大于毛重],[InventoryHead.netWeight:{net},InventoryHead.grossWeight:{gross}"


def _quantities(type_: str, document: Document) -> Faults:
    pick, tolerance = settings.picked(type_, *_QUANTITIES), settings.tolerance("total_tolerance")
    free = settings.profile()["import_zero_price" if type_ == "CEB621Message" else "zero_price"] != "refused"
    within = float(tolerance) * (1 - _ROUGHLY)
    faults: list[str] = []
    for line in map(pick, document.lines):
        _, qty, price, total, qty1, qty2, unit, unit1, unit2 = line
        same = unit != unit1 or qty == qty1
        if not (same and not (unit2 or qty2) and surely_adds_up(qty, price, total, within)):
            faults += _of_line(line, tolerance, free)
    return faults


def surely_adds_up(qty: str, price: str, total: str, within: float) -> bool:
    """Whether price and total are above zero and qty times price is the total, by more than binary fractions err."""
    try:
        value, sum_ = float(price), float(total)
        return value > 0 < sum_ and abs(float(qty) * value - sum_) + sum_ * _ROUGHLY < within
    except (ValueError, OverflowError):
        return False


def _of_line(line: Cells, tolerance: Decimal, free: bool) -> Iterator[str]:
    gnum, qty, price, total, qty1, qty2, unit, unit1, unit2 = line
    value, sum_ = number(price), number(total)
    if value <= 0 or sum_ <= 0:
        yield from _signs(gnum, value, sum_, free)
    if abs(number(qty) * value - sum_) > tolerance:
        yield f"第{gnum}项总价不等于单价乘以数量],[InventoryList.totalPrice:{total},InventoryList.price:{price}"
    if unit == unit1 and number(qty) != number(qty1):
        yield f"第{gnum}项申报单位与法定单位相同时数量必须一致],[InventoryList.qty:{qty},InventoryList.qty1:{qty1}"
    if bool(unit2.strip()) != bool(qty2.strip()):
        yield f"第{gnum}项第二单位与第二数量必须同时填写或同时为空"


def _signs(gnum: str, value: Decimal, sum_: Decimal, free: bool) -> Iterator[str]:
    if value < 0 or (value == 0 and not free):
        yield f"第{gnum}项单价必须大于0"
    if sum_ < 0 or (sum_ == 0 and not free):
        yield f"第{gnum}项总价必须大于0"


def _order_lines(type_: str, document: Document) -> Iterator[str]:
    for gnum, qty, price, total in map(settings.picked(type_, *_PRICES), document.lines):
        if abs(number(qty) * number(price) - number(total)) > settings.tolerance("total_tolerance"):
            yield f"第{gnum}项总价不等于单价乘以数量],[OrderList.totalPrice:{total},OrderList.price:{price}"


def _numbered(type_: str, document: Document) -> Faults:
    lines = document.lines
    return ("商品序号重复",) if len(lines) > 1 and len({line[0].strip() for line in lines}) != len(lines) else ()


def _parts(type_: str, document: Document) -> Iterator[str]:
    count, part = int(document.head["msgCount"]), int(document.head["msgSeqNo"])
    if not 1 <= part <= count:
        yield f"分批序号不在总数之内],[msgSeqNo:{part},msgCount:{count}"
    yield from _numbered(type_, document)


def _paid(type_: str, document: Document) -> Iterator[str]:
    """acturalPaid = goodsValue + freight + taxTotal - discount (rules.md, section 1)."""
    head = document.head
    sum_ = number(head["goodsValue"]) + number(head["freight"]) + number(head["taxTotal"]) - number(head["discount"])
    if abs(sum_ - number(head["acturalPaid"])) > settings.tolerance("tolerance"):
        both = f"OrderHead.acturalPaid:{head['acturalPaid']},OrderHead.goodsValue+freight+taxTotal-discount:{sum_}"
        yield f"实际支付金额不等于商品价格+运杂费+代扣税款-非现金抵扣金额],[{both}"


def _assured(type_: str, document: Document) -> Iterator[str]:
    head = document.head
    if head["assureCode"] not in {head[name] for name in settings.profile()["assured_by"]}:
        yield f"担保企业必须为平台、电商、物流或申报企业],[InventoryHead.assureCode:{head['assureCode']}"


def _low_value(type_: str, document: Document) -> Faults:
    """Exports to businesses go by inventory below a value only; amounts in foreign money are not converted."""
    return () if document.head["tradeMode"] not in settings.rules()["low_value"] else _of_value(type_, document)


def _of_value(type_: str, document: Document) -> Iterator[str]:
    lines, limit = [named(type_, line) for line in document.lines], settings.dated("low_value")["yuan"]
    total = sum(number(line["totalPrice"]) for line in lines)
    if {line["currency"] for line in lines} == {"142"} and total >= Decimal(limit):
        yield f"单票价值超过限额应按报关单申报],[totalPrice:{total},limitPrice:{limit}"


_CHECKS: dict[str, tuple[Callable[[str, Document], Faults], ...]] = {
    "CEB303Message": (fixed_values, _numbered),
    "CEB603Message": (fixed_values, _numbered, _weights, _quantities, _low_value),
    "CEB607Message": (_parts,),
    "CEB507Message": (_parts,),
    "CEB509Message": (_parts,),
    "CEB701Message": (_parts,),
    "CEB311Message": (fixed_values, _numbered, _order_lines, _paid, identity.number_of),
    "CEB411Message": (fixed_values, identity.number_of),
    "CEB511Message": (fixed_values,),
    "CEB513Message": (fixed_values,),
    "CEB621Message": (fixed_values, _numbered, _weights, _quantities, _assured, identity.number_of),
    "CEB711Message": (fixed_values, _numbered),
    "CEB623Message": (fixed_values,),
    "CEB625Message": (fixed_values, _numbered),
    "CEB213Message": (fixed_values, _numbered),
    "CEB215Message": (fixed_values,),
}


class Own:
    """The checks of documents of one type, each on its own."""

    def __init__(self, type_: str) -> None:
        self._type, self._checks = type_, _CHECKS.get(type_, ())
        self._asked = type_ in settings.profile()["national_base"]["answers"]

    def rejection(self, document: Document) -> tuple[str, str]:
        """Text and status (where it is not 100) of the rejection of a document that fails, or two ''."""
        if self._asked and (stranger := identity.stranger(self._type, document))[0]:
            return stranger
        faults: list[str] = []
        for check in self._checks:
            faults += check(self._type, document)
        return (",".join(desc("1300", fault) for fault in faults[:8])[:1000], "") if faults else ("", "")
