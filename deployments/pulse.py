"""The pulse: a warm process that hears the authorities and takes trucks on, so that no wake-up costs a process start.

`python -m deployments.pulse`. The scheduled deployments do the same where no pulse runs. It polls every POLL
real seconds and starts a run of clear-shipment only for a truck that can go on.
"""

from __future__ import annotations

import logging
import signal
import threading

from mappings.errors import AuthorityUnavailable, TongguanError

POLL = 1.0
log = logging.getLogger("tongguan.pulse")


def beat(seen: dict[int, tuple[object, ...]]) -> list[int]:
    """One look: hear, and run the trucks that can go on. `seen` keeps what each looked like when it last ran."""
    from flows.clear_shipment import clear_shipment  # noqa: PLC0415  Prefect is imported where it is used
    from tasks import stages  # noqa: PLC0415
    from tasks.clearing import hearing  # noqa: PLC0415
    from tasks.office import office  # noqa: PLC0415

    try:
        hearing.hear(office())
    except AuthorityUnavailable as error:
        log.warning("not reached: %s", error)
    ran = []
    for shipment_id, mark in stages.marks().items():
        if seen.get(shipment_id) == mark:
            continue
        clear_shipment(shipment=str(shipment_id), actor="pulse")
        seen[shipment_id] = stages.marks().get(shipment_id, mark)
        ran.append(shipment_id)
    return ran


def main() -> None:
    """Beats until it is told to stop; one beat's trouble is logged and does not end it."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    seen: dict[int, tuple[object, ...]] = {}
    while not stop.wait(POLL):
        try:
            beat(seen)
        except TongguanError as error:
            log.warning("%s: %s", type(error).__name__, error)


if __name__ == "__main__":
    main()
