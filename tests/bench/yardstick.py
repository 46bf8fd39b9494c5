"""How fast the machine is just now: what makes the pages of different days comparable.

A virtual machine of this kind changes its speed by more than half within minutes.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass, field

from lxml import etree

TURNS, TRIES = 10_000_000, 3


def loop(turns: int = TURNS) -> float:
    """CPU seconds of so many turns of an empty loop: the least of a few tries."""
    return min(_turns(turns) for _ in range(TRIES))


def _turns(turns: int) -> float:
    began, turn = time.process_time(), 0
    while turn < turns:
        turn += 1
    return time.process_time() - began


@dataclass
class Yardstick:
    """Laid beside a measurement: before it, and after it."""

    before: float = field(default_factory=loop)

    def line(self) -> str:
        """A sentence for the page."""
        return f"Ten million turns of an empty loop took {self.before:.2f} s of CPU before, {loop():.2f} s after."


_ROWS = [(number, f"W{number:09d}", "399", "20261129120000000") for number in range(2_000)]
_XML = b"<r>" + b"".join(f"<d><n>{n}</n><s>{s}</s><t>{t}</t></d>".encode() for _, n, s, t in _ROWS) + b"</r>"


def piece() -> float:
    """CPU seconds of a fixed piece of work, something of all that a parcel needs: texts, libxml2, SQLite in memory."""
    began = time.process_time()
    by_key = {key: f"{key}|{status}|{at}" for _, key, status, at in _ROWS for _ in range(5)}
    found = etree.fromstring(_XML).findall("d")
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, key TEXT UNIQUE, status TEXT, at TEXT)")
        database.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", _ROWS)
    assert len(found) == len(by_key)
    return time.process_time() - began


@dataclass
class Pace:
    """The same piece of work again and again within a measurement: how fast the machine was while it went on."""

    seconds: list[float] = field(default_factory=list)

    def take(self) -> None:
        """Once more."""
        self.seconds.append(piece())

    @property
    def mean(self) -> float:
        """CPU seconds a piece; 0 where none was done."""
        return sum(self.seconds) / len(self.seconds) if self.seconds else 0.0
