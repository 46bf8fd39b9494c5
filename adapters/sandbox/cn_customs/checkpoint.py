"""Brings what was committed from SQLite's log into its file, beside the work: no commit waits for the disk.

The ledger has the like of it: the sandbox shares no code with what it judges.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

EVERY = 32_000  # rows written: some 60 MB of log, and a second or two of a full load


class Checkpoints:
    """Copies the log of one file when it has grown; one copy at a time, in a thread and connection of its own."""

    def __init__(self, path: Path, writing: threading.RLock) -> None:
        self._path, self._writing = path, writing
        self._done = 0
        self._copying: threading.Thread | None = None

    def after(self, changes: int) -> None:
        """So many rows have been written since the file was opened: copy, if it is time."""
        if changes - self._done >= EVERY and not (self._copying and self._copying.is_alive()):
            self._done = changes
            self._copying = threading.Thread(target=self._copy, name="checkpoint", daemon=True)
            self._copying.start()

    def wait(self) -> None:
        """Until a copy under way has ended."""
        if self._copying:
            self._copying.join()

    def _copy(self) -> None:
        with closing(sqlite3.connect(self._path, isolation_level=None)) as db:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            with self._writing:  # the little that came meanwhile: where nothing is left, the log begins anew
                db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
