"""Garbage is collected beside: a cursor among it never has the thread wait that others wait for."""

from __future__ import annotations

import gc
import runpy
import sqlite3
import subprocess
import sys
import threading
import time
import weakref
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from docket import Docket, Worker

from deployments import prefect_server
from deployments.prefect_server import collected_beside, main, time_zones_once

GIVES_UP = 5.0  # real seconds after which SQLite does


class Held:
    """What refers to itself: only the collector takes it away."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self.cursor, self.me = cursor, self


@contextmanager
def a_database_that_this_thread_holds(path: Path) -> Iterator[tuple[sqlite3.Connection, sqlite3.Connection]]:
    mine = sqlite3.connect(path, isolation_level=None)
    theirs = sqlite3.connect(path, isolation_level=None, timeout=GIVES_UP, check_same_thread=False)
    mine.execute("PRAGMA journal_mode = WAL")
    try:
        yield mine, theirs
    finally:
        mine.close()
        theirs.close()


def what_becomes_of_the_other_thread(path: Path) -> str:
    """This thread holds the database and makes objects, one of another waits for it; '' where that gets it."""
    said: list[str] = []
    with a_database_that_this_thread_holds(path) as (mine, theirs):
        held = Held(theirs.execute("VALUES (1), (2)"))
        gone = weakref.ref(held)
        mine.execute("BEGIN IMMEDIATE")

        def wait() -> None:
            try:
                theirs.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                said.append(str(error))

        other = threading.Thread(target=wait)
        other.start()
        time.sleep(0.5)  # it waits by now
        del held
        kept = [[number] for number in range(100_000)]  # objects that the collector looks at
        mine.execute("ROLLBACK")
        other.join(4 * GIVES_UP)
        assert not other.is_alive()
        gc.collect()
        assert gone() is None
        assert len(kept) == 100_000
    return "".join(said)


def test_who_collects_where_others_wait_for_it_has_all_wait(tmp_path: Path) -> None:
    """So it is by itself, which shows that the next test can fail."""
    gc.collect()
    if not what_becomes_of_the_other_thread(tmp_path / "db"):
        pytest.skip("this Python resets no cursor where it collects garbage: the server needs no help any more")


def test_collected_beside_nobody_waits(tmp_path: Path) -> None:
    with collected_beside(young=0.05):
        assert not gc.isenabled()
        assert what_becomes_of_the_other_thread(tmp_path / "db") == ""
    assert gc.isenabled()


@pytest.mark.parametrize(("young", "old"), [(0.02, 60.0), (0.02, 0.1)])
def test_garbage_goes_young_and_old(young: float, old: float) -> None:
    class Cycle:
        me: object

    with collected_beside(young, old):
        made = Cycle()
        made.me, gone = made, weakref.ref(made)
        del made
        until = time.monotonic() + 20
        while gone() is not None and time.monotonic() < until:
            time.sleep(0.01)
        assert gone() is None


def test_what_there_is_after_a_while_is_looked_at_no_more() -> None:
    """Looking at all that a program is made of stops everybody for a quarter of a second."""

    class Cycle:
        me: object

    gc.unfreeze()  # whoever has opened an office before in this process has frozen what there was
    with collected_beside(young=0.02, old=0.06):
        until = time.monotonic() + 20
        while not gc.get_freeze_count() and time.monotonic() < until:
            time.sleep(0.01)
        assert gc.get_freeze_count() > 10_000
        made = Cycle()
        made.me, gone = made, weakref.ref(made)
        del made
        later = [[number] for number in range(20_000)]  # lives on, and stays in the collector's sight
        while gone() is not None and time.monotonic() < until:
            time.sleep(0.01)
        assert gone() is None
        time.sleep(0.5)  # several collections of everything
        assert any(one is later for one in gc.get_objects())
    assert gc.get_freeze_count() == 0


def test_time_zones_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    monkeypatch.setattr(zoneinfo, "available_timezones", lambda: read.append(1) or {"Asia/Shanghai"})
    time_zones_once()
    zoneinfo.available_timezones().clear()
    assert zoneinfo.available_timezones() == {"Asia/Shanghai"}, "whoever asks has a set of his own"
    assert read == [1]


def test_the_server_is_started_with_both(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before Prefect is loaded, which takes the function of the time zones then."""
    theirs, found = zoneinfo.available_timezones, []

    def run(module: str, run_name: str) -> None:
        found.append((module, run_name, sys.argv[:4], gc.isenabled(), zoneinfo.available_timezones is theirs))

    monkeypatch.setattr(zoneinfo, "available_timezones", theirs)  # and puts it back
    monkeypatch.setattr(sys, "argv", ["prefect_server", "--port", "1"])
    monkeypatch.setattr(runpy, "run_module", run)
    main()
    assert found == [("prefect", "__main__", ["prefect", "server", "start", "--port"], False, False)]
    assert gc.isenabled()


def test_prefect_takes_the_function_when_it_is_loaded() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import zoneinfo; theirs = zoneinfo.available_timezones; "
         "from deployments.prefect_server import time_zones_once as once; once(); "
         "from prefect.types import _datetime as p; "
         "print(p.available_timezones is theirs, 'Asia/Shanghai' in p.get_timezones())"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert told.stdout.split() == ["False", "True"]


def test_it_takes_what_prefects_own_command_takes() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "deployments.prefect_server", "--help"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert "--port" in told.stdout
    assert "server start" in told.stdout


def test_background_work_is_looked_for_seldom_where_nobody_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (Docket, Worker):
        monkeypatch.setattr(kind, "__init__", kind.__init__)  # as it is now, afterwards
    prefect_server.background_seldom()
    queue = Docket("q", url="memory://")
    assert queue.heartbeat_interval == prefect_server.ALIVE
    worker = Worker(queue)
    assert worker.minimum_check_interval == worker.scheduling_resolution == prefect_server.DUE
    assert Worker(queue, minimum_check_interval=timedelta(seconds=9)).minimum_check_interval == timedelta(seconds=9)
