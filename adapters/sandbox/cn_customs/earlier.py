"""What the book already holds about the documents of a message."""

from __future__ import annotations

from dataclasses import dataclass, field

from adapters.sandbox.cn_customs import settings
from adapters.sandbox.cn_customs.docs import Doc, from_row
from adapters.sandbox.cn_customs.reading import Business
from adapters.sandbox.cn_customs.store import Store

PAYMENT, INVENTORY = "CEB403Message", "CEB603Message"


@dataclass
class Earlier:
    """Kept up to date while the documents of the message are booked one after another."""

    standing: dict[str, Doc] = field(default_factory=dict)  # by key
    attempts: dict[str, int] = field(default_factory=dict)  # how often a key came
    taken: set[tuple[str, str]] = field(default_factory=set)  # key and guid of every document that was accepted
    inventories: dict[str, str] = field(default_factory=dict)  # the key of the inventory that stands for an order
    paid: frozenset[str] | None = None  # orders with money received; None where that does not matter

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
        if doc.type == INVENTORY:
            self.inventories[doc.order_ref] = doc.key


def look(store: Store, business: Business, keys: list[str]) -> Earlier:
    """What the book holds about these keys and, for inventories, about their orders."""
    found = Earlier()
    for row in store.of_keys(business.declared.type, keys):
        found.attempt(row["key"])
        if row["outcome"] == "accepted":
            found.taken.add((row["key"], row["guid"]))
        if row["current"]:
            found.standing[row["key"]] = from_row(row)
    if business.declared.type == INVENTORY:
        orders = {document.joined(business.declared.order_ref) for document in business.documents}
        cycle = settings.cycle()
        standing = [
            row
            for row in store.brief("order_ref", INVENTORY, orders)
            if row["status"] not in cycle["may_follow"]["new"]
        ]
        found.inventories = {row["order_ref"]: row["key"] for row in standing}
        payments = store.brief("order_ref", PAYMENT, orders)
        found.paid = frozenset(row["order_ref"] for row in payments if row["status"] not in cycle["dead"])
    return found
