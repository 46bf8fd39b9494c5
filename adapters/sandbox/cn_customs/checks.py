"""The checks that this customs makes within one document (receipts.md, section 4, end; rules.md, sections 3, 4 and 8).

Code apart from the product's rules on purpose: it is the judge of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from operator import itemgetter

from adapters.sandbox.cn_customs import identity, settings
from adapters.sandbox.cn_customs.amounts import number
from adapters.sandbox.cn_customs.forms import Cells
from adapters.sandbox.cn_customs.reading import Document
from adapters.sandbox.cn_customs.settings import Names


def desc(code: str, text: str) -> str:
    """The beginning of a rejection text."""
    return f"[Code:{code};Desc:{text}]"


_QUANTITIES = ("gnum", "qty", "price", "totalPrice", "qty1", "qty2", "unit", "unit1", "unit2")
_PRICES = ("gnum", "qty", "price", "totalPrice")
_ROUGHLY = 1e-12  # of an amount: a thousand times what binary fractions may be wrong by
Faults = Iterable[str]


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


@dataclass(frozen=True)
class _Rules:
    """What rules.yaml says of a type under a regime."""

    stranger: bool  # the regime is none of the type's
    fixed: tuple[tuple[str, str], ...]
    one_of: tuple[tuple[str, tuple[str, ...]], ...]
    unlike: tuple[tuple[str, str], ...]
    head_needed: tuple[str, ...]
    head_absent: tuple[str, ...]
    line_needed: tuple[str, ...]
    line_absent: tuple[str, ...]
    line_fixed: tuple[tuple[str, str], ...]
    places: tuple[int, ...]  # of what a line needs
    named: tuple[str, ...]  # the head's fields that any of these name, and what takes them out of a head
    pick: Callable[[dict[str, str]], tuple[str, ...]]


@cache
def _rules(type_: str, mode: str) -> _Rules:
    rules = settings.rules().get(type_, {})
    regimes = rules.get("regimes") or {}
    regime = regimes.get(mode, {})
    fixed = tuple({**rules.get("fixed", {}), **regime.get("fixed", {})}.items())
    one_of = tuple((name, tuple(values)) for name, values in rules.get("one_of", {}).items())
    unlike = tuple(rules.get("unlike", {}).items())
    needed, absent = tuple(regime.get("head_needed", ())), tuple(regime.get("head_absent", ()))
    line_needed = (*rules.get("line_needed", ()), *regime.get("line_needed", ()))
    named = tuple(dict.fromkeys([*(name for name, _ in (*fixed, *one_of, *unlike)), *needed, *absent]))
    lines = settings.declared()[type_].lines
    return _Rules(
        bool(regimes) and mode not in regimes, fixed, one_of, unlike, needed, absent, line_needed,
        tuple(regime.get("line_absent", ())), tuple(rules.get("line_fixed", {}).items()),
        tuple(lines.index(name) for name in line_needed), named, _picking(named),
    )  # fmt: skip


def _picking(names: tuple[str, ...]) -> Callable[[dict[str, str]], tuple[str, ...]]:
    return itemgetter(*names) if len(names) > 1 else lambda head: tuple([head[name] for name in names])


def _fixed(type_: str, document: Document) -> Faults:
    """What may have one value only, or must stand or be absent under the regime (rules.yaml)."""
    head = document.head
    mode = head.get("tradeMode", "")
    rules = _rules(type_, mode)
    faults: Faults = _of_head(type_, mode, rules.pick(head))
    needed, absent, fixed = rules.line_needed, rules.line_absent, rules.line_fixed
    if needed or absent or fixed:
        places = rules.places
        for line in document.lines:
            if absent or fixed or not all([line[place].strip() for place in places]):
                named = _one(f"第{line[0]}项", _named(type_, line), needed, absent, fixed)
                faults = [*faults, *named]
    return faults


@lru_cache(maxsize=2000)  # many documents have all of these in common
def _of_head(type_: str, mode: str, values: tuple[str, ...]) -> tuple[str, ...]:
    """The faults of a head in the fields that the rules name."""
    rules = _rules(type_, mode)
    return tuple(_of_fields(rules, mode, dict(zip(rules.named, values, strict=True))))


def _of_fields(rules: _Rules, mode: str, head: dict[str, str]) -> Iterator[str]:
    if rules.stranger:
        yield f"贸易方式不支持],[tradeMode:{mode}"
    for name, value in rules.fixed:
        if head[name] != value:
            yield f"{name}只能为{value}],[{name}:{head[name]}"
    for name, values in rules.one_of:
        if head[name] not in values:
            yield f"{name}只能为{'、'.join(values)}],[{name}:{head[name]}"
    for name, value in rules.unlike:
        if head[name] == value:
            yield f"{name}不能为{value}],[{name}:{value}"
    yield from _one("", head, rules.head_needed, rules.head_absent, ())


def _one(
    place: str, cells: dict[str, str], needed: Names, absent: Names, fixed: tuple[tuple[str, str], ...]
) -> Iterator[str]:
    yield from (f"{place}{name}必须填写" for name in needed if not cells[name].strip())
    yield from (f"{place}{name}必须为空],[{name}:{cells[name]}" for name in absent if cells[name].strip())
    yield from (f"{place}{name}只能为{value}],[{name}:{cells[name]}" for name, value in fixed if cells[name] != value)


def _named(type_: str, line: Cells) -> dict[str, str]:
    return dict(zip(settings.declared()[type_].lines, line, strict=True))


def _assured(type_: str, document: Document) -> Iterator[str]:
    head = document.head
    if head["assureCode"] not in {head[name] for name in settings.profile()["assured_by"]}:
        yield f"担保企业必须为平台、电商、物流或申报企业],[InventoryHead.assureCode:{head['assureCode']}"


def _low_value(type_: str, document: Document) -> Faults:
    """Exports to businesses go by inventory below a value only; amounts in foreign money are not converted."""
    return () if document.head["tradeMode"] not in settings.rules()["low_value"] else _of_value(type_, document)


def _of_value(type_: str, document: Document) -> Iterator[str]:
    lines, limit = [_named(type_, line) for line in document.lines], settings.dated("low_value")["yuan"]
    total = sum(number(line["totalPrice"]) for line in lines)
    if {line["currency"] for line in lines} == {"142"} and total >= Decimal(limit):
        yield f"单票价值超过限额应按报关单申报],[totalPrice:{total},limitPrice:{limit}"


_CHECKS: dict[str, tuple[Callable[[str, Document], Faults], ...]] = {
    "CEB303Message": (_fixed, _numbered),
    "CEB603Message": (_fixed, _numbered, _weights, _quantities, _low_value),
    "CEB607Message": (_parts,),
    "CEB507Message": (_parts,),
    "CEB509Message": (_parts,),
    "CEB701Message": (_parts,),
    "CEB311Message": (_fixed, _numbered, _order_lines, _paid, identity.number_of),
    "CEB411Message": (_fixed, identity.number_of),
    "CEB511Message": (_fixed,),
    "CEB513Message": (_fixed,),
    "CEB621Message": (_fixed, _numbered, _weights, _quantities, _assured, identity.number_of),
    "CEB711Message": (_fixed, _numbered),
    "CEB623Message": (_fixed,),
    "CEB625Message": (_fixed, _numbered),
    "CEB213Message": (_fixed, _numbered),
    "CEB215Message": (_fixed,),
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
