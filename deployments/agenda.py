"""Which shipment the pulse is to look at when, and the rows of the ledger that say that it has to be looked at."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from deployments import pools
from deployments.turns import turns
from mappings.clock import stopwatch
from mappings.errors import TongguanError

TROUBLED = 1.0  # real seconds after which what failed, or found no room, is tried again
log = logging.getLogger("tongguan.pulse")


@dataclass
class Agenda:
    """`when` says for each shipment when it is to be looked at again, `rows` which changes of it are not forgotten.

    `size` is how many parcels it has, by its last change; those in `under_way` have messages.
    """

    when: dict[int, float] = field(default_factory=dict)
    rows: dict[int, set[str]] = field(default_factory=dict)
    size: dict[int, int] = field(default_factory=dict)
    under_way: set[int] = field(default_factory=set)

    def lane(self, shipment_id: int) -> str:
        """The lane of a shipment's runs, by its size at its last change; one that is not known has few parcels."""
        return pools.lane(self.size.get(shipment_id, 0))

    def _ready(self) -> tuple[list[int], list[int], list[int]]:
        """What is to be looked at now, in turn."""
        from tasks import stages  # noqa: PLC0415

        now = stopwatch()
        due = {i: at for i, at in self.when.items() if at <= now}
        for shipment_id in due.keys() - self.size.keys():
            if (size := self._safely(stages.parcels_of, shipment_id)) is not None:
                self.size[shipment_id] = size
        return turns(due, self.size, self.under_way)

    def _safely(self, step: Callable[..., Any], shipment_id: int, *more: Any) -> Any:
        """What a step gives; a shipment that makes trouble is told, tried again a little later, and stops no other."""
        try:
            return step(shipment_id, *more)
        except TongguanError as error:
            log.warning("shipment %s: %s: %s", shipment_id, type(error).__name__, error)
        except Exception as error:  # whatever it is: only its kind is told, its text may hold a person's data
            log.error("shipment %s: %s", shipment_id, type(error).__name__)  # noqa: TRY400
        self._later(shipment_id, TROUBLED)
        return None

    def _now(self, shipment_ids: Iterable[int]) -> None:
        now = stopwatch()
        self.when |= {i: min(self.when.get(i, now), now) for i in shipment_ids}

    def _busy(self, shipment_id: int, seconds: float) -> None:
        """Looks at it again so much later; one row keeps in the ledger that it has to be looked at."""
        self._later(shipment_id, seconds)
        self._forget(shipment_id, 1)

    def _later(self, shipment_id: int, seconds: float) -> None:
        at = stopwatch() + max(seconds, 0.0)
        self.when[shipment_id] = min(at, self.when.get(shipment_id, at))

    def _forget(self, shipment_id: int, but: int = 0) -> None:
        """The rows that say that it has changed were looked at, all `but` so many."""
        from tasks import stages  # noqa: PLC0415

        names = sorted(self.rows.get(shipment_id, ()))[but:]
        if names:
            stages.looked_at(names)
            self.rows[shipment_id] -= set(names)
