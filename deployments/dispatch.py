"""Wakes trucks by starting runs on a work pool, so that any number of workers on any number of hosts share them.

A truck gets one run; never a second while one is queued or at work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any

from deployments import pools
from deployments.agenda import TROUBLED, log
from deployments.pools import EXPRESS, TRUCKS
from deployments.prefect_api import IN_LINE, Prefect
from deployments.waking import Waker
from mappings.clock import stopwatch
from mappings.errors import ConfigurationError
from tasks.actors import PULSE, TURNED_AWAY

CLEAR = "clear-shipment/clear-shipment"
TAKING = 20.0  # real seconds that a run may take from its worker to its truck's lease
ASK = {EXPRESS: 0.5, TRUCKS: 3.0}  # real seconds between two questions to Prefect how runs stand: small ones, trucks'
ALL = 30.0  # the same between two that concern also the runs in line, which a person may have deleted
QUEUED = 6.0  # real seconds in which a worker that is free has taken a run, but where its event was lost
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED", TURNED_AWAY)
DEAD = "工作进程已停止，车次将由其他进程继续。Its worker is gone: another goes on with the truck."


@dataclass
class Started:
    """A run that was started for a truck.

    `taken` is since when it has been with a worker who does not have the truck: after a while that worker is dead.
    """

    run_id: str
    at: float
    taken: float | None = None
    in_line: bool = True  # as far as is known no worker has it


class Inline:
    """Does at once what it is given: for a waker that may wait for Prefect."""

    def submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        """The work, done."""
        done: Future[Any] = Future()
        try:
            done.set_result(work(*args))
        except ConfigurationError as error:
            done.set_exception(error)
        return done


@dataclass(kw_only=True)
class Dispatch(Waker):
    """Starts what is due. Several of them do no harm: a truck has one lease, and a run that finds nothing ends.

    Prefect's server takes its time where the machine is busy: `talk` is who waits for it (a thread of its own, in the
    pulse), so that a shipment at the desk does not. Of `queued` shipments the run waits for a worker.
    """

    prefect: Prefect
    talk: Executor | Inline = field(default_factory=Inline)
    started: dict[int, Started] = field(default_factory=dict)
    starting: dict[int, Future[str]] = field(default_factory=dict)
    queued: set[int] = field(default_factory=set)
    asking: tuple[dict[int, Started], Future[dict[str, str]]] | None = None
    asked_at: dict[str, float] = field(default_factory=lambda: dict.fromkeys(ASK, 0.0))
    asked_all: dict[str, float] = field(default_factory=lambda: dict.fromkeys(ASK, 0.0))

    def running(self) -> Iterable[int]:
        """The shipments whose run was started and has not ended."""
        return self.started

    def in_line(self, shipment_id: int) -> str:
        """The run of a shipment that no worker has taken yet."""
        one = self.started.get(shipment_id)
        return one.run_id if one and one.in_line else ""

    def full(self, lane: str) -> bool:
        """Whether a run of the lane was seen that no worker had taken."""
        self.queued &= self.started.keys()
        return any(self.lane(ident) == lane for ident in self.queued)

    def asked(self, shipment_id: int, run_id: str) -> None:
        """A person's or a program's run: while it has not ended the shipment needs no other."""
        self.started.setdefault(shipment_id, Started(run_id, stopwatch()))

    def start(self, shipment_id: int) -> None:
        """Starts a run in the lane of the shipment's size. Raises ConfigurationError where it surely has not."""
        from tasks import stages  # noqa: PLC0415  Prefect is imported where it is used

        parameters = {"shipment": str(shipment_id), "actor": PULSE}
        tags = [f"shipment:{shipment_id}", *stages.tags_of(shipment_id)]  # those that it keeps are not put on it again
        name, where = stages.run_name(str(shipment_id)), pools.lane(stages.parcels_of(shipment_id))
        self.started[shipment_id] = Started("", stopwatch())
        self.starting[shipment_id] = self.talk.submit(self._start, parameters, tags, name, where)
        if self.starting[shipment_id].done():
            self._has_started(shipment_id)

    def _start(self, parameters: dict[str, Any], tags: list[str], name: str, where: str) -> str:
        return self.prefect.start(CLEAR, parameters, tags, name, queue=where)

    def _has_started(self, shipment_id: int) -> None:
        """Notes the run that Prefect has made of it, or raises why it has not: then nothing is noted."""
        try:
            self.started[shipment_id].run_id = self.starting.pop(shipment_id).result()
        except ConfigurationError:
            del self.started[shipment_id]
            raise

    def _begun(self) -> None:
        """What has become of the runs that Prefect was asked for; one that it would not make is tried again."""
        for shipment_id in [i for i, future in self.starting.items() if future.done()]:
            try:
                self._has_started(shipment_id)
            except ConfigurationError as error:
                log.warning("shipment %s: %s", shipment_id, error)
                self.tried.pop(shipment_id, None)
                self._later(shipment_id, TROUBLED)

    def ended(self) -> set[int]:
        """Forgets runs that ended, and those whose worker died: nobody has had their truck for a while."""
        self._begun()
        if self.asking is None:
            self._ask()
        if self.asking is None or not self.asking[1].done():
            return set()
        (known, answer), self.asking = self.asking, None
        try:
            states = answer.result()
        except ConfigurationError as error:  # the desk goes on; the runs are asked for again
            log.warning("%s", error)
            return set()
        mine = {i: one for i, one in known.items() if self.started.get(i) is one}
        before = stopwatch() - QUEUED
        self.queued -= mine.keys()
        self.queued |= {i for i, one in mine.items() if states.get(one.run_id) == IN_LINE and one.at <= before}
        return {i for i, one in mine.items() if self._safely(self._is_over, i, one, states)}

    def _ask(self) -> None:
        """Asks how the runs stand of the lanes whose time it is."""
        lanes = {where for where, seconds in ASK.items() if stopwatch() - self.asked_at[where] >= seconds}
        known = {i: one for i, one in self.started.items() if one.run_id and self.lane(i) in lanes}
        if known:
            now = stopwatch()
            everyone = any(now - self.asked_all[where] >= ALL for where in lanes)
            self.asked_at |= dict.fromkeys(lanes, now)
            self.asked_all |= dict.fromkeys(lanes, now) if everyone else {}
            self.asking = known, self.talk.submit(self.prefect.states, [one.run_id for one in known.values()], everyone)

    def _is_over(self, shipment_id: int, one: Started, states: dict[str, str]) -> bool:
        """Whether its run has ended or will never: then it is forgotten."""
        state = states.get(one.run_id, "COMPLETED")  # a run that a person deleted is over, too
        one.in_line = state == IN_LINE
        if state == TURNED_AWAY:  # as if it had not been: what it was to show is not shown
            self.tried.pop(shipment_id, None)
        if state in ENDED or self._is_dead(shipment_id, one, state):
            del self.started[shipment_id]
            return True
        return False

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
