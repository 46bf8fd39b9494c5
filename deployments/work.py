"""A warm worker on a work pool: `python -m deployments.work --pool NAME`. It runs until it is told to stop.

Start as many as there are cores to use, on any host that reaches Prefect and the ledger and has the home folder's keys.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
from collections.abc import Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING

from deployments import pools
from deployments.bells import Bell, listen
from mappings.errors import ConfigurationError

if TYPE_CHECKING:
    from deployments.warm import WarmWorker

MOMENT = 0.1  # real seconds between two thoughts whether to look for runs, which cost nothing
NICENESS = {pools.EXPRESS: 0, pools.TRUCKS: 10}  # a truck's seconds of work do not stand before a single shipment
POOL = "tongguan"


def main(arguments: Sequence[str] | None = None) -> None:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m deployments.work", description=__doc__)
    parser.add_argument("--pool", default=pools.pool() or POOL)
    parser.add_argument("--express", type=int, default=1, metavar="N", help="runs at a time of single shipments")
    parser.add_argument("--trucks", type=int, default=1, metavar="N", help="runs at a time of trucks and schedules")
    parser.add_argument("--deploy", action="store_true", help="register the deployments first")
    given = parser.parse_args(arguments)
    start(given.pool, slots(given.express, given.trucks), given.deploy)


def slots(express: int, trucks: int) -> dict[str, int]:
    """How many runs at a time of each lane. Raises ConfigurationError for none at all."""
    found = {lane: count for lane, count in ((pools.EXPRESS, express), (pools.TRUCKS, trucks)) if count > 0}
    if not found:
        raise ConfigurationError("工作进程至少需要一个槽位。A worker needs a slot: --express 1 or --trucks 1.")
    return found


def start(pool: str, of_lane: dict[str, int], deploy: bool = False) -> None:
    """Works until a signal ends it; what it has begun it ends, or another worker finds it by its truck's lease."""
    from deployments.warm import WarmWorker, work  # noqa: PLC0415 - a second of imports that --help does not need

    if deploy:
        pools.deploy(pool)
    here = f"{socket.gethostname()}-{os.getpid()}"
    workers = {
        lane: WarmWorker(
            pool,
            work_queues=[lane],
            name=f"{here}-{lane}",
            limit=n,
            prefetch_seconds=0,
            target=partial(work, niceness=NICENESS[lane]),
            bell=Bell(lane),
        )
        for lane, n in of_lane.items()
    }
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job begins with it ignored
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        asyncio.run(_together(pool, workers.values()))
    except KeyboardInterrupt:
        return
    finally:
        for worker in workers.values():
            worker.end()


async def _together(pool: str, workers: Collection[WarmWorker]) -> None:
    """Works, listening to Prefect's events, until all have ended."""
    from prefect.settings import PREFECT_WORKER_QUERY_SECONDS, temporary_settings  # noqa: PLC0415

    listening = asyncio.create_task(listen(pool, [worker.bell for worker in workers]))
    try:
        with temporary_settings({PREFECT_WORKER_QUERY_SECONDS: MOMENT}):
            await asyncio.gather(*(worker.start() for worker in workers))
    finally:
        listening.cancel()


if __name__ == "__main__":
    main()
