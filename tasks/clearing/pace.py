"""How often a process that hears all the time makes something of what it heard for a shipment of many parcels.

What a truck makes of its receipts costs the same for one and for a thousand, some 50 ms for 3,200 parcels, and its
receipts come all the time. What is left to a later time stands in the ledger (tasks.receipts.settle), where whoever
hears next finds it, also after this process has died.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from adapters.ledger import Ledger
from mappings.clock import stopwatch
from tasks.clearing import intake

SECONDS = 5.0  # real ones
_KEPT = 10_000  # shipments of which it is known when they were taken on


@dataclass
class Pace:
    """Takes a shipment of more than `many` parcels on once in so many real `seconds`; others each time."""

    many: int
    seconds: float = SECONDS
    _at: dict[int, float] = field(default_factory=dict)  # when each of many parcels may be taken on again
    _few: set[int] = field(default_factory=set)

    def due(self, ledger: Ledger, shipment_ids: Collection[int]) -> set[int]:
        """Those of these shipments that are taken on now."""
        now = stopwatch()
        if len(self._at) + len(self._few) > _KEPT:
            self._at, self._few = {i: at for i, at in self._at.items() if at > now}, set()
        found = {i for i in shipment_ids if i in self._few or (now >= self._at.get(i, now) and self._take(ledger, i))}
        for ident in found - self._few:
            self._at[ident] = now + self.seconds
        return found

    def _take(self, ledger: Ledger, shipment_id: int) -> bool:
        if shipment_id not in self._at and intake.size(ledger, shipment_id) <= self.many:
            self._few.add(shipment_id)
        return True
