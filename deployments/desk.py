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
from typing import TYPE_CHECKING, Any

from deployments import errands, pools
from deployments.errands import Errands
from mappings.clock import stopwatch
from mappings.errors import TongguanError

if TYPE_CHECKING:
    from deployments.board import Board
    from tasks.clearing.advance import Advanced
    from tasks.looks import Look

ROOM = 20  # shipments at the desk at once, and as many more that begin; the next ones may take the way of trucks
TRUCKS = 16  # trucks at theirs,
WAITS = 30.0  # and real seconds that the oldest has been there: for the next one a worker's slot is sooner free
REST = 60.0  # real seconds after which a truck is tried there again that the desk could do nothing for
HANGS = 300.0  # real seconds without a word
SHOWS = 5.0  # real seconds in which it begins calls to show a truck: the next one waits for its step
UNDONE = "undone"  # of a truck that the desk could not advance, or of which it has left what there was
MORE = "more"  # of one of which something is left, though something was done
MOST = 3  # times in a row that there is more
NICE = 10  # a truck's step does not stand before a single shipment
log = logging.getLogger("tongguan.desk")


def serve(
    ours: Connection, most: float = math.inf, after: Callable[[int, Advanced], Any] = lambda *_: True, no: Any = True
) -> None:  # fmt: skip
    """The desk's process: says False of each shipment that somebody else had, True of one that it had.

    It declares no more than `most` parcels of one. `after` has it then, and may say something else; `no` is said where
    that came to nothing.

    One that has yet to begin comes before those about which something has been heard, for somebody waits for it; but
    before none that has let as many pass as there is room for.
    """
    from tasks.clearing.advance import advance  # noqa: PLC0415 - what the desk is warm for
    from tasks.office import office  # noqa: PLC0415

    def advanced(shipment_id: int) -> Any:
        try:
            went = advance(office(), shipment_id, most)
            return went is not None and after(shipment_id, went)
        except TongguanError as error:  # the shipment's run comes upon the same, and tells it
            log.warning("shipment %s: %s: %s", shipment_id, type(error).__name__, error)
        except Exception:  # whatever it is, it must not end the desk: the next shipment waits
            log.exception("shipment %s", shipment_id)
        return no

    errands.serve(ours, advanced, ROOM)


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


class Desk(Errands):
    """The desk as the pulse sees it.

    `turned_away`: those with which it is done because somebody else had them; who looks at these takes them out.
    """

    def __init__(
        self, target: Callable[[Connection], None] = serve, name: str = "desk", patience: float = math.inf
    ) -> None:
        super().__init__(target, name, patience)
        self.turned_away: set[int] = set()

    def has_room(self, begins: bool = False) -> bool:
        """Whether another shipment may be handed in; one that begins finds room where the others have filled theirs."""
        return len(self.in_hand) < ROOM * (1 + begins)

    def done(self) -> set[int]:
        """The shipments that it is done with since last time; all that it had where its process died."""
        return set(self._heard())

    def _heard(self) -> dict[int, Any]:
        """What it has said since last time of each; None where its process died."""
        said = dict(self.answers())
        self.turned_away |= {shipment_id for shipment_id, mine in said.items() if mine is False}
        return said


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
