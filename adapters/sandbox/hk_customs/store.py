"""The sandbox's own SQLite: what it received, what it decided and what it still has to say. One writer at a time."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Row = sqlite3.Row
_TABLES = Path(__file__).with_name("tables.sql")
KEPT = ("received", "consignment", "bundle", "notice", "event", "rule", "callback", "meta")


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

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One transaction, alone: committed at the end, undone by an error."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def rows(self, sql: str, *values: Any) -> list[Row]:
        """All rows of a query."""
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> Row | None:
        """The first row of a query."""
        return next(iter(self.rows(sql, *values)), None)

    def value(self, sql: str, *values: Any) -> Any:
        """The first cell of the first row, or None."""
        row = self.row(sql, *values)
        return row[0] if row else None

    def insert(self, table: str, **values: Any) -> int:
        """Insert a row; gives its id."""
        marks = ", ".join("?" * len(values))
        sql = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})"  # noqa: S608 our own names
        return self.run(sql, *values.values())

    def run(self, sql: str, *values: Any) -> int:
        """Run one statement; gives the id of an inserted row."""
        with self._lock:
            return self._db.execute(sql, values).lastrowid or 0

    def serial(self, name: str) -> int:
        """A number never given before under this name (inside a transaction)."""
        number = int(self.value("SELECT value FROM meta WHERE name = ?", name) or 0) + 1
        self.run("INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, number)
        return number

    def reset(self) -> None:
        """Forget everything."""
        with self.transaction():
            for table in KEPT:
                self.run(f"DELETE FROM {table}")  # noqa: S608 our own names

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()
