"""Brings what was committed from SQLite's log into its file, beside the work: a writer's commit waits for no copy.

SQLite itself copies within the commit that fills the log: a second of a busy truck's load, while every writer waits.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from sqlalchemy.exc import OperationalError

from adapters.ledger.turn import Turn

log = logging.getLogger(__name__)
EVERY = 40_000  # rows written by this process: half a truck, some 30 MB of log


class Checkpoints:
    """Copies the log of one file when this process has written much; one copy at a time, by a thread of its own."""

    def __init__(self, file: Path, turn: Turn) -> None:
        self._file, self._turn = file, turn
        self._rows = 0
        self._lock = threading.Lock()
        self._copying: threading.Thread | None = None

    def wrote(self, rows: int) -> None:
        """So many rows were just committed: copy, if it is time."""
        with self._lock:
            self._rows += rows
            if self._rows < EVERY or (self._copying and self._copying.is_alive()):
                return
            self._rows = 0
            self._copying = threading.Thread(target=self._copy, name="ledger checkpoint", daemon=True)
            self._copying.start()

    def wait(self) -> None:
        """Until a copy under way has ended."""
        if self._copying:
            self._copying.join()

    def _copy(self) -> None:
        try:
            with closing(sqlite3.connect(self._file, isolation_level=None)) as database:
                database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                with self._turn.take():  # the little that came meanwhile: where nothing is left, the log begins anew
                    database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except (sqlite3.Error, OperationalError) as error:  # what is in the log is safe; the next one copies it
            log.debug("checkpoint of %s: %s", self._file.name, error)
