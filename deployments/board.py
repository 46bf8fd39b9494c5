"""The board: a warm process of the pulse that shows in Prefect what has changed of a shipment, without a run.

A run costs Prefect's server some twenty calls and takes a worker's slot, however little it has to show; this is four
or five calls (decision 0020). Several boards do no harm: a shipment has one lease, and the ledger says what was shown.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from deployments import errands
from deployments.errands import Errands

if TYPE_CHECKING:
    from tasks.stages import Look

PASSED = 50  # so many shipments of few parcels pass a truck that waits here
NICE = 5  # what is to leave goes before what is to be seen
TIMEOUT = (2.0, 10.0)  # seconds: it has the shipment's lease meanwhile


def serve(ours: Connection) -> None:
    """The board's process: says of each shipment what has become of it (tasks.notices)."""
    from deployments.prefect_api import Prefect  # noqa: PLC0415
    from tasks import notices  # noqa: PLC0415 - what the board is warm for

    os.nice(NICE)
    prefect = Prefect(os.environ.get("PREFECT_API_URL", "").removesuffix("/api"), TIMEOUT, lost=0)
    errands.serve(ours, lambda shipment_id, in_line: notices.show(prefect, shipment_id, in_line), PASSED)


class Board(Errands):
    """The board as the pulse sees it. `need_run`: those that it cannot show before a run has had them."""

    def __init__(self, target: Callable[[Connection], None] = serve) -> None:
        super().__init__(target, "board")
        self.need_run: set[int] = set()

    def can_show(self, shipment_id: int, found: Look, in_line: bool = False) -> bool:
        """Whether it can be shown here: nothing is left to do, and a run has been there, or is `in_line`."""
        return not found.left and (in_line or (bool(found.noted) and shipment_id not in self.need_run))

    def done(self) -> dict[int, str]:
        """What has become of the shipments that it is done with since last time."""
        from tasks.notices import RUN  # noqa: PLC0415

        said = {shipment_id: answer or RUN for shipment_id, answer in self.answers()}
        self.need_run |= {shipment_id for shipment_id, answer in said.items() if answer == RUN}
        return said
