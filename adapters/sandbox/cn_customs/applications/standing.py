"""The inventory that an application is about, and whether its state allows it (lifecycle.yaml, applications)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from adapters.sandbox.cn_customs import settings
from adapters.sandbox.cn_customs.docs import CANCELLING, Doc, from_row
from adapters.sandbox.cn_customs.facts import Facts
from adapters.sandbox.cn_customs.plan import Plan
from adapters.sandbox.cn_customs.store import Store

Refusal = tuple[str, str]  # which code of the table, and the text


@dataclass
class Asked:
    """One application: what it says, and the inventory it is about with what that said."""

    doc: Doc
    facts: Facts
    inventory: Doc
    declared: Facts


class Application:
    """What the applications share (inside a transaction)."""

    def __init__(self, store: Store, plan: Plan, new: dict[int, Doc]) -> None:
        self._store, self._plan, self._new = store, plan, new

    def run(self, type_: str) -> None:
        """Judge each application of a message, one after another."""
        rules = settings.cycle()["applications"][type_]
        docs = [doc for doc in self._new.values() if doc.alive and doc.current]
        facts = {doc.id: orjson.loads(doc.facts) for doc in docs}
        found = inventories(self._store, rules["inventory"], (f["invt"] for f in facts.values()))
        for doc in docs:
            self._judge(doc, facts[doc.id], found, rules)

    def _judge(self, doc: Doc, facts: Facts, found: dict[str, Doc], rules: dict[str, Any]) -> None:
        inventory = found.get(facts["invt"])
        refusal: Refusal | None = ("nothing", f"清单不存在],[invtNo:{facts['invt']}")
        if inventory is not None:
            asked = Asked(doc, facts, inventory, orjson.loads(inventory.facts))
            refusal = state(asked.inventory, asked.declared, facts["agent"], rules, self._plan.now) or self.against(
                asked
            )
            if refusal is None:
                self.accept(asked)
        if refusal is not None:
            code = rules["codes"][refusal[0]]
            self._plan.say(doc, "rejected", doc.status_at, f"[Code:1300;Desc:{refusal[1]}]", code)

    def against(self, asked: Asked) -> Refusal | None:
        """What this kind of application looks at besides the state."""
        return None

    def accept(self, asked: Asked) -> None:
        """The application holds."""
        raise NotImplementedError


def inventories(store: Store, type_: str, numbers: Iterable[str]) -> dict[str, Doc]:
    """The inventories that stand, by the number that customs gave."""
    return {doc.invt_no: doc for doc in map(from_row, store.of_given([type_], numbers))}


def state(inventory: Doc, declared: Facts, agent: str, rules: dict[str, Any], now: int) -> Refusal | None:
    """Why an inventory's declarant or state forbids the application, or None."""
    if declared["agent"] != agent:
        return "card", f"与原清单申报企业不一致],[agentCode:{agent}"
    if inventory.locked == CANCELLING or inventory.status == "cancelled":
        return "again", f"清单已撤销或撤销中],[invtNo:{inventory.invt_no}"
    if inventory.status not in rules["from"] or inventory.status_at > now:
        return "state", f"清单当前状态[{inventory.status}]不允许该操作],[invtNo:{inventory.invt_no}"
    return None
