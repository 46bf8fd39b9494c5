"""The match: when the documents of a parcel are all there, each moves on (receipts.md, section 3; rules.md, 1)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from adapters.sandbox.cn_customs import between, settings
from adapters.sandbox.cn_customs.docs import Doc, from_row
from adapters.sandbox.cn_customs.imports import crossing
from adapters.sandbox.cn_customs.imports import matching as imports
from adapters.sandbox.cn_customs.plan import Plan
from adapters.sandbox.cn_customs.store import Store


@dataclass
class Ring:
    """The documents of one parcel."""

    inventory: Doc
    order: Doc
    waybill: Doc
    payments: list[Doc]

    @property
    def ready(self) -> int:
        """When the last of them passed its last step."""
        return max(self.inventory.status_at, self.order.status_at, self.waybill.status_at)

    @property
    def docs(self) -> list[Doc]:
        """All of them."""
        return [self.inventory, self.order, self.waybill, *self.payments]


class Direction(Protocol):
    """What differs between exports and imports."""

    def fault(self, ring: Ring) -> tuple[str, str]:
        """Text and status (where it is not 100) against the inventory, or two ''."""

    def passed(self, rings: list[Ring]) -> None:
        """The inventories were found good and move on."""


class Exports:
    """Order, waybill and money note are stored together with the inventory."""

    def __init__(self, store: Store, plan: Plan) -> None:
        self._plan = plan

    def fault(self, ring: Ring) -> tuple[str, str]:
        """What the comparison of the texts says."""
        order_no = ring.inventory.order_ref.split("|", 1)[1]
        payments = [payment.loaded() for payment in ring.payments]
        return between.between(ring.order.loaded(), ring.inventory.loaded(), order_no, payments), ""

    def passed(self, rings: list[Ring]) -> None:
        """120 and 399 of the inventories, 120 of each money note."""
        plan, waiting = self._plan, settings.cycle()["waiting"]
        plan.walk_all([ring.inventory for ring in rings], "matched", [ring.ready for ring in rings])
        payments = [(p, max(r.ready, p.status_at)) for r in rings for p in r.payments if p.status in waiting]
        plan.walk_all([payment for payment, _ in payments], "matched", [at for _, at in payments])


class Imports:
    """Compared, then booked on quota, stock and guarantee; released when the regime's conditions hold."""

    def __init__(self, store: Store, plan: Plan) -> None:
        self._crossing = crossing.Crossing(store, plan)

    def fault(self, ring: Ring) -> tuple[str, str]:
        """What the comparison says, then what the books say; nothing is reserved where one of them refuses."""
        inventory, payments = ring.inventory.loaded(), [payment.loaded() for payment in ring.payments]
        text = imports.between(ring.order.loaded(), inventory, ring.waybill.loaded(), payments)
        return (text, "") if text else self._crossing.reserve(ring.inventory, inventory)

    def passed(self, rings: list[Ring]) -> None:
        """120, and on to the release."""
        for ring in rings:
            self._crossing.stored(ring.inventory, ring.ready)


_DIRECTIONS: dict[str, type[Exports] | type[Imports]] = {"CEB603Message": Exports, "CEB621Message": Imports}


