"""What this customs remembers of a document: what it compares, counts and writes on later messages.

People are remembered as keyed digests: enough to tell whether two documents name the same person, and no more.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from adapters.sandbox.cn_customs import settings
from adapters.sandbox.cn_customs.amounts import number
from adapters.sandbox.cn_customs.reading import Document

Facts = dict[str, Any]


class Seal:
    """Turns a person's text into a digest under this customs' own key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __call__(self, text: str) -> str:
        return hmac.new(self._key, text.strip().upper().encode(), hashlib.sha256).hexdigest()[:32]


def _rows(type_: str, document: Document, names: list[str]) -> list[list[str]]:
    pick = settings.picked(type_, *names)
    return list(map(list, map(pick, document.lines)))


def compared(type_: str, document: Document, which: str) -> list[list[str]]:
    """The cells of each line that order and inventory must have in common (profile.yaml)."""
    own = settings.profile()
    name = own["name_of_lines"]
    return _rows(type_, document, [*own[which], name] if name else own[which])


def _export_order(type_: str, document: Document, seal: Seal) -> Facts:
    head = document.head
    return {
        "ebp": head["ebpCode"],
        "total": str(number(head["goodsValue"]) + number(head["freight"])),
        "currency": head["currency"],
        "kind": head["orderType"],
        "lines": compared(type_, document, "lines_compared"),
    }


def _export_payment(type_: str, document: Document, seal: Seal) -> Facts:
    head = document.head
    return {"ebp": head["ebpCode"], "charge": str(number(head["charge"])), "currency": head["currency"]}


GOODS = ["gnum", "gcode", "gname", "unit", "qty"]  # what a return points to


def _export_inventory(type_: str, document: Document, seal: Seal) -> Facts:
    head = document.head
    return {
        "ebp": head["ebpCode"], "regime": head["tradeMode"], "flag": head["statisticsFlag"], "agent": head["agentCode"],
        "seller": head["ebcCode"], "waybill": head["logisticsNo"], "gross": head["grossWeight"],
        "net": head["netWeight"], "lines": compared(type_, document, "lines_compared"),
        "goods": _rows(type_, document, GOODS),
    }  # fmt: skip


_CONSIGNEE = ("consignee", "consigneeTelephone", "consigneeAddress")


def _import_order(type_: str, document: Document, seal: Seal) -> Facts:
    head = document.head
    kept = ("ebpCode", "ebcCode", "acturalPaid", "payCode", "payTransactionId")
    return {
        **{name: head[name] for name in kept},
        **{name: seal(head[name]) for name in ("buyerName", "buyerIdNumber", "buyerTelephone", *_CONSIGNEE)},
        "lines": compared(type_, document, "import_lines_compared"),
    }


def _import_payment(type_: str, document: Document, seal: Seal) -> Facts:
    head = document.head
    kept = ("payCode", "payTransactionId", "amountPaid")
    people = {name: seal(head[name]) for name in ("payerName", "payerIdNumber")}
    return {**{name: head[name] for name in kept}, **people}


def _import_waybill(type_: str, document: Document, seal: Seal) -> Facts:
    head = document.head
    return {"orderNo": head["orderNo"], **{name: seal(head[name]) for name in _CONSIGNEE}}


_KEPT = (
    "ebpCode", "ebcCode", "orderNo", "logisticsCode", "logisticsNo", "agentCode", "assureCode", "emsNo", "customsCode",
    "tradeMode", "freight", "insuredFee",
)  # fmt: skip


def masked(number_: str) -> str:
    """An identity number with only its first and last digits."""
    return f"{number_[:3]}{'*' * max(0, len(number_) - 5)}{number_[-2:]}"


def _import_inventory(type_: str, document: Document, seal: Seal) -> Facts:
    head = document.head
    return {
        **{name: head[name] for name in _KEPT},
        **{name: seal(head[name]) for name in ("buyerName", "buyerIdNumber", "buyerTelephone")},
        "agent": head["agentCode"],
        "shown": masked(head["buyerIdNumber"]),
        "lines": compared(type_, document, "import_lines_compared"),
        "goods": _rows(type_, document, [*GOODS, "totalPrice", "itemRecordNo"]),
    }


def _application(type_: str, document: Document, seal: Seal) -> Facts:
    head = document.head
    goods = _rows(type_, document, GOODS) if document.lines else []
    return {"invt": head["invtNo"], "agent": head["agentCode"], "goods": goods}


def _tally(type_: str, document: Document, seal: Seal) -> Facts:
    return {"request": document.head["coElNo"]}


def _summary(type_: str, document: Document, seal: Seal) -> Facts:
    head = document.head
    kept = ("customsCode", "agentCode", "agentName", "ebcCode", "ebcName", "declAgentCode", "declAgentName",
            "startTime", "endTime")  # fmt: skip
    return {**{name: head[name] for name in kept}, "agent": head["agentCode"]}


_FACTS: dict[str, Callable[[str, Document, Seal], Facts]] = {
    "CEB303Message": _export_order,
    "CEB403Message": _export_payment,
    "CEB603Message": _export_inventory,
    "CEB311Message": _import_order,
    "CEB411Message": _import_payment,
    "CEB511Message": _import_waybill,
    "CEB621Message": _import_inventory,
    "CEB605Message": _application,
    "CEB623Message": _application,
    "CEB625Message": _application,
    "CEB213Message": _application,
    "CEB215Message": _tally,
    "CEB701Message": _summary,
}


def of(type_: str, seal: Seal) -> Callable[[Document], Facts] | None:
    """What gives the facts of a document of this type; None of a type that nothing is compared of."""
    make = _FACTS.get(type_)
    return None if make is None else lambda document: make(type_, document, seal)
