"""Prefect's server, whose garbage is collected beside its event loop: `python -m deployments.prefect_server`.

It takes what `prefect server start` takes, in the foreground and as one process. Garbage is collected in whatever
thread makes the next object, which in the server is its event loop. A cursor of SQLite among it is reset, and that
waits for the cursor's connection; where that connection waits in another thread for the database, which a coroutine of
this loop holds, all of them wait until SQLite gives up: nobody is answered for a minute, and a write is lost ("database
is locked"). It took a busy machine two or three starts (Prefect 3.8.8, aiosqlite 0.22; decision 0019).

While anything collects, nobody is answered: what the program is made of, all that there is after its first minute, is
looked at twice and never again. The names of time zones, which Prefect reads from the disk for each schedule that it
loads, are read once. Its queue of background work (docket) looks for what is due every second, not four times; what is
put there to be done at once is found at once, as before, while one of its ten hands is free (decision 0031).
"""

from __future__ import annotations

import gc
import runpy
import sys
import threading
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache, partialmethod
from typing import Any

YOUNG, OLD = 0.25, 30.0  # real seconds between two collections: of what was made lately, and of everything
SETTLED = 2  # collections of everything after which what there is stays: it has loaded all, and migrated its database
ENDING = 5.0  # real seconds that the end waits for a collection
DUE, ALIVE = timedelta(seconds=1), timedelta(seconds=15)  # of background work: between two looks, and two signs of life


@contextmanager
def collected_beside(young: float = YOUNG, old: float = OLD) -> Iterator[None]:
    """Inside the block no thread but one of its own collects garbage."""
    was, stop = gc.isenabled(), threading.Event()
    thread = threading.Thread(target=_collect, args=(stop, young, old), name="garbage", daemon=True)
    gc.disable()
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(ENDING)
        if not thread.is_alive():
            gc.unfreeze()
        if was:
            gc.enable()


def _collect(stop: threading.Event, young: float, old: float) -> None:
    turns, turn = max(1, round(old / young)), 0
    while not stop.wait(young):
        turn += 1
        gc.collect(2 if turn % turns == 0 else 1)
        if turn == SETTLED * turns:
            gc.freeze()


def time_zones_once() -> None:
    """Has this process look for the names of time zones on the disk once: 600, 10 ms each time on a slow machine."""
    read = lru_cache(zoneinfo.available_timezones)
    zoneinfo.available_timezones = lambda: set(read())


def background_seldom() -> None:
    """Has docket look for background work that has come due, and say that it lives, as seldom as serves.

    It counts a process as dead after five signs that it misses. Prefect has no settings for this.
    """
    from docket import Docket, Worker  # noqa: PLC0415 - what only the server needs

    _unless_told(Docket, heartbeat_interval=ALIVE)
    _unless_told(Worker, minimum_check_interval=DUE, scheduling_resolution=DUE)


def _unless_told(kind: Any, **wanted: Any) -> None:
    """Other defaults for what a class is made with."""
    kind.__init__ = partialmethod(kind.__init__, **wanted)


def main() -> None:
    """The program."""
    sys.argv[:] = ["prefect", "server", "start", *sys.argv[1:]]
    time_zones_once()
    background_seldom()
    with collected_beside():
        runpy.run_module("prefect", run_name="__main__")


if __name__ == "__main__":
    main()
