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
from mappings.intervals import Interval
from tasks.clearing import intake

SECONDS, LONGEST = 5.0, 20.0  # real ones
SHARE = 0.15  # of the process's time, to settle all trucks together: forty that change at a time took half of it


@dataclass
class Pace:
    """Takes a shipment of more than `many` parcels on once in so many real seconds; others each time.

    Each authority has turns of its own: one that speaks all the time leaves the other its own.
    """

    many: int
    interval: Interval = field(default_factory=lambda: Interval(SECONDS, LONGEST, SHARE))
    _until: dict[tuple[str, int], float] = field(default_factory=dict)  # before then it is not taken on again

    def due(self, ledger: Ledger, authority: str, shipment_ids: Collection[int]) -> set[int]:
        """Those of these shipments that are taken on now for what an authority said."""
        now = stopwatch()
        self._until = {turn: until for turn, until in self._until.items() if until > now}
        found = {ident for ident in shipment_ids if (authority, ident) not in self._until}
        large = {ident for ident in found if intake.size(ledger, ident) > self.many}
        for ident in large:
            self.interval.here((authority, ident), now)
        until = now + self.interval.seconds(now)
        self._until |= {(authority, ident): until for ident in large}
        return found

    def took(self, shipment_id: int, seconds: float) -> None:
        """A shipment was taken on, in so many real seconds."""
        if any(ident == shipment_id for _, ident in self._until):  # it is one of many parcels
            self.interval.took(seconds)
