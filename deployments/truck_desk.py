"""The trucks' desk: a warm process of the pulse for what is little work of a truck, so that it needs no run (0031).

A list, a departure, what Hong Kong is told, some corrected parcels. It shows at once what it has done of a truck, as a
run would. What is much, and what it could not do, is a run's.
"""

from __future__ import annotations

import math
import os
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from deployments import pools
from deployments.desk import Desk, serve
from mappings.clock import stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployments.board import Board
    from tasks.clearing.advance import Advanced
    from tasks.looks import Look

TRUCKS = 64  # trucks at theirs, which come in bursts: a look at all of them finds a dozen,
WAITS = 30.0  # and real seconds that the oldest has been there: for the next one a worker's slot is sooner free
REST = 60.0  # real seconds after which a truck is tried there again that the desk could do nothing for
HANGS = 300.0  # real seconds without a word
SHOWS = 5.0  # real seconds in which it begins calls to show a truck: the next one waits for its step
UNDONE = "undone"  # of a truck that the desk could not advance, or of which it has left what there was
MORE = "more"  # of one of which something is left, though something was done
MOST = 3  # times in a row that there is more
NICE = 5  # what is on its way goes before what begins, with 10 in a worker's slot; a single shipment before both


def serve_trucks(ours: Connection) -> None:
    """The process of the trucks' desk; what it cannot show soon is left to the board, what it cannot do to a run."""
    from deployments.board import shower  # noqa: PLC0415 - which is not for the desk of small shipments
    from tasks import looks  # noqa: PLC0415
    from tasks.notices import AWAY  # noqa: PLC0415

    os.nice(NICE)
    show = shower(SHOWS)
    shown_from = stopwatch()  # where Prefect is away, or slow, steps do not wait for it

    def after(shipment_id: int, went: Advanced) -> Any:
        nonlocal shown_from
        if looks.nothing_left(shipment_id, went.at) is None:
            return MORE if went.did else UNDONE
        if stopwatch() >= shown_from and show(shipment_id, at=went.at) == AWAY:
            shown_from = stopwatch() + REST
        return True

    serve(ours, pools.FEW, after, UNDONE)


class TruckDesk(Desk):
    """The trucks' desk as the pulse sees it.

    `found`: trucks of which something is left, as the board or the desk has found; `undone`: those for which the desk
    could do nothing, and when; `more`: how often in a row there was more to do.
    """

    def __init__(self, target: Callable[[Connection], None] = serve_trucks) -> None:
        super().__init__(target, "truck-desk", HANGS)
        self.found: set[int] = set()
        self.undone: dict[int, float] = {}
        self.more: dict[int, int] = {}

    def takes(self, shipment_id: int, look: Look, board: Board | None) -> bool:
        """Hands a truck in, where what is left of it is little work, and it can be shown afterwards without a run.

        One that waits for an answer that got lost is a run's, which tells it.
        """
        shown = board is not None and bool(look.noted) and shipment_id not in board.need_run
        little = not (look.begins or look.applied or look.waits_for_time) and look.load <= pools.FEW
        left = look.left or shipment_id in self.found
        if not (shown and little and left and self._is_free(shipment_id)):
            return False
        self.hand(shipment_id)
        return True

    def _is_free(self, shipment_id: int) -> bool:
        now = stopwatch()
        if now - self.undone.get(shipment_id, -math.inf) < REST:
            return False
        return len(self.in_hand) < TRUCKS and now - min(self.in_hand.values(), default=now) < WAITS

    def leaves(self, shipment_id: int) -> bool:
        """Whether something is left of a truck that is not taken here: it needs a run."""
        left = shipment_id in self.found
        self.found.discard(shipment_id)
        return left

    def done(self) -> set[int]:
        """The trucks that it is done with since last time; what it could not do is a run's, which tells why."""
        said = self._heard()
        self.turned_away.clear()
        self.found -= {shipment_id for shipment_id, how in said.items() if how is True}
        undone = {shipment_id for shipment_id, how in said.items() if how in (UNDONE, None)}
        for shipment_id, how in said.items():
            self.more[shipment_id] = self.more.get(shipment_id, 0) + 1 if how == MORE else 0
            if self.more[shipment_id] == MOST:
                undone.add(shipment_id)
                self.more[shipment_id] = 0
        self.found |= undone
        self.undone |= dict.fromkeys(undone, stopwatch())
        return set(said)

    def forget(self, shipment_id: int) -> None:
        """A truck at its end."""
        self.found.discard(shipment_id)
        self.undone.pop(shipment_id, None)
        self.more.pop(shipment_id, None)
