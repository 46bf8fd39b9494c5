"""Wakes trucks by starting runs on a work pool, so that any number of workers on any number of hosts share them.

What a truck looked like at the end of its last run is in the ledger (tasks.stages.note_run): a truck that looks
different now, or that waits for time, gets one run; never a second while one is queued or at work.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from deployments.pools import lane
from deployments.prefect_api import Prefect
from mappings.clock import stopwatch

CLEAR = "clear-shipment/clear-shipment"
DUE = 10.0  # real seconds after which a truck that waits for time alone is looked at again
TAKING = 20.0  # real seconds that a run may take from its worker to its truck's lease
AGAIN = 30.0  # real seconds after which a run that ended without an end (it failed) is tried once more
AT_ONCE = 200  # runs that are started and not ended; more trucks wait for the next beat
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
DEAD = "工作进程已停止，车次将由其他进程继续。Its worker is gone: another goes on with the truck."
log = logging.getLogger("tongguan.pulse")


@dataclass
class Started:
    """A run that was started for a truck; `taken` is when it was first seen with a worker."""

    run_id: str
    at: float
    taken: float | None = None


@dataclass
class Dispatch:
    """Starts what is due. Several of them do no harm: a truck has one lease, and a run that finds nothing ends."""

    prefect: Prefect
    started: dict[int, Started] = field(default_factory=dict)
    ran_at: dict[int, float] = field(default_factory=dict)
    tried: dict[int, str] = field(default_factory=dict)

    def beat(self) -> list[int]:
        """One look at every open truck. Returns which got a run. Raises ConfigurationError without a server."""
        from tasks import stages  # noqa: PLC0415  Prefect is imported where it is used

        self._forget_ended()
        noted = stages.noted_runs()
        marks = stages.marks(self.ran_at)
        due = [i for i, m in marks.items() if i not in self.started and self._is_due(i, noted.get(i), stages.digest(m))]
        due = [i for i in due if not stages.worked_on(i)][: max(AT_ONCE - len(self.started), 0)]
        for shipment_id in due:
            self.tried[shipment_id] = stages.digest(marks[shipment_id])
            self._start(shipment_id)
        for shipment_id in set(self.ran_at) - set(stages.open_shipments()) - set(self.started):
            del self.ran_at[shipment_id]
            self.tried.pop(shipment_id, None)
        return due

    def _is_due(self, shipment_id: int, before: str | None, now: str) -> bool:
        from tasks import stages  # noqa: PLC0415

        waited = stopwatch() - self.ran_at.setdefault(shipment_id, stopwatch())
        if before != now:
            return self.tried.get(shipment_id) != now or waited >= AGAIN
        return waited >= DUE and stages.waits_for_time(shipment_id)

    def _start(self, shipment_id: int) -> None:
        from tasks import stages  # noqa: PLC0415

        parameters = {"shipment": str(shipment_id), "actor": "pulse"}
        where = lane(stages.parcels_of(shipment_id))
        run_id = self.prefect.start(CLEAR, parameters, [f"shipment:{shipment_id}"], queue=where)
        self.started[shipment_id] = Started(run_id, stopwatch())
        self.ran_at[shipment_id] = stopwatch()

    def _forget_ended(self) -> None:
        """Forgets runs that ended, and those whose worker died: nobody has had their truck for a while."""
        states = self.prefect.states([one.run_id for one in self.started.values()])
        for shipment_id, one in list(self.started.items()):
            state = states.get(one.run_id, "COMPLETED")  # a run that a person deleted is over, too
            if state in ENDED or self._is_dead(shipment_id, one, state):
                del self.started[shipment_id]

    def _is_dead(self, shipment_id: int, one: Started, state: str) -> bool:
        from tasks import stages  # noqa: PLC0415

        if state not in ("PENDING", "RUNNING") or stages.worked_on(shipment_id):
            one.taken = None
            return False
        one.taken = stopwatch() if one.taken is None else one.taken
        if stopwatch() - one.taken < TAKING:
            return False
        log.warning("shipment %s: the worker of run %s is gone", shipment_id, one.run_id)
        self.prefect.crash(one.run_id, DEAD)
        return True
