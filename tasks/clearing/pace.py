"""How often a process that hears all the time explains what it heard of a shipment of many parcels.

What of a truck is to be explained costs the same for one rejection and for thirty, some 30 ms for 3,200 parcels, and
its receipts come all the time. What is left to a later time stands in the ledger (tasks.receipts.due), where whoever
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
SHARE = 0.1  # of the process's time, to explain what was heard of all trucks together
KEPT = 10_000  # shipments of which it is remembered that they are large


@dataclass
class Pace:
    """Takes a shipment of more than `many` parcels on once in so many real seconds; others each time.

    It is taken on so long after the first of what is to be explained, for all that has come meanwhile: the first
    rejection of a truck is seldom the last one. Each authority has turns of its own: one that speaks all the time
    leaves the other its own.
    """

    many: int
    interval: Interval = field(default_factory=lambda: Interval(SECONDS, LONGEST, SHARE))
    _at: dict[tuple[str, int], float] = field(default_factory=dict)  # when those that wait are taken on
    _taken: int = 0  # how many large ones were taken on last
    _since: float = 0.0  # and when
    _large: set[int] = field(default_factory=set)  # shipments of so many parcels

    def due(self, ledger: Ledger, authority: str, shipment_ids: Collection[int]) -> set[int]:
        """Those of these shipments that are explained now: they are all of which the authority said what is to be.

        Of one that is not among them somebody else has explained it meanwhile: what comes next has its while again.
        """
        now, small = stopwatch(), set[int]()
        self._at = {turn: at for turn, at in self._at.items() if turn[0] != authority or turn[1] in shipment_ids}
        for ident in shipment_ids:
            turn = authority, ident
            if turn in self._at:
                continue
            if not self.is_large(ledger, ident):
                small.add(ident)
            else:
                self.interval.here(turn, now)
                self._at[turn] = math.inf
        wait = self.interval.seconds(now)
        self._at = {turn: min(at, now + wait) for turn, at in self._at.items()}
        large = {ident for ident in shipment_ids if self._at.get((authority, ident), math.inf) <= now}
        for ident in large:
            del self._at[authority, ident]
        self._taken, self._since = len(large) * (not small), now  # beside small ones nobody knows how long each took
        return small | large

    def explained(self) -> None:
        """What was due last is explained."""
        if self._taken:
            self.interval.took((stopwatch() - self._since) / self._taken)
            self._taken = 0

    def is_large(self, ledger: Ledger, shipment_id: int) -> bool:
        """Whether it has many parcels; one that has will not have few again."""
        if shipment_id in self._large:
            return True
        if large := intake.size(ledger, shipment_id) > self.many:
            if len(self._large) >= KEPT:
                self._large.clear()
            self._large.add(shipment_id)
        return large
