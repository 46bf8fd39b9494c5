"""The desk: a warm process of the pulse that advances shipments of few parcels at once, without waiting for Prefect.

A run in Prefect takes some twenty calls to its server before the first stage begins; on a busy machine these are
seconds. What the desk has done is shown afterwards. Several desks do no harm: a shipment has one lease.
Trucks have one of their own (deployments.truck_desk).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from deployments import errands
from deployments.errands import Errands
from mappings.errors import TongguanError

if TYPE_CHECKING:
    from tasks.clearing.advance import Advanced

ROOM = 20  # shipments at the desk at once, and as many more that begin; the next ones may take the way of trucks
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
