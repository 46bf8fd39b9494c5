"""The desk: a warm process of the pulse that advances shipments of few parcels at once, without waiting for Prefect.

A run in Prefect takes some twenty calls to its server before the first stage begins; on a busy machine these are
seconds. What the desk has done is shown afterwards. Several desks do no harm: a shipment has one lease.

Trucks have a desk of their own for what is little work: a list, a departure, some corrected parcels. It shows at once
what it has done of one, as a run would (decision 0031).
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from deployments import errands, pools
from deployments.errands import Errands
from mappings.errors import TongguanError

if TYPE_CHECKING:
    from deployments.board import Board
    from tasks.clearing.standing import Standing
    from tasks.looks import Look

ROOM = 20  # shipments at the desk at once, and as many more that begin; the next ones may take the way of trucks
TRUCKS = 8  # trucks at theirs: for the next one a worker's slot may be sooner free
SHOWS = 5.0  # real seconds in which it begins to show a truck: the next one waits for its step
NICE = 10  # a truck's step does not stand before a single shipment
log = logging.getLogger("tongguan.desk")


def serve(ours: Connection, most: float = math.inf, shown: Callable[[int, Standing], object] | None = None) -> None:
    """The desk's process: says of each shipment whether it had it, or somebody else.

    It declares no more than `most` parcels of one; `shown` has it after that, with where it stands.

    One that has yet to begin comes before those about which something has been heard, for somebody waits for it; but
    before none that has let as many pass as there is room for.
    """
    from tasks.clearing.advance import advance  # noqa: PLC0415 - what the desk is warm for
    from tasks.office import office  # noqa: PLC0415

    def advanced(shipment_id: int) -> bool:
        try:
            at = advance(office(), shipment_id, most)
            if at is None:
                return False
            if shown is not None:
                shown(shipment_id, at)
        except TongguanError as error:  # the shipment's run comes upon the same, and tells it
            log.warning("shipment %s: %s: %s", shipment_id, type(error).__name__, error)
        except Exception:  # whatever it is, it must not end the desk: the next shipment waits
            log.exception("shipment %s", shipment_id)
        return True

    errands.serve(ours, advanced, ROOM)


def serve_trucks(ours: Connection) -> None:
    """The process of the trucks' desk; what it cannot show soon is left to the board."""
    from deployments.board import shower  # noqa: PLC0415 - which is not for the desk of small shipments

    os.nice(NICE)
    shown = shower(SHOWS)
    serve(ours, pools.FEW, lambda shipment_id, at: shown(shipment_id, at=at))


class Desk(Errands):
    """The desk as the pulse sees it.

    `turned_away`: those with which it is done because somebody else had them; who looks at these takes them out.
    """

    def __init__(self, target: Callable[[Connection], None] = serve, name: str = "desk") -> None:
        super().__init__(target, name)
        self.turned_away: set[int] = set()

    def has_room(self, begins: bool = False) -> bool:
        """Whether another shipment may be handed in; one that begins finds room where the others have filled theirs."""
        return len(self.in_hand) < ROOM * (1 + begins)

    def done(self) -> set[int]:
        """The shipments that it is done with since last time; all that it had where its process died."""
        said = dict(self.answers())
        self.turned_away |= {shipment_id for shipment_id, mine in said.items() if mine is False}
        return set(said)


class TruckDesk(Desk):
    """The trucks' desk as the pulse sees it.

    `found`: trucks of which the board says that something is left, which a look at them does not see; `handed`: what
    each looked like when it was handed in last.
    """

    def __init__(self, target: Callable[[Connection], None] = serve_trucks) -> None:
        super().__init__(target, "truck-desk")
        self.found: set[int] = set()
        self.handed: dict[int, str] = {}

    def takes(self, shipment_id: int, look: Look, board: Board | None) -> bool:
        """Hands a truck in, where what is left of it is little work, and it can be shown afterwards without a run.

        What it was handed once and has left as it was a run comes upon, too, and tells it in Prefect.
        """
        shown = board is not None and bool(look.noted) and shipment_id not in board.need_run
        little = not look.begins and look.ready <= pools.FEW and (look.left or shipment_id in self.found)
        if not (shown and little) or self.handed.get(shipment_id) == look.mark or len(self.in_hand) >= TRUCKS:
            return False
        self.handed[shipment_id] = look.mark
        self.found.discard(shipment_id)
        self.hand(shipment_id)
        return True

    def done(self) -> set[int]:
        """The trucks that it is done with since last time; those that somebody else had it has left as they were."""
        found = super().done()
        while self.turned_away:
            self.handed.pop(self.turned_away.pop(), None)
        return found

    def forget(self, shipment_id: int) -> None:
        """A truck at its end."""
        self.found.discard(shipment_id)
        self.handed.pop(shipment_id, None)
