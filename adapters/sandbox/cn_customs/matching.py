"""The match: when order, waybill and inventory are all there, each moves on (receipts.md, section 3; rules.md, 1)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import orjson

from adapters.sandbox.cn_customs import checks
from adapters.sandbox.cn_customs.docs import Doc, from_row
from adapters.sandbox.cn_customs.plan import Plan
from adapters.sandbox.cn_customs.store import Store

ORDER, PAYMENT, WAYBILL, INVENTORY = "CEB303Message", "CEB403Message", "CEB505Message", "CEB603Message"
TYPES = frozenset({ORDER, PAYMENT, WAYBILL, INVENTORY})


class Match:
    """Matches what the documents of one message complete (inside a transaction)."""

    def __init__(self, store: Store, plan: Plan, new: dict[int, Doc]) -> None:
        self._store, self._plan, self._new = store, plan, new

    def run(self, type_: str) -> None:
        """Look for whatever waited for these documents."""
        docs = [doc for doc in self._new.values() if doc.alive and doc.current]
        inventories = self._inventories(type_, docs)
        waiting = [doc for doc in inventories if doc.status == "2" and doc.alive]
        if waiting:
            self._match(waiting)
        if type_ == PAYMENT:
            self._late_payments(docs, inventories)

    def _inventories(self, type_: str, docs: list[Doc]) -> list[Doc]:
        if type_ == INVENTORY:
            return docs
        column = "waybill_ref" if type_ == WAYBILL else "order_ref"
        return self._standing(column, [INVENTORY], {getattr(doc, column) for doc in docs})

    def _standing(self, column: str, types: list[str], refs: Iterable[str]) -> list[Doc]:
        rows = self._store.standing(column, types, refs)
        return [doc for doc in (self._new.get(row["id"]) or from_row(row) for row in rows) if doc.alive]

    def _match(self, inventories: list[Doc]) -> None:
        waybills = {
            d.waybill_ref: d for d in self._standing("waybill_ref", [WAYBILL], {d.waybill_ref for d in inventories})
        }
        if not waybills:
            return
        orders: dict[str, Doc] = {}
        payments: dict[str, list[Doc]] = defaultdict(list)
        for doc in self._standing("order_ref", [ORDER, PAYMENT], {d.order_ref for d in inventories}):
            if doc.type == ORDER:
                orders[doc.order_ref] = doc
            else:
                payments[doc.order_ref].append(doc)
        for inventory in inventories:
            order, waybill = orders.get(inventory.order_ref), waybills.get(inventory.waybill_ref)
            if order is not None and waybill is not None:
                self._settle(inventory, order, waybill, payments[inventory.order_ref])

    def _settle(self, inventory: Doc, order: Doc, waybill: Doc, payments: list[Doc]) -> None:
        base = max(inventory.status_at, order.status_at, waybill.status_at)
        for doc in (order, waybill):
            if doc.status == "2":
                self._plan.walk(doc, "matched", base)
        fault = checks.between(
            orjson.loads(order.facts), orjson.loads(inventory.facts), inventory.order_ref.split("|", 1)[1],
            [orjson.loads(payment.facts) for payment in payments],
        )  # fmt: skip
        if fault:
            self._plan.say(inventory, "rejected", base, fault)
            return
        self._plan.walk(inventory, "matched", base)
        for payment in payments:
            if payment.status == "2":
                self._plan.walk(payment, "matched", max(base, payment.status_at))
        for doc in (inventory, order, waybill, *payments):
            doc.locked = 1
            self._plan.touch(doc)

    def _late_payments(self, docs: list[Doc], inventories: list[Doc]) -> None:
        """Money notes that come after their inventory was reviewed."""
        reviewed = {doc.order_ref for doc in inventories if doc.locked}
        late = [doc for doc in docs if doc.order_ref in reviewed and doc.status == "2"]
        if not late:
            return
        orders = {doc.order_ref: doc for doc in self._standing("order_ref", [ORDER], {doc.order_ref for doc in late})}
        for payment in late:
            order = orders.get(payment.order_ref)
            if order is None:
                continue
            fault = checks.money(orjson.loads(order.facts), [orjson.loads(payment.facts)])
            if fault:
                self._plan.say(payment, "rejected", payment.status_at, fault)
            else:
                self._plan.walk(payment, "matched", payment.status_at)
                payment.locked = 1
