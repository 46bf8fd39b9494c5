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


@dataclass
class Pace:
    """Takes a shipment of more than `many` parcels on once in so many real `seconds`; others each time.

    Each authority has turns of its own: one that speaks all the time leaves the other its own.
    """

    many: int
    seconds: float = SECONDS
    _until: dict[tuple[str, int], float] = field(default_factory=dict)  # before then it is not taken on again

    def due(self, ledger: Ledger, authority: str, shipment_ids: Collection[int]) -> set[int]:
        """Those of these shipments that are taken on now for what an authority said."""
        now = stopwatch()
        self._until = {turn: until for turn, until in self._until.items() if until > now}
        found = {ident for ident in shipment_ids if (authority, ident) not in self._until}
        large = {ident for ident in found if intake.size(ledger, ident) > self.many}
        self._until |= {(authority, ident): now + self.seconds for ident in large}
        return found
