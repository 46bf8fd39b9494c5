"""Wakes trucks by starting runs on a work pool, so that any number of workers on any number of hosts share them.

A truck gets one run; never a second while one is queued or at work.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from deployments.pools import lane
from deployments.prefect_api import Prefect
from deployments.waking import Waker, log
from mappings.clock import stopwatch
from mappings.errors import ConfigurationError

CLEAR = "clear-shipment/clear-shipment"
ACTOR = "pulse"
TAKING = 20.0  # real seconds that a run may take from its worker to its truck's lease
ASK = 0.5  # real seconds between two questions to Prefect how the runs stand
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
DEAD = "工作进程已停止，车次将由其他进程继续。Its worker is gone: another goes on with the truck."


@dataclass
class Started:
    """A run that was started for a truck; `taken` is when it was first seen with a worker."""

    run_id: str
    at: float
    taken: float | None = None


@dataclass(kw_only=True)
class Dispatch(Waker):
    """Starts what is due. Several of them do no harm: a truck has one lease, and a run that finds nothing ends."""

    prefect: Prefect
    started: dict[int, Started] = field(default_factory=dict)
    asked_at: float = 0.0

    def running(self) -> Iterable[int]:
        """The shipments whose run was started and has not ended."""
        return self.started

    def asked(self, shipment_id: int, run_id: str) -> None:
        """A person's or a program's run: while it has not ended the shipment needs no other."""
        self.started.setdefault(shipment_id, Started(run_id, stopwatch()))

    def start(self, shipment_id: int) -> None:
        """Starts a run in the lane of the shipment's size. Raises ConfigurationError without a server."""
        from tasks import stages  # noqa: PLC0415  Prefect is imported where it is used

        parameters = {"shipment": str(shipment_id), "actor": ACTOR}
        where = lane(stages.parcels_of(shipment_id))
        run_id = self.prefect.start(CLEAR, parameters, [f"shipment:{shipment_id}"], queue=where)
        self.started[shipment_id] = Started(run_id, stopwatch())

    def ended(self) -> set[int]:
        """Forgets runs that ended, and those whose worker died: nobody has had their truck for a while."""
        if not self.started or stopwatch() - self.asked_at < ASK:
            return set()
        self.asked_at = stopwatch()
        try:
            states = self.prefect.states([one.run_id for one in self.started.values()])
        except ConfigurationError as error:  # the desk goes on; the runs are asked for again
            log.warning("%s", error)
            return set()
        found = set()
        for shipment_id, one in list(self.started.items()):
            state = states.get(one.run_id, "COMPLETED")  # a run that a person deleted is over, too
            if state in ENDED or self._is_dead(shipment_id, one, state):
                del self.started[shipment_id]
                found.add(shipment_id)
        return found

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
