"""How often a process that hears all the time makes something of what it heard for a shipment of many parcels.

What a truck makes of its receipts costs the same for one and for a thousand, some 50 ms for 3,200 parcels, and its
receipts come all the time. What is left to a later time stands in the ledger (tasks.receipts.settle), where whoever
hears next finds it, also after this process has died.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field

from adapters.ledger import Ledger
from mappings.clock import stopwatch
from mappings.intervals import Interval
from tasks.clearing import intake

SECONDS, LONGEST = 5.0, 20.0  # real ones
SHARE = 0.1  # of the process's time, to settle all trucks together: forty that change at a time took half of it


@dataclass
class Pace:
    """Takes a shipment of more than `many` parcels on once in so many real seconds; others each time.

    It is taken on so long after the first of what it is to hear, for all that has come meanwhile: the first receipts of
    a truck are seldom the last ones. Each authority has turns of its own: one that speaks all the time leaves the other
    its own.
    """

    many: int
    interval: Interval = field(default_factory=lambda: Interval(SECONDS, LONGEST, SHARE))
    _at: dict[tuple[str, int], float] = field(default_factory=dict)  # when those that wait are taken on
    _large: set[int] = field(default_factory=set)  # those taken on last

    def due(self, ledger: Ledger, authority: str, shipment_ids: Collection[int]) -> set[int]:
        """Those of these shipments that are taken on now for what an authority said: they are all that wait for it.

        Of one that is not among them somebody else has made something meanwhile: what comes next has its while again.
        """
        now, small = stopwatch(), set[int]()
        self._at = {turn: at for turn, at in self._at.items() if turn[0] != authority or turn[1] in shipment_ids}
        for ident in shipment_ids:
            turn = authority, ident
            if turn in self._at:
                continue
            if intake.size(ledger, ident) <= self.many:
                small.add(ident)
            else:
                self.interval.here(turn, now)
                self._at[turn] = math.inf
        wait = self.interval.seconds(now)
        self._at = {turn: min(at, now + wait) for turn, at in self._at.items()}
        self._large = {ident for ident in shipment_ids if self._at.get((authority, ident), math.inf) <= now}
        for ident in self._large:
            del self._at[authority, ident]
        return small | self._large

    def took(self, shipment_id: int, seconds: float) -> None:
        """A shipment was taken on, in so many real seconds."""
        if shipment_id in self._large:
            self.interval.took(seconds)
