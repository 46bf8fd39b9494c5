"""The sandbox's own SQLite: what it asked, what it was sent, whose certificates it knows. One writer at a time."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

Row = sqlite3.Row
_TABLES = Path(__file__).with_name("tables.sql")
KEPT = ("request", "upload", "rule")


class Store:
    """A connection and a lock."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_TABLES.read_text(encoding="utf-8"))
        self._lock = threading.RLock()

    def rows(self, sql: str, *values: Any) -> list[Row]:
        """All rows of a query."""
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> Row | None:
        """The first row of a query."""
        return next(iter(self.rows(sql, *values)), None)

    def insert(self, table: str, **values: Any) -> int:
        """Insert a row; gives its id."""
        marks = ", ".join("?" * len(values))
        sql = f"INSERT OR REPLACE INTO {table} ({', '.join(values)}) VALUES ({marks})"  # noqa: S608 our own names
        return self.run(sql, *values.values())

    def run(self, sql: str, *values: Any) -> int:
        """Run one statement; gives the id of an inserted row."""
        with self._lock:
            return self._db.execute(sql, values).lastrowid or 0

    def reset(self) -> None:
        """Forget everything but the certificates."""
        for table in KEPT:
            self.run(f"DELETE FROM {table}")  # noqa: S608 our own names

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()
