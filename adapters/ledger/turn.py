"""Whose turn it is to write: writers of one SQLite file wait in line for a lock on a small file beside it.

SQLite itself lets a waiting writer sleep, longer each time, up to a tenth of a second, and gives the file to whoever
happens to ask when it is free: a process that writes often starves all others. Here a waiter looks every millisecond.
The system frees the lock of a process that ends, however it ends. SQLite's own lock stays what keeps the file whole.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from sqlalchemy.exc import OperationalError

from mappings import clock

SUFFIX = "-turn"
_LOOK = 0.001  # seconds between two looks


class Turn:
    """The turn to write to one database file; `take()` waits for it at most `seconds`."""

    def __init__(self, database: Path, seconds: float) -> None:
        self._file, self._seconds = Path(f"{database}{SUFFIX}"), seconds

    def take(self) -> AbstractContextManager[None]:
        """A block in which it is ours. Raises OperationalError ("database is locked") after the time.

        Where the file cannot be made (no permission, a full disk) there is no line: the database says what is wrong.
        """
        try:
            handle = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return nullcontext()
        return self._held(handle)

    @contextmanager
    def _held(self, handle: int) -> Iterator[None]:
        try:
            self._wait(handle)
            yield
        finally:
            os.close(handle)  # frees it

    def _wait(self, handle: int) -> None:
        end = clock.stopwatch() + self._seconds
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if clock.stopwatch() > end:
                    reason = sqlite3.OperationalError("database is locked")
                    raise OperationalError("BEGIN IMMEDIATE", None, reason) from None
                time.sleep(_LOOK)
            else:
                return
