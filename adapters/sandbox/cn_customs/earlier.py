"""What the book already holds about the documents of a message."""

from __future__ import annotations

from dataclasses import dataclass, field

from adapters.sandbox.cn_customs import settings
from adapters.sandbox.cn_customs.docs import Doc, from_row
from adapters.sandbox.cn_customs.store import Store


@dataclass
class Earlier:
    """Kept up to date while the documents of the message are booked one after another."""

    standing: dict[str, Doc] = field(default_factory=dict)  # by key
    attempts: dict[str, int] = field(default_factory=dict)  # how often a key came
    taken: set[tuple[str, str]] = field(default_factory=set)  # key and guid of every document that was accepted
    inventories: dict[str, str] = field(default_factory=dict)  # the key of the inventory that stands for an order
    paid: frozenset[str] | None = None  # orders with money received; None where that does not matter

    def meets_nothing(self, docs: list[Doc]) -> bool:
        """Whether these documents are new declarations that meet none in the book and none among themselves."""
        if self.attempts or self.inventories or any(doc.app_type != "1" for doc in docs):
            return False
        inventory = bool(docs) and docs[0].type in settings.inventories()
        return _differ([doc.key for doc in docs]) and not (inventory and not _differ([doc.order_ref for doc in docs]))

    def attempt(self, key: str) -> int:
        """The number of this attempt at a key, from 1."""
        self.attempts[key] = self.attempts.get(key, 0) + 1
        return self.attempts[key]

    def replace(self, doc: Doc) -> None:
        """This document now stands for its key."""
        prior = self.standing.get(doc.key)
        if prior is not None:
            prior.current = 0
        self.standing[doc.key] = doc
        self.taken.add((doc.key, doc.guid))
        if doc.type in settings.inventories():
            self.inventories[doc.order_ref] = doc.key


def _differ(values: list[str]) -> bool:
    return len(set(values)) == len(values)


def look(store: Store, type_: str, keys: list[str], orders: list[str]) -> Earlier:
    """What the book holds about these keys and, for inventories, about their orders."""
    found = Earlier()
    for row in store.of_keys(type_, keys):
        found.attempt(row["key"])
        if row["outcome"] == "accepted":
            found.taken.add((row["key"], row["guid"]))
        if row["current"]:
            found.standing[row["key"]] = from_row(row)
    if type_ in settings.inventories():
        _of_orders(store, type_, set(orders), found)
    return found


def _of_orders(store: Store, type_: str, orders: set[str], found: Earlier) -> None:
    """Which orders have an inventory that stands, and which have a payment."""
    ring = settings.ring(type_)
    standing = [row for row in store.brief("order_ref", ring["inventory"], orders) if not settings.over(row["status"])]
    found.inventories = {row["order_ref"]: row["key"] for row in standing}
    payments = store.brief("order_ref", ring["payment"], orders)
    found.paid = frozenset(row["order_ref"] for row in payments if not settings.over(row["status"]))
