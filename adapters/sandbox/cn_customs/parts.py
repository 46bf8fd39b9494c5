"""Documents that may be split (msgCount, msgSeqNo): they act when all parts are there (receipts.md, section 3)."""

from __future__ import annotations

from adapters.sandbox.cn_customs.docs import Doc, from_row
from adapters.sandbox.cn_customs.plan import Plan
from adapters.sandbox.cn_customs.store import Store


class Parts:
    """Finds the groups that the documents of one message complete (inside a transaction)."""

    def __init__(self, store: Store, plan: Plan, new: dict[int, Doc]) -> None:
        self._store, self._plan, self._new = store, plan, new

    def act(self, type_: str, parts: list[Doc]) -> None:
        """What happens when all parts are there."""
        raise NotImplementedError

    def run(self, type_: str) -> None:
        """Let each document whose parts are now all there take effect."""
        for group in {doc.grp: doc for doc in self._new.values() if doc.alive and doc.current}.values():
            parts = self._parts(type_, group)
            if len({doc.part for doc in parts}) == group.parts:
                self.act(type_, parts)

    def _parts(self, type_: str, group: Doc) -> list[Doc]:
        rows = self._store.rows("SELECT * FROM document WHERE type = ? AND grp = ? AND current = 1", type_, group.grp)
        docs = [self._new.get(row["id"]) or from_row(row) for row in rows]
        return [doc for doc in docs if doc.alive and doc.parts == group.parts]

    def named(self, parts: list[Doc]) -> list[str]:
        """What the lines of these parts name."""
        marks = ", ".join("?" * len(parts))
        sql = f"SELECT waybill_ref FROM listed WHERE document_id IN ({marks})"  # noqa: S608 only question marks
        return [row[0] for row in self._store.rows(sql, *(doc.id for doc in parts))]

    def complete(self, parts: list[Doc]) -> int:
        """All parts pass; gives the instant of the last."""
        base = max(doc.status_at for doc in parts)
        for doc in parts:
            self._plan.walk(doc, "complete", base)
            doc.locked = 1
        return max(doc.status_at for doc in parts)

    def reject(self, parts: list[Doc], info: str, status: str = "") -> None:
        """All parts are rejected."""
        base = max(doc.status_at for doc in parts)
        for doc in parts:
            self._plan.say(doc, "rejected", base, info, status)
