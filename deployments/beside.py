"""A warm process beside this one: spawned, spoken to by a pipe, and ended by closing it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection

_SPAWN = multiprocessing.get_context("spawn")


class Beside:
    """The process and our end of its pipe. `target` gets the other end, and returns when ours is closed."""

    def __init__(self, target: Callable[[Connection], None]) -> None:
        self.target = target
        self.begin()

    def begin(self) -> None:
        """Starts the process: the first, or another after one that died."""
        self.pipe, theirs = _SPAWN.Pipe()
        self.process = _SPAWN.Process(target=self.target, args=(theirs,))
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
