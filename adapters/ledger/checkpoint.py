"""Brings what was committed from SQLite's log into its file, beside the work: a writer's commit waits for no copy.

SQLite itself copies within the commit that fills the log: a second of a busy truck's load, while every writer waits.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy.exc import OperationalError

from adapters.ledger.aside import Aside
from adapters.ledger.turn import Turn

log = logging.getLogger(__name__)
EVERY = 40_000  # rows written by this process: half a truck, some 30 MB of log


class Checkpoints(Aside):
    """Copies the log of one file when this process has written much."""

    def __init__(self, file: Path, turn: Turn) -> None:
        super().__init__("ledger checkpoint")
        self._file, self._turn = file, turn
        self._rows = 0

    def _due(self, rows: int) -> bool:
        self._rows += rows
        return self._rows >= EVERY

    def _begins(self) -> None:
        self._rows = 0

    def _work(self) -> None:
        try:
            with closing(sqlite3.connect(self._file, isolation_level=None)) as database:
                database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                with self._turn.take():  # the little that came meanwhile: where nothing is left, the log begins anew
                    database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except (sqlite3.Error, OperationalError) as error:  # what is in the log is safe; the next one copies it
            log.debug("checkpoint of %s: %s", self._file.name, error)
