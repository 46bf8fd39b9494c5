"""What was noticed of shipments since the waker looked at them, what it found then, and how soon it looks again.

Receipts of a truck come all the time, and a look at one costs as much as a step: they wait for their turn (decisions
0022 and 0034). Whatever else is noticed of it does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

from adapters.ledger.touches import BY, HEARD
from deployments.agenda import TROUBLED
from mappings.clock import clock, stopwatch
from mappings.intervals import Interval

if TYPE_CHECKING:
    from tasks.looks import Look

RECEIPTS, LONGEST = 5.0, 20.0  # real seconds of its receipts that a truck is looked at for together, at least and most
SHARE = 0.05  # of this process's time for looks at trucks that hear of receipts, as far as LONGEST lets it


@dataclass
class Noticed:
    """Of each shipment what was noticed.

    `name` stands at what the waker changes itself when it looks (touches.BY). The parcels of those `unsettled` may not
    follow what changed, and `settled_at` says when they last did, of one that is not looked at; of those `stirred` more
    was noticed than receipts; `kept` is what was found of trucks that wait to be shown.
    """

    name: str = field(default_factory=lambda: BY + uuid4().hex)
    receipts: Interval = field(default_factory=lambda: Interval(RECEIPTS, LONGEST, SHARE))
    unsettled: set[int] = field(default_factory=set)
    settled_at: dict[int, float] = field(default_factory=dict)
    stirred: set[int] = field(default_factory=set)
    kept: dict[int, Look] = field(default_factory=dict)

    def pause(self) -> float:
        """Real seconds that a truck that hears of receipts is left alone now."""
        return self.receipts.seconds(stopwatch())

    def only_heard(self, shipment_id: int, said: set[str]) -> bool:
        """Whether a truck heard of receipts alone, and of what another waker's look made of them; it is noted."""
        if all(one == HEARD or one.startswith(BY) for one in said):
            self.receipts.here(shipment_id, stopwatch())
            return True
        self.stirred.add(shipment_id)
        return False

    def quiet_for(self, shipment_id: int, calm: bool) -> float:
        """Real seconds that a truck has to be quiet at least before it is shown.

        Of many that hear all the time, one that is `calm` (looked at because of its receipts alone) is sure to hear
        more.
        """
        pause = self.pause()
        return pause if calm and pause > RECEIPTS and self.receipts.lately(shipment_id, stopwatch()) else 0.0

    def known(self, shipment_id: int) -> Look | None:
        """What was found of a truck that was to be quiet first: nothing was noticed since, and no limit is over."""
        found = self.kept.pop(shipment_id, None)
        if found is None or shipment_id in self.unsettled or found.waits_for_time:
            return None
        return None if found.limit is not None and clock().now() >= found.limit else found

    def looked(self, shipment_id: int) -> None:
        """It was looked at: its parcels follow what changed."""
        self.unsettled.discard(shipment_id)
        self.stirred.discard(shipment_id)
        self.settled_at.pop(shipment_id, None)

    def settle_in(self, shipment_id: int, is_truck: bool) -> float:
        """In how many real seconds its parcels are to follow what changed; 0 for now, infinity where they do.

        A truck's no oftener than it is looked at for receipts, and for anything else no oftener than each second.
        """
        if shipment_id not in self.unsettled:
            return math.inf
        pause = TROUBLED if shipment_id in self.stirred else self.pause()
        due = self.settled_at.get(shipment_id, -math.inf) + pause * is_truck
        return max(due - stopwatch(), 0.0)

    def settled(self, shipment_id: int) -> None:
        """Its parcels follow what changed, without a look."""
        self.kept.pop(shipment_id, None)
        self.unsettled.discard(shipment_id)
        self.settled_at[shipment_id] = stopwatch()

    def forget(self, shipment_id: int) -> None:
        """A shipment at its end."""
        self.looked(shipment_id)
        self.kept.pop(shipment_id, None)
