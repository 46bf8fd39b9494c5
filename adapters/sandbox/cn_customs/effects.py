"""What a declared document sets going, by the `effect` of its type (messages*.yaml)."""

from __future__ import annotations

from typing import Protocol

from adapters.sandbox.cn_customs import settings
from adapters.sandbox.cn_customs.applications.cancel import Cancel
from adapters.sandbox.cn_customs.applications.returns import Return, Tally
from adapters.sandbox.cn_customs.applications.summary import Summary
from adapters.sandbox.cn_customs.docs import Doc
from adapters.sandbox.cn_customs.imports.goods import Delivered, Warehouse
from adapters.sandbox.cn_customs.lists import Lists
from adapters.sandbox.cn_customs.matching import Match
from adapters.sandbox.cn_customs.plan import Plan
from adapters.sandbox.cn_customs.store import Store


class Effect(Protocol):
    """Works on the documents of one message."""

    def __init__(self, store: Store, plan: Plan, new: dict[int, Doc]) -> None: ...

    def run(self, type_: str) -> None: ...


_EFFECTS: dict[str, type[Effect]] = {
    "match": Match,
    "list": Lists,
    "warehouse": Warehouse,
    "delivered": Delivered,
    "cancel": Cancel,
    "return": Return,
    "tally": Tally,
    "summary": Summary,
}
_EXPORT = "CEB603Message"


def of(type_: str) -> type[Effect]:
    """The effect of a type."""
    return _EFFECTS[settings.declared()[type_].effect]


def inspected_types() -> tuple[str, ...]:
    """The types that can be under inspection or suspended."""
    return (*settings.inventories(), "CEB213Message")


def result(plan: Plan, doc: Doc, step: str) -> None:
    """A person gave the result of an inspection: it is said now; for imports their books follow."""
    if doc.type == _EXPORT:
        plan.state(doc, step, plan.now)
    else:
        plan.due(doc, step, plan.now)
