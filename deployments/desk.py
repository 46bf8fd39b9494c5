"""The desk: a warm process of the pulse that advances shipments of few parcels at once, without waiting for Prefect.

A run in Prefect takes some twenty calls to its server before the first stage begins; on a busy machine these are
seconds. What the desk has done, the shipment's next run shows. Several desks do no harm: a shipment has one lease.
"""

from __future__ import annotations

import heapq
import logging
import os
from collections.abc import Callable
from itertools import count
from multiprocessing.connection import Connection

from deployments.beside import Beside
from mappings.clock import stopwatch
from mappings.errors import TongguanError

ROOM = 20  # shipments at the desk at once, and as many more that begin; the next ones may take the way of trucks
GRACE = 6.0  # real seconds for the shipment that it is at, when it is told to stop
log = logging.getLogger("tongguan.desk")


def serve(ours: Connection) -> None:
    """The desk's process: takes numbers of shipments, says each when it is done, and ends with the pipe.

    One that has yet to begin comes before those about which something has been heard, for somebody waits for it; but
    before none that has let as many pass as there is room for.
    """
    from tasks.clearing.advance import advance  # noqa: PLC0415 - what the desk is warm for
    from tasks.office import office  # noqa: PLC0415

    os.setsid()  # a signal to the pulse's group is not for the shipment that it is at
    waiting: list[tuple[int, int]] = []
    numbers = count()
    try:
        while True:
            while not waiting or ours.poll():
                shipment_id, begins = ours.recv()
                heapq.heappush(waiting, (next(numbers) - ROOM * begins, shipment_id))
            shipment_id, mine = heapq.heappop(waiting)[1], True
            try:
                mine = advance(office(), shipment_id)
            except TongguanError as error:  # the shipment's run comes upon the same, and tells it
                log.warning("shipment %s: %s: %s", shipment_id, type(error).__name__, error)
            except Exception:  # whatever it is, it must not end the desk: the next shipment waits
                log.exception("shipment %s", shipment_id)
            ours.send((shipment_id, mine))
    except (EOFError, ConnectionError):
        return


class Desk(Beside):
    """The desk as the pulse sees it. `in_hand`: the shipments there, and since when.

    `turned_away`: those with which it is done because somebody else had them; who looks at these takes them out.
    """

    def __init__(self, target: Callable[[Connection], None] = serve) -> None:
        super().__init__(target)
        self.in_hand: dict[int, float] = {}
        self.turned_away: set[int] = set()

    def has_room(self, begins: bool = False) -> bool:
        """Whether another shipment may be handed in; one that begins finds room where the others have filled theirs."""
        return len(self.in_hand) < ROOM * (1 + begins)

    def hand(self, shipment_id: int, begins: bool = False) -> None:
        """Hands it a shipment, to be advanced after those that it has; one that begins, before those that do not."""
        self.in_hand[shipment_id] = stopwatch()
        try:
            self.pipe.send((shipment_id, begins))
        except OSError:  # it is gone: `done` starts another, and the pulse looks at what it had
            log.warning("the desk is gone")

    def done(self) -> set[int]:
        """The shipments that it is done with since last time; all that it had where its process died."""
        found: set[int] = set()
        try:
            while self.pipe.poll():
                shipment_id, mine = self.pipe.recv()
                found.add(shipment_id)
                if not mine:
                    self.turned_away.add(shipment_id)
        except (EOFError, OSError):
            log.warning("the desk ended with %s; another begins", self.process.exitcode)
            self.pipe.close()
            found |= set(self.in_hand)
            self.begin()
        for shipment_id in found:
            self.in_hand.pop(shipment_id, None)
        return found

    def end(self, grace: float = GRACE) -> None:
        """Ends it after the shipment that it is at; after `grace` seconds it is killed."""
        super().end(grace)
