"""The pulse: a warm process that hears the authorities and takes trucks on, so that no wake-up costs a process start.

`python -m deployments.pulse`. The scheduled deployments do the same where no pulse runs. A process beside it hears
the authorities (deployments.listener); every LOOK real seconds it takes on what has changed: a shipment of few parcels
at its desk, and by a run of clear-shipment on a work pool where it is told of one (deployments.dispatch), else itself.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from deployments.board import Board
from deployments.desk import Desk
from deployments.dispatch import Dispatch
from deployments.heartbeats import no_heartbeats
from deployments.listener import GRACE, Listener, hear, logged, tell
from deployments.pools import pool
from deployments.prefect_api import Prefect
from deployments.truck_desk import TruckDesk
from deployments.waking import Waker
from mappings.clock import stopwatch
from tasks.actors import PULSE

LOOK = 0.1  # one statement that finds nothing, where nothing has changed
BEHIND = 0.01  # where small shipments are due that the last beat did not come to
log = logging.getLogger("tongguan.pulse")


@dataclass
class Here(Waker):
    """Runs trucks in this process, one after the other."""

    def running(self) -> Iterable[int]:
        """None: a run that was started has ended."""
        return ()

    def start(self, shipment_id: int) -> None:
        """Runs it. How it ends is told in Prefect; the other trucks go on, this one when something has changed."""
        from flows.clear_shipment import clear_shipment  # noqa: PLC0415  Prefect is imported where it is used

        ran: Any = clear_shipment(shipment=str(shipment_id), actor=PULSE, return_state=True)
        if not ran.is_completed():
            log.warning("shipment %s: %s", shipment_id, ran.name)
        self._now([shipment_id])


@dataclass
class Pulse:
    """Hears, and wakes."""

    waker: Waker = field(default_factory=Here)

    def beat(self) -> list[int]:
        """One of each, one after the other. Returns which shipments got a run."""
        self.hear()
        return self.waker.beat()

    def hear(self) -> None:
        """Fetches and applies what the authorities have to say, in this process."""
        hear()


def waker(desk: Desk | None = None) -> Waker:
    """Runs on the work pool of this process where it is told of one, else in this process."""
    base = os.environ.get("PREFECT_API_URL", "").removesuffix("/api")
    if not pool() or not base:
        return Here(desk=desk)
    return Dispatch(desk=desk, prefect=Prefect(base), talk=ThreadPoolExecutor(1, "prefect"))


def main() -> None:
    """Wakes until it is told to stop; a process beside it hears, so that a batch of receipts holds up no wake-up."""
    from tasks.ears import WAKER, Word  # noqa: PLC0415
    from tasks.office import office  # noqa: PLC0415

    def beat() -> None:
        waking.beat()
        word.here(office())  # who hangs, or fails, says nothing

    tell()
    stop, word = threading.Event(), Word(WAKER)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    desk, ear = Desk(), Listener()
    waking = waker(desk)
    if isinstance(waking, Dispatch):  # else a run is a call in this process
        waking.board, waking.truck_desk = Board(), TruckDesk()
    try:
        with no_heartbeats():
            while not stop.wait(BEHIND if waking.behind else LOOK):
                ear.look()
                logged(beat)
    finally:
        logged(lambda: word.gone(office()))
        beside, until = [one for one in (ear, desk, waking.truck_desk, waking.board) if one], stopwatch() + GRACE
        for one in beside:
            one.pipe.close()
        for one in beside:
            one.end(max(until - stopwatch(), 0.1))


if __name__ == "__main__":
    main()
