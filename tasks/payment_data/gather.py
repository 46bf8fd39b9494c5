"""Gather: the payment data of one order from files and ledger, checked, as head and list of the payload."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from adapters.ledger.ledger import Ledger
from mappings import clock
from mappings.ann179.message import Member, Problem, check, load
from mappings.engine import codes
from tasks.payment_data.captured import from_ledger
from tasks.payment_data.record import PaymentData, Value, filled
from tasks.payment_data.sources import Archive

HEAD, LIST, GOODS = "payExchangeInfoHead", "payExchangeInfoLists", "goodsInfo"
MOST = 10  # problems in one text
NONE = Problem("payment", "未找到支付数据", "no payment data was found")
SEVERAL = Problem(
    "payment", "该订单有多笔支付，接口只容一笔", "the order has several payments, the interface takes one"
)


@dataclass
class Gathered:
    """What was found: head and orders by tag in order, or what is wrong; `differs` says where files and ledger do."""

    head: dict[str, Any] = field(default_factory=dict)
    orders: list[dict[str, Any]] = field(default_factory=list)
    company: str = ""
    problems: list[Problem] = field(default_factory=list)
    differs: list[str] = field(default_factory=list)

    def reason(self) -> str:
        """The problems in one text: fields and what is wrong, no values."""
        more = len(self.problems) - MOST
        said = [*map(str, self.problems[:MOST]), *([f"另有 {more} 项 {more} more"] if more > 0 else [])]
        return "; ".join(said)


def gather(ledger: Ledger, archive: Archive, order_no: str, guid: str) -> Gathered:
    """The payload's parts for an order: all orders of its payment, each checked against the message file."""
    found, captured = archive.of_order(order_no), from_ledger(ledger, order_no)
    if len(found) > 1:
        return Gathered(problems=[SEVERAL])
    if not found and captured is None:
        return Gathered(problems=[NONE])
    data, differs = _together(found[0], captured) if found else (captured, [])
    if data is None:
        return Gathered(problems=[NONE])
    made = _made(data, guid)
    made.differs = differs
    return made


def _together(data: PaymentData, captured: PaymentData | None) -> tuple[PaymentData, list[str]]:
    """The files' data, completed by the ledger's; the files' raw data is what customs asked for."""
    if captured is None:
        return data, []
    values, differs = filled(data.values, captured.values)
    known = {order.order_no: order for order in captured.orders}
    for order in data.orders:
        if not order.goods and order.order_no in known:
            order.goods = known[order.order_no].goods
    return PaymentData(values, data.orders, data.signer, data.problems), differs


def _made(data: PaymentData, guid: str) -> Gathered:
    day = clock.now().astimezone(clock.CHINA).date()
    head = {"guid": guid, **_written(HEAD, data.values, day)}
    problems = [*data.problems, *check(HEAD, load("payload").segments[HEAD], head, day)]
    orders = []
    for number, order in enumerate(data.orders):
        goods = [_written(GOODS, good, day) for good in order.goods]
        said = {**_written(LIST, order.values, day), GOODS: goods}
        made = {member.tag: said[member.tag] for member in load("payload").segments[LIST]}
        problems += check(f"{LIST}.{number}", load("payload").segments[LIST], made, day)
        for line, good in enumerate(goods):
            problems += check(f"{LIST}.{number}.{GOODS}.{line}", load("payload").segments[GOODS], good, day)
        orders.append(made)
    return Gathered(head, orders, data.company, problems)


def _written(segment: str, values: dict[str, Value], day: date) -> dict[str, Any]:
    """The members of a segment that payment data fills, in order; what is absent is an empty text."""
    members = (m for m in load("payload").segments[segment] if m.source)
    return {m.tag: _outward(m, values.get(m.source), day) for m in members}


def _outward(member: Member, value: Value, day: date) -> str | Decimal:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(clock.CHINA).strftime("%Y%m%d%H%M%S")
    if isinstance(value, Decimal):
        return value
    if member.code == "cn_ecommerce/currency":
        found = codes.load("cn_ecommerce", "currency").outward(value, day)
        return found.code if found else value
    return value
