"""The pulse: a warm process that hears the authorities and takes trucks on, so that no wake-up costs a process start.

`python -m deployments.pulse`. The scheduled deployments do the same where no pulse runs. Every POLL real seconds it
hears the authorities; every LOOK it takes on what has changed: a shipment of few parcels at its desk, and by a run of
clear-shipment on a work pool where it is told of one (deployments.dispatch), else in its own process.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from deployments.desk import Desk
from deployments.dispatch import ACTOR, Dispatch
from deployments.heartbeats import no_heartbeats
from deployments.pools import pool
from deployments.prefect_api import Prefect
from deployments.waking import Waker
from mappings.errors import AuthorityUnavailable, TongguanError

POLL = 1.0
LOOK = 0.1  # one statement that finds nothing, where nothing has changed
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

        ran: Any = clear_shipment(shipment=str(shipment_id), actor=ACTOR, return_state=True)
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
        """Fetches and applies what the authorities have to say; tells what cannot be read; offers room in the books."""
        from tasks import stages  # noqa: PLC0415
        from tasks.clearing import hearing  # noqa: PLC0415
        from tasks.office import office  # noqa: PLC0415

        try:
            hearing.hear(office())
        except AuthorityUnavailable as error:
            log.warning("not reached: %s", error)
        if stages.anything_parked():
            self._alarm()
        stages.offer_room()

    def _alarm(self) -> None:
        """A run that shows what came in and could not be read; it tells it once."""
        from flows.receive_receipts import receive_receipts  # noqa: PLC0415

        ran: Any = receive_receipts(return_state=True)
        log.warning("%s: %s", ran.name, ran.message)


def waker(desk: Desk | None = None) -> Waker:
    """Runs on the work pool of this process where it is told of one, else in this process."""
    base = os.environ.get("PREFECT_API_URL", "").removesuffix("/api")
    return Dispatch(desk=desk, prefect=Prefect(base)) if pool() and base else Here(desk=desk)


def _every(seconds: float, work: Callable[[], object], stop: threading.Event) -> None:
    """Works until it is told to stop; one time's trouble is logged and does not end it."""
    while not stop.wait(seconds):
        try:
            work()
        except TongguanError as error:
            log.warning("%s: %s", type(error).__name__, error)
        except Exception:  # whatever the reason, this must not be the last time: the trucks wait for the next
            log.exception("a beat failed")


def main() -> None:
    """Hears in a thread of its own, so that a batch of receipts delays no wake-up; until it is told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    desk = Desk()
    pulse = Pulse(waker(desk))
    hearing = threading.Thread(target=_hearing, args=(pulse, stop))
    try:
        with no_heartbeats():
            hearing.start()
            _every(LOOK, pulse.waker.beat, stop)
    finally:
        stop.set()
        hearing.join()
        desk.end()


def _hearing(pulse: Pulse, stop: threading.Event) -> None:
    with no_heartbeats():  # settings are a thread's own
        _every(POLL, pulse.hear, stop)


if __name__ == "__main__":
    main()
