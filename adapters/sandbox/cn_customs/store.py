"""The sandbox's own SQLite: what it received, what it decided and what it still has to say. One writer at a time."""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from adapters.sandbox.cn_customs.checkpoint import Checkpoints
from adapters.sandbox.cn_customs.tables import TABLES

Row = sqlite3.Row
KEPT = ("message", "document", "listed", "consolidated", "arrived", "delivery", "rule", "callback", "event",
        "passed", "todo", "warehoused", "entry", "balance", "buyer", "rate", "bill", "returned", "summed")  # fmt: skip
RECENT = 48_000  # documents kept at hand: those of several trucks until their inventories come; some 1 KB each
DOCUMENT = (
    "id", "message_id", "at", "type", "key", "attempt", "app_type", "guid", "dxp", "outcome", "status", "status_at",
    "pre_no", "invt_no", "order_ref", "waybill_ref", "grp", "part", "parts", "face", "facts", "quirks", "current",
    "locked",
)  # fmt: skip
_ADD = f"INSERT INTO document ({', '.join(DOCUMENT)}) VALUES ({', '.join('?' * len(DOCUMENT))})"  # noqa: S608 our own names


class Store:
    """A connection, its lock, one for those who look on, and the few queries that the rest of the sandbox needs."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = _opened(path)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("PRAGMA cache_size=-64000")
        self._db.execute("PRAGMA wal_autocheckpoint=64000")  # should the copying beside it ever lag behind
        self._db.executescript(TABLES)
        self._lock, self._looking = threading.RLock(), threading.Lock()
        self._seen = _opened(path)
        self._checkpoints = Checkpoints(path, self._lock)
        self.recent: dict[int, Any] = {}  # documents that stand, as they were booked and still are

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One transaction, alone: committed at the end, undone by an error."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                self.recent.clear()
                raise
            self._db.execute("COMMIT")
            self._checkpoints.after(self._db.total_changes)

    def rows(self, sql: str, *values: Any) -> list[Row]:
        """All rows of a query. Raises sqlite3.Error."""
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def seen(self, sql: str, *values: Any) -> list[Row]:
        """All rows of a query over what is committed, for those who look on: no booking waits for them."""
        with self._looking:
            return self._seen.execute(sql, values).fetchall()

    def value(self, sql: str, *values: Any) -> Any:
        """The first cell of the first row, or None."""
        with self._lock:
            row = self._db.execute(sql, values).fetchone()
        return row[0] if row else None

    def run(self, sql: str, *values: Any) -> int:
        """Run one statement; gives the id of an inserted row."""
        with self._lock:
            return self._db.execute(sql, values).lastrowid or 0

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for many rows."""
        with self._lock:
            self._db.executemany(sql, rows)

    def add_documents(self, rows: list[tuple[Any, ...]]) -> None:
        """Insert document rows whose cells follow DOCUMENT."""
        self.many(_ADD, rows)

    def next_ids(self, table: str, count: int) -> range:
        """The ids that the next `count` rows of a table will get (inside a transaction)."""
        first = (self.value(f"SELECT max(id) FROM {table}") or 0) + 1  # noqa: S608 our own names
        return range(first, first + count)

    def serials(self, name: str, count: int) -> range:
        """`count` numbers never given before under this name (inside a transaction)."""
        first = int(self.meta(name, "1"))
        self.set_meta(name, str(first + count))
        return range(first, first + count)

    def meta(self, name: str, default: str = "") -> str:
        """A remembered text."""
        return self.value("SELECT value FROM meta WHERE name = ?", name) or default

    def set_meta(self, name: str, value: str) -> None:
        """Remember a text."""
        self.run("INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value)

    def standing(self, column: str, types: Sequence[str], values: Iterable[str]) -> list[Row]:
        """The documents that stand (`current`) with one of these values in `column`."""
        wanted = orjson.dumps(list(values)).decode()
        marks = ", ".join("?" * len(types))
        return self.rows(
            f"SELECT d.* FROM json_each(?) AS w CROSS JOIN document AS d ON d.{column} = w.value"  # noqa: S608 our own names
            f" WHERE d.type IN ({marks})"
            f" AND d.current = 1 AND d.{column} <> ''",
            wanted, *types,
        )  # fmt: skip

    def standing_ids(self, column: str, types: Sequence[str], values: Iterable[str]) -> list[int]:
        """The ids of the same, each once."""
        marks = ", ".join("?" * len(types))
        rows = self.rows(
            f"SELECT d.id FROM json_each(?) AS w CROSS JOIN document AS d ON d.{column} = w.value"  # noqa: S608 our own names
            f" WHERE d.type IN ({marks}) AND d.current = 1 AND d.{column} <> ''",
            orjson.dumps(list(dict.fromkeys(values))).decode(), *types,
        )  # fmt: skip
        return [row[0] for row in rows]

    def of_ids(self, ids: list[int]) -> list[Row]:
        """The documents with these ids."""
        wanted = orjson.dumps(ids).decode()
        return (
            self.rows("SELECT d.* FROM json_each(?) AS w JOIN document AS d ON d.id = w.value", wanted) if ids else []
        )

    def keep(self, docs: Iterable[Any]) -> None:
        """Keep these documents at hand, and let the oldest go."""
        self.recent.update({doc.id: doc for doc in docs})
        for id_ in list(islice(self.recent, max(0, len(self.recent) - RECENT))):
            del self.recent[id_]

    def of_keys(self, type_: str, keys: Iterable[str]) -> list[Row]:
        """Every row of the book with one of these keys, refused ones too."""
        return self.rows(
            "SELECT d.* FROM json_each(?) AS w CROSS JOIN document AS d ON d.type = ? AND d.key = w.value"
            " ORDER BY d.id",
            orjson.dumps(list(set(keys))).decode(), type_,
        )  # fmt: skip

    def brief(self, column: str, type_: str, values: Iterable[str]) -> list[Row]:
        """Key, reference and status of the documents that stand with one of these values in `column`."""
        return self.rows(
            f"SELECT d.key, d.{column}, d.status, d.locked FROM json_each(?) AS w CROSS JOIN document AS d"  # noqa: S608 our own names
            f" ON d.{column} = w.value WHERE d.type = ? AND d.current = 1 AND d.{column} <> ''",
            orjson.dumps(list(values)).decode(), type_,
        )  # fmt: skip

    def of_given(self, types: Sequence[str], numbers: Iterable[str]) -> list[Row]:
        """The documents of these types that stand and bear one of the numbers that customs gave."""
        marks = ", ".join("?" * len(types))
        return self.rows(
            "SELECT d.* FROM json_each(?) AS w CROSS JOIN document AS d ON d.invt_no = w.value"  # noqa: S608 only question marks
            f" WHERE d.type IN ({marks}) AND d.current = 1 AND d.invt_no <> ''",
            orjson.dumps(list(set(numbers))).decode(), *types,
        )  # fmt: skip

    def secret(self) -> bytes:
        """A key of this customs' own, by which people are told apart without being kept."""
        if not self.meta("secret"):
            self.set_meta("secret", secrets.token_hex(32))
        return bytes.fromhex(self.meta("secret"))

    def reset(self) -> None:
        """Forget everything but the counters, so that no number is given twice."""
        with self.transaction():
            self.recent.clear()
            for table in KEPT:
                self.run(f"DELETE FROM {table}")  # noqa: S608 our own names

    def close(self) -> None:
        """Close the file."""
        self._checkpoints.wait()
        with self._lock, self._looking:
            self._seen.close()
            self._db.close()


def _opened(path: Path) -> sqlite3.Connection:
    found = sqlite3.connect(path, check_same_thread=False, isolation_level=None, cached_statements=500)
    found.row_factory = sqlite3.Row
    return found
