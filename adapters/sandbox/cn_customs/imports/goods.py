"""Imports that are reported as goods: what came into the supervised place (711), and what was delivered (513)."""

from __future__ import annotations

from adapters.sandbox.cn_customs import settings
from adapters.sandbox.cn_customs.docs import Doc, from_row
from adapters.sandbox.cn_customs.imports.crossing import Crossing
from adapters.sandbox.cn_customs.parts import Parts
from adapters.sandbox.cn_customs.plan import Plan
from adapters.sandbox.cn_customs.store import Store

WAYBILL = "CEB511Message"


class Warehouse(Parts):
    """711: the inventories of the waybills it names go on to their release."""

    def run(self, type_: str) -> None:
        """Each document is whole."""
        for doc in [doc for doc in self._new.values() if doc.alive and doc.current]:
            at = self.complete([doc])
            Crossing(self._store, self._plan).arrived(self.named([doc]), at)


class Delivered:
    """513: taken only of a waybill that customs knows."""

    def __init__(self, store: Store, plan: Plan, new: dict[int, Doc]) -> None:
        self._store, self._plan, self._new = store, plan, new

    def run(self, type_: str) -> None:
        """Store it, or refuse it."""
        docs = [doc for doc in self._new.values() if doc.alive and doc.current]
        rows = self._store.standing("waybill_ref", [WAYBILL], {doc.waybill_ref for doc in docs})
        known = {waybill.waybill_ref for waybill in map(from_row, rows) if waybill.alive}
        for doc in docs:
            if doc.waybill_ref in known:
                self._plan.walk(doc, "complete", doc.status_at)
                doc.locked = 1
            else:
                info = f"[Code:1300;Desc:运单不存在],[LogisticsStatus.logisticsNo:{doc.waybill_ref.split('|', 1)[1]}]"
                self._plan.say(doc, "rejected", doc.status_at, info, settings.declared()[type_].codes["unknown"])
