"""Which shipments can go on: only those are looked at that changed, whose time has come, or whose run has ended.

What a shipment looked like at the end of its last run is in the ledger (tasks.stages.note_run): one that looks
different now, or that waits for time, goes on. One of few parcels is advanced at the desk first; its run shows it.
When to look again is kept in memory: a waker that begins looks at every open shipment once.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deployments import pools
from deployments.desk import Desk
from mappings.clock import clock, stopwatch
from mappings.errors import TongguanError

if TYPE_CHECKING:
    from tasks.stages import Look

DUE = 10.0  # real seconds after which a truck that waits for time alone is looked at again
AGAIN = 30.0  # real seconds after which a run that ended without an end (it failed) is tried once more
BUSY = 0.3  # real seconds after which a shipment that somebody has just now is looked at again
TROUBLED = 1.0  # real seconds after which what failed, or found no room, is tried again
AT_ONCE = 200  # runs that are started and not ended; more trucks wait
log = logging.getLogger("tongguan.pulse")


@dataclass
class Waker(ABC):
    """Looks, and has run what is due. `when` says for each shipment when it is to be looked at again."""

    desk: Desk | None = None
    when: dict[int, float] = field(default_factory=dict)
    rows: dict[int, set[str]] = field(default_factory=dict)
    ran_at: dict[int, float] = field(default_factory=dict)
    tried: dict[int, str] = field(default_factory=dict)
    desked: dict[int, str] = field(default_factory=dict)
    begun: bool = False

    @abstractmethod
    def start(self, shipment_id: int) -> None:
        """Starts a run of the shipment, or runs it."""

    @abstractmethod
    def running(self) -> Iterable[int]:
        """The shipments whose run was started and has not ended."""

    def ended(self) -> set[int]:
        """The shipments whose run has ended since last time."""
        return set()

    def asked(self, shipment_id: int, run_id: str) -> None:  # noqa: B027 - nothing to do where runs are our own
        """Somebody else has started this run of a shipment."""

    def beat(self) -> list[int]:
        """One look at what may have changed. Returns which got a run. Raises ConfigurationError without a server."""
        from tasks import stages  # noqa: PLC0415  Prefect is imported where it is used

        self._notice(stages.touched())
        fresh = self.desk.done() if self.desk else set()
        self._now(fresh | self.ended())
        if not self.begun:
            self._now(stages.open_shipments())
            self.begun = True
        now = stopwatch()
        ready = [shipment_id for shipment_id, at in sorted(self.when.items()) if at <= now]
        due = {i: mark for i in ready if (mark := self._safely(self._look, i, i in fresh))}
        smallest_first = sorted(due, key=stages.parcels_of)  # a single shipment never waits behind a batch
        return [i for i in smallest_first if self._safely(self._run, i, due[i])]

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
        self.when |= dict.fromkeys(shipment_ids, 0.0)

    def _notice(self, touched: dict[int, dict[str, str]]) -> None:
        for shipment_id, rows in touched.items():
            known = self.rows.setdefault(shipment_id, set())
            new = rows.keys() - known
            if new:
                self._now([shipment_id])
                known.update(new)
            for run_id in filter(None, (rows[name] for name in new)):
                self.asked(shipment_id, run_id)

    def _look(self, shipment_id: int, fresh: bool) -> str:
        """The mark of a shipment that is to get a run now; '' for one at the desk, or that waits until `when`."""
        from tasks import stages  # noqa: PLC0415

        self.when.pop(shipment_id, None)
        desk, running = self._desk_for(shipment_id), set(self.running())
        if not desk and (shipment_id in running or len(running) >= AT_ONCE):
            return self._busy(shipment_id, DUE if shipment_id in running else TROUBLED)
        if (desk and shipment_id in desk.in_hand) or stages.worked_on(shipment_id):
            return self._busy(shipment_id, BUSY)
        found = stages.look(shipment_id)
        if fresh:
            self.desked[shipment_id] = found.mark
        if not self._is_due(shipment_id, found):
            self._seen(shipment_id, found.over)
            return ""
        if desk and desk.has_room and self.desked.get(shipment_id) != found.mark:
            desk.hand(shipment_id)
            return self._busy(shipment_id, DUE)
        return str(found.mark)

    def _desk_for(self, shipment_id: int) -> Desk | None:
        from tasks import stages  # noqa: PLC0415

        few = self.desk is not None and pools.lane(stages.parcels_of(shipment_id)) == pools.EXPRESS
        return self.desk if few else None

    def _busy(self, shipment_id: int, seconds: float) -> str:
        """Looks at it again so much later; one row keeps in the ledger that it has to be looked at."""
        from tasks import stages  # noqa: PLC0415

        self._later(shipment_id, seconds)
        surplus = set(sorted(self.rows.get(shipment_id, ()))[1:])
        if surplus:
            stages.looked_at(surplus)
            self.rows[shipment_id] -= surplus
        return ""

    def _is_due(self, shipment_id: int, found: Look) -> bool:
        """Whether a run would find something to do or to show; if not, says when to look again."""
        waited = stopwatch() - self.ran_at.setdefault(shipment_id, stopwatch())
        if found.limit is not None:
            self._later(shipment_id, clock().real_seconds((found.limit - clock().now()).total_seconds()))
        if found.mark != found.noted:
            if self.tried.get(shipment_id) != found.mark or waited >= AGAIN:
                return True
            self._later(shipment_id, AGAIN - waited)
        elif found.waits_for_time:
            if waited >= DUE:
                return True
            self._later(shipment_id, DUE - waited)
        return False

    def _run(self, shipment_id: int, mark: str) -> bool:
        """Starts its run, where it may have one now."""
        running = set(self.running())
        if shipment_id in running or len(running) >= AT_ONCE:
            self._busy(shipment_id, DUE if shipment_id in running else TROUBLED)
            return False
        self.ran_at[shipment_id] = stopwatch()
        self.start(shipment_id)
        self.tried[shipment_id] = mark
        self._seen(shipment_id)
        return True

    def _later(self, shipment_id: int, seconds: float) -> None:
        at = stopwatch() + max(seconds, 0.0)
        self.when[shipment_id] = min(at, self.when.get(shipment_id, at))

    def _seen(self, shipment_id: int, over: bool = False) -> None:
        """Its changes were looked at; of one at its end nothing is kept in mind."""
        from tasks import stages  # noqa: PLC0415

        stages.looked_at(self.rows.pop(shipment_id, set()))
        if over:
            for kept in (self.when, self.ran_at, self.tried, self.desked):
                kept.pop(shipment_id, None)
