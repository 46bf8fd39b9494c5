"""The board: a warm process of the pulse that shows in Prefect what has changed of a shipment, without a run.

A run costs Prefect's server some twenty calls and takes a worker's slot, however little it has to show; this is three
to six calls (decision 0020). Several boards do no harm: a shipment has one lease, and the ledger says what was shown.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from deployments import errands
from deployments.errands import Errands
from mappings.clock import stopwatch

if TYPE_CHECKING:
    from tasks.clearing.standing import Standing
    from tasks.looks import Look

ROOM = 50  # shipments at the board at once; so many small ones pass a truck there, so many with news a small one
LINE = 3  # small ones that are a line: what is no news waits until there are fewer, and is shown with what comes then
NEWS = 2  # the rank here of a small shipment with news; without it has 1, a truck 0
# It shows three shipments at the same time, as most of that it waits for Prefect's server. One of its hands is for news
# alone, which would wait behind two that take their time.
HANDS = (0, 0, NEWS)
NICE = 5  # what is to leave goes before what is to be seen
SECONDS = 20.0  # real ones of an errand, in which calls begin: it has the shipment's lease meanwhile
HANGS = 120.0  # real seconds without a word, or with the same shipment
LATER = 5  # an absent Prefect is asked twice as late each time, so often: after half a minute at the most


def serve(ours: Connection) -> None:
    """The board's process: says of each shipment what has become of it (tasks.notices)."""
    os.nice(NICE)
    errands.serve(ours, shower(), ROOM, HANDS, HANGS)


def shower(seconds: float = SECONDS) -> Callable[..., str]:
    """Who shows a shipment (tasks.notices.show), from any thread; its calls begin within so many real seconds."""
    from deployments.prefect_api import Prefect  # noqa: PLC0415
    from tasks import notices  # noqa: PLC0415 - what the board is warm for
    from tasks.office import office  # noqa: PLC0415

    completed, mine, opening = notices.Completed(), threading.local(), threading.Lock()

    def shown(shipment_id: int, in_line: str = "", at: Standing | None = None) -> str:
        with opening, suppress(Exception):  # once; where it cannot be opened what is to be shown says so
            office()
        if not hasattr(mine, "prefect"):
            mine.prefect = Prefect(os.environ.get("PREFECT_API_URL", "").removesuffix("/api"), patient=False)
        mine.prefect.until = stopwatch() + seconds
        return notices.show(mine.prefect, shipment_id, in_line, completed, at)

    return shown


class Board(Errands):
    """The board as the pulse sees it. `need_run`: those that it cannot show before a run has had them.

    `away`: so often in a row it did not reach Prefect.
    """

    def __init__(self, target: Callable[[Connection], None] = serve) -> None:
        super().__init__(target, "board", HANGS)
        self.need_run: set[int] = set()
        self.away = 0

    def has_room(self) -> bool:
        """Whether another shipment may be handed in."""
        return len(self.in_hand) < ROOM

    def can_show(self, shipment_id: int, found: Look, in_line: bool = False) -> bool:
        """Whether it can be shown here: nothing is left to do, and a run has been there, or is `in_line`."""
        return not found.left and (in_line or (bool(found.noted) and shipment_id not in self.need_run))

    def done(self) -> dict[int, str]:
        """What has become of the shipments that it is done with since last time."""
        from tasks.notices import AWAY, RUN  # noqa: PLC0415

        said = {shipment_id: answer or RUN for shipment_id, answer in self.answers()}
        for answer in said.values():
            self.away = min(self.away + 1, LATER) if answer == AWAY else 0
        self.need_run |= {shipment_id for shipment_id, answer in said.items() if answer == RUN}
        return said
