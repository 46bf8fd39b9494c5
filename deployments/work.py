"""A warm worker on a work pool: `python -m deployments.work --pool NAME`. It runs until it is told to stop.

Start as many as there are cores to use, on any host that reaches Prefect, the ledger and the home folder's keys.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
from collections.abc import Sequence

from deployments import pools

POLL = "0.3"  # seconds between two looks for runs; Prefect's own default is 10
SETTINGS = {"PREFECT_WORKER_QUERY_SECONDS": POLL, "PREFECT_WORKER_PREFETCH_SECONDS": "0"}


def main(arguments: Sequence[str] | None = None) -> None:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m deployments.work", description=__doc__)
    parser.add_argument("--pool", default=pools.pool() or "tongguan")
    parser.add_argument("--lane", choices=(pools.EXPRESS, pools.TRUCKS), help="one lane alone; both without it")
    parser.add_argument("--slots", type=int, default=2, help="runs at the same time, each in a warm process")
    parser.add_argument("--deploy", action="store_true", help="register the deployments first")
    given = parser.parse_args(arguments)
    start(given.pool, given.lane, given.slots, given.deploy)


def start(pool: str, lane: str | None, slots: int, deploy: bool) -> None:
    """Works until a signal ends it; a run in the middle of something is then found again by its truck's lease."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    import asyncio  # noqa: PLC0415 - Prefect reads its settings when it is imported

    from deployments.warm import WarmWorker  # noqa: PLC0415

    if deploy:
        pools.deploy(pool)
    name = f"{socket.gethostname()}-{os.getpid()}"
    worker = WarmWorker(pool, work_queues=[lane] if lane else None, name=name, limit=slots)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job begins with it ignored
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        asyncio.run(worker.start())
    except KeyboardInterrupt:
        return
    finally:
        worker.end()


if __name__ == "__main__":
    main()
