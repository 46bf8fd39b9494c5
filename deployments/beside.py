"""A warm process beside this one: spawned, spoken to by a pipe, and ended by closing it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

_SPAWN = multiprocessing.get_context("spawn")


def called(name: str) -> str:
    """What the system calls a process of this name, where it lets it be named (Linux: `ps -o comm`)."""
    return f"tg-{name}"[:15]


def _work(name: str, target: Callable[[Connection], None], theirs: Connection) -> None:
    """The process, by its name: a page of processes would else show a row of Pythons."""
    with suppress(OSError):
        Path("/proc/self/comm").write_text(called(name), "utf-8")
    target(theirs)


class Beside:
    """The process and our end of its pipe. `target` gets the other end, and returns when ours is closed."""

    def __init__(self, target: Callable[[Connection], None], name: str) -> None:
        self.target, self.name = target, name
        self.begin()

    def begin(self) -> None:
        """Starts the process: the first, or another after one that died."""
        self.pipe, theirs = _SPAWN.Pipe()
        self.process = _SPAWN.Process(target=_work, args=(self.name, self.target, theirs))
        self.process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        """Its number."""
        return int(self.process.pid or 0)

    def end(self, grace: float) -> None:
        """Ends it: it sees the closed pipe after the work that it is in; after `grace` seconds it is killed."""
        self.pipe.close()
        self.process.join(grace)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