class Match:
    """Matches what the documents of one message complete (inside a transaction)."""

    def __init__(self, store: Store, plan: Plan, new: dict[int, Doc]) -> None:
        self._store, self._plan, self._new = store, plan, new

    def run(self, type_: str) -> None:
        """Look for whatever waited for these documents."""
        self._types, self._waiting = settings.ring(type_), settings.cycle()["waiting"]
        self._direction: Direction = _DIRECTIONS[self._types["inventory"]](self._store, self._plan)
        docs = [doc for doc in self._new.values() if doc.alive and doc.current]
        self._stored(type_, docs)
        inventories = self._inventories(type_, docs)
        waiting = [doc for doc in inventories if doc.status in self._waiting and doc.alive]
        if waiting:
            self._match(waiting)
        if type_ == self._types["payment"] and "payment" not in self._types["needs"]:
            self._late_payments(docs, inventories)

    def _stored(self, type_: str, docs: list[Doc]) -> None:
        """Imports: order, payment and waybill are stored by themselves."""
        if "complete" in settings.cycle()["chains"][type_]:
            for doc in docs:
                self._plan.walk(doc, "complete", doc.status_at)

    def _inventories(self, type_: str, docs: list[Doc]) -> list[Doc]:
        if type_ == self._types["inventory"]:
            return docs
        column = "waybill_ref" if type_ == self._types["waybill"] else "order_ref"
        return self._standing(column, [self._types["inventory"]], [getattr(doc, column) for doc in docs])

    def _standing(self, column: str, types: list[str], refs: Iterable[str]) -> list[Doc]:
        new, recent = self._new, self._store.recent
        found = {id_: new.get(id_) or recent.get(id_) for id_ in self._store.standing_ids(column, types, refs)}
        for row in self._store.of_ids([id_ for id_, doc in found.items() if doc is None]):
            found[row["id"]] = from_row(row)
        return [doc for doc in found.values() if doc is not None and doc.alive]

    def _match(self, inventories: list[Doc]) -> None:
        types = self._types
        refs = {d.waybill_ref for d in inventories}
        waybills = {d.waybill_ref: d for d in self._standing("waybill_ref", [types["waybill"]], refs)}
        if not waybills:
            return
        orders: dict[str, Doc] = {}
        payments: dict[str, list[Doc]] = defaultdict(list)
        for doc in self._standing("order_ref", [types["order"], types["payment"]], {d.order_ref for d in inventories}):
            if doc.type == types["order"]:
                orders[doc.order_ref] = doc
            else:
                payments[doc.order_ref].append(doc)
        paid = "payment" in types["needs"]
        rings = []
        for inventory in inventories:
            order, waybill = orders.get(inventory.order_ref), waybills.get(inventory.waybill_ref)
            if order is not None and waybill is not None and (payments[inventory.order_ref] or not paid):
                rings.append(Ring(inventory, order, waybill, payments[inventory.order_ref]))
        for together in _apart(rings):
            self._settle(together)

    def _settle(self, rings: list[Ring]) -> None:
        """Compare the documents of rings that have none in common, and move them on."""
        plan, complete = self._plan, [ring.ready for ring in rings]
        for docs in ([ring.order for ring in rings], [ring.waybill for ring in rings]):
            waiting = [(doc, at) for doc, at in zip(docs, complete, strict=True) if doc.status in self._waiting]
            plan.walk_all([doc for doc, _ in waiting], "matched", [at for _, at in waiting])
        good = []
        for ring, at in zip(rings, complete, strict=True):
            fault, status = self._direction.fault(ring)
            if fault:
                plan.say(ring.inventory, "rejected", at, fault, status)
            else:
                good.append(ring)
        self._direction.passed(good)
        for ring in good:
            for doc in ring.docs:
                doc.locked = 1
                plan.touch(doc)

    def _late_payments(self, docs: list[Doc], inventories: list[Doc]) -> None:
        """Money notes that come after their inventory was reviewed."""
        reviewed = {doc.order_ref for doc in inventories if doc.locked}
        late = [doc for doc in docs if doc.order_ref in reviewed and doc.status in self._waiting]
        if not late:
            return
        refs = {doc.order_ref for doc in late}
        orders = {doc.order_ref: doc for doc in self._standing("order_ref", [self._types["order"]], refs)}
        for payment in late:
            order = orders.get(payment.order_ref)
            if order is None:
                continue
            fault = between.money(order.loaded(), [payment.loaded()])
            if fault:
                self._plan.say(payment, "rejected", payment.status_at, fault)
            else:
                self._plan.walk(payment, "matched", payment.status_at)
                payment.locked = 1


def _apart(rings: list[Ring]) -> Iterator[list[Ring]]:
    """The rings in their order, in lists within which no document stands twice."""
    found: list[Ring] = []
    seen: set[int] = set()
    for ring in rings:
        ids = {doc.id for doc in ring.docs}
        if not seen.isdisjoint(ids):
            yield found
            found, seen = [], set()
        found.append(ring)
        seen |= ids
    if found:
        yield found
