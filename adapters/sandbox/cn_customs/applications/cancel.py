"""Cancels (605, 623): 2 -> 120 -> 399, or a code of table 7-2 (receipts.md, section 3)."""

from __future__ import annotations

from adapters.sandbox.cn_customs.applications.standing import Application, Asked
from adapters.sandbox.cn_customs.docs import CANCELLING


class Cancel(Application):
    """From its acceptance on nothing more happens to the inventory; with the 399 it is cancelled."""

    def accept(self, asked: Asked) -> None:
        """Freeze the inventory, say what follows, cancel it then."""
        self._plan.walk(asked.doc, "complete", asked.doc.status_at)
        asked.doc.locked = 1
        self._store.run("DELETE FROM todo WHERE document_id = ?", asked.inventory.id)
        asked.inventory.locked = CANCELLING
        self._plan.touch(asked.inventory)
        self._plan.due(asked.inventory, "cancelled", asked.doc.status_at)
