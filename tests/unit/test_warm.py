"""Warm slots: a run is handed to a process that is there; one that dies is replaced, one that ends is drained."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from multiprocessing.connection import Connection
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from deployments import pools, warm, work
from deployments.bells import LOOK, Bell
from deployments.warm import DONE, READY, Slot, WarmWorker
from mappings.errors import ConfigurationError


def echo(ours: Connection) -> None:
    """A slot's process that obeys: "die" dies, "slow" takes a while."""
    ours.send(READY)
    try:
        while True:
            told = ours.recv()
            if told == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(0.5 if told == "slow" else 0)
            ours.send((DONE, ""))
    except (EOFError, ConnectionError):
        return


def stillborn(ours: Connection) -> None:
    """One that ends before it is ready."""
    sys.exit(3)


def test_runs_go_one_after_the_other_into_the_same_process() -> None:
    slot = Slot(echo)
    try:
        assert [slot.run("a"), slot.run("b")] == [0, 0]
        assert slot.process.is_alive()
        assert slot.pid == slot.process.pid
    finally:
        slot.end(5)
    assert slot.process.exitcode == 0, "it saw that nobody will ask again"


def test_a_death_is_told_as_a_process_would_end() -> None:
    slot = Slot(echo)
    assert slot.run("die") == -signal.SIGKILL
    born = Slot(stillborn)
    assert born.run("a") == 3


def test_one_that_does_not_end_is_killed() -> None:
    slot = Slot(echo)
    slot.run("a")
    slot.pipe.send("slow")
    slot.end(0.05)
    assert slot.process.exitcode == -signal.SIGKILL


def test_a_trucks_slot_leaves_the_cores_to_single_shipments_where_they_are_short() -> None:
    mine, slot = os.getpriority(os.PRIO_PROCESS, 0), Slot(partial(warm.work, niceness=work.NICENESS[pools.TRUCKS]))
    try:
        until = time.monotonic() + 60
        while os.getpriority(os.PRIO_PROCESS, slot.pid) == mine and time.monotonic() < until:
            time.sleep(0.05)
        assert os.getpriority(os.PRIO_PROCESS, slot.pid) == min(mine + 10, 19)
    finally:
        slot.end(0)
    assert work.NICENESS[pools.EXPRESS] == 0


class Told:
    """What a task group is told when a run has started."""

    def __init__(self) -> None:
        self.pids: list[int] = []

    def started(self, pid: int) -> None:
        self.pids.append(pid)


def test_a_worker_replaces_a_slot_that_died() -> None:
    worker = WarmWorker("pool", limit=1, target=echo)
    told = Told()

    async def run(what: str) -> Any:
        return await worker.run(SimpleNamespace(id=what), None, told)  # type: ignore[arg-type]

    try:
        first = anyio.run(run, "a")
        again = anyio.run(run, "b")
        died = anyio.run(run, "die")
        after = anyio.run(run, "c")
    finally:
        worker.end()
    assert (first.status_code, again.status_code, died.status_code, after.status_code) == (0, 0, -9, 0)
    assert first.identifier == again.identifier == died.identifier != after.identifier
    assert told.pids == [int(r.identifier) for r in (first, again, died, after)]


def test_prefects_own_worker_keeps_its_name() -> None:
    from prefect.workers.base import BaseWorker
    from prefect.workers.process import ProcessWorker

    assert BaseWorker.get_worker_class_from_type("process") is ProcessWorker
    assert WarmWorker.type == ProcessWorker.type == pools.KIND, "it serves the same pools"


def test_a_worker_without_a_slot_is_refused() -> None:
    assert work.slots(2, 0) == {pools.EXPRESS: 2}
    assert work.slots(1, 3) == {pools.EXPRESS: 1, pools.TRUCKS: 3}
    with pytest.raises(ConfigurationError, match="--express 1"):
        work.slots(0, 0)


def test_the_program_says_what_it_takes() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "deployments.work", "--help"], capture_output=True, text=True, timeout=60, check=True
    )
    assert "--pool" in told.stdout


class Looking:
    """Stands for a worker: how often it would think of looking for runs, and what its bell is when it ends."""

    def __init__(self, lane: str) -> None:
        self.bell = Bell(lane)

    async def start(self) -> None:
        from prefect.settings import PREFECT_WORKER_QUERY_SECONDS

        await anyio.sleep(0.01)
        self.seconds = PREFECT_WORKER_QUERY_SECONDS.value()


def test_every_lane_thinks_of_looking_all_the_time_and_listens_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Any] = []

    async def listen(pool: str, bells: Any) -> None:
        heard.append((pool, bells))
        try:
            await anyio.sleep(60)
        finally:
            heard.append("cancelled")

    monkeypatch.setattr(work, "listen", listen)
    lanes = [Looking(lane) for lane in LOOK]
    anyio.run(work._together, "pool", lanes)
    assert [one.seconds for one in lanes] == [work.MOMENT] * 2
    assert heard == [("pool", [one.bell for one in lanes]), "cancelled"]
    assert min(LOOK.values()) > work.MOMENT
