"""The pulse: a warm process that hears the authorities and takes trucks on, so that no wake-up costs a process start.

`python -m deployments.pulse`. The scheduled deployments do the same where no pulse runs. It polls every POLL
real seconds and starts a run of clear-shipment only for a truck that can go on: on a work pool where it is told of one
(deployments.dispatch), else in its own process.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from dataclasses import dataclass, field
from typing import Any

from deployments.dispatch import DUE, Dispatch
from deployments.pools import pool
from deployments.prefect_api import Prefect
from mappings.clock import stopwatch
from mappings.errors import AuthorityUnavailable, TongguanError

POLL = 1.0
log = logging.getLogger("tongguan.pulse")


@dataclass
class Pulse:
    """Remembers what each truck looked like when it last ran, and when that was."""

    dispatch: Dispatch | None = None  # where there is a work pool, its workers run the trucks
    seen: dict[int, tuple[object, ...]] = field(default_factory=dict)
    ran_at: dict[int, float] = field(default_factory=dict)

    def beat(self) -> list[int]:
        """One look: hear the authorities, and run the trucks that can go on. Returns which ran."""
        from tasks import stages  # noqa: PLC0415  Prefect is imported where it is used
        from tasks.clearing import hearing  # noqa: PLC0415
        from tasks.office import office  # noqa: PLC0415

        try:
            hearing.hear(office())
        except AuthorityUnavailable as error:
            log.warning("not reached: %s", error)
        if stages.anything_parked():
            self._alarm()
        stages.offer_room()
        if self.dispatch is not None:
            return self.dispatch.beat()
        due = [i for i, mark in stages.marks(self.seen).items() if self.seen.get(i) != mark or self._time_is_up(i)]
        for shipment_id in due:
            self._run(shipment_id)
        for shipment_id in set(self.seen) - set(stages.open_shipments()):
            del self.seen[shipment_id]  # its end was shown by the run just made
        return due

    def _time_is_up(self, shipment_id: int) -> bool:
        from tasks import stages  # noqa: PLC0415

        waited = stopwatch() - self.ran_at.get(shipment_id, 0.0)
        return waited >= DUE and stages.waits_for_time(shipment_id)

    def _alarm(self) -> None:
        """A run that shows what came in and could not be read; it tells it once."""
        from flows.receive_receipts import receive_receipts  # noqa: PLC0415

        ran: Any = receive_receipts(return_state=True)
        log.warning("%s: %s", ran.name, ran.message)

    def _run(self, shipment_id: int) -> None:
        from flows.clear_shipment import clear_shipment  # noqa: PLC0415
        from tasks import stages  # noqa: PLC0415

        ran: Any = clear_shipment(shipment=str(shipment_id), actor="pulse", return_state=True)
        if not ran.is_completed():  # told in Prefect; the other trucks go on, this one when something has changed
            log.warning("shipment %s: %s", shipment_id, ran.name)
        self.seen[shipment_id] = stages.mark(shipment_id)
        self.ran_at[shipment_id] = stopwatch()


def dispatch() -> Dispatch | None:
    """How trucks are woken on the work pool of this process; None without one: the pulse runs them by itself."""
    base = os.environ.get("PREFECT_API_URL", "").removesuffix("/api")
    return Dispatch(Prefect(base)) if pool() and base else None


def main() -> None:
    """Beats until it is told to stop; one beat's trouble is logged and does not end it."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    pulse = Pulse(dispatch())
    while not stop.wait(POLL):
        try:
            pulse.beat()
        except TongguanError as error:
            log.warning("%s: %s", type(error).__name__, error)
        except Exception:  # a beat that fails, whatever the reason, must not be the last: the trucks wait for the next
            log.exception("a beat failed")


if __name__ == "__main__":
    main()
