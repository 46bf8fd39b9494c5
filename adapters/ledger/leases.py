"""Leases (one worker a truck) and cursors (how far receipts have been fetched), safe between processes.

A lease guards the life of a process, so its seconds are real ones, whatever the speed of the clock.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import ModuleType

from sqlalchemy import Connection, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from adapters.ledger.ledger import Ledger, reads, writes
from adapters.ledger.tables import cursor
from adapters.ledger.tables import lease as table
from mappings import clock


@dataclass(frozen=True)
class Lease:
    """A lease that is held."""

    ledger: Ledger
    name: str
    owner: str
    seconds: float

    def renew(self) -> bool:
        """Hold it for its seconds from now on; False when another owner has taken it."""
        return acquire(self.ledger, self.name, self.owner, self.seconds)


@contextmanager
def lease(ledger: Ledger, name: str, owner: str, seconds: float = 60.0) -> Iterator[Lease | None]:
    """Hold a lease inside the block; gives None when somebody else holds it."""
    if not acquire(ledger, name, owner, seconds):
        yield None
        return
    try:
        yield Lease(ledger, name, owner, seconds)
    finally:
        release(ledger, name, owner)


@writes
def acquire(tx: Connection, name: str, owner: str, seconds: float) -> bool:
    """Take a lease that is free, over or already this owner's; it runs for `seconds` from now."""
    now = clock.now()
    values = {"owner": owner, "until": now + timedelta(seconds=seconds * clock.clock().speed)}
    statement = _dialect(tx).insert(table).values(name=name, **values)
    mine_or_over = or_(table.c.owner == owner, table.c.until <= now)
    taken = statement.on_conflict_do_update(index_elements=["name"], set_=values, where=mine_or_over)
    return tx.execute(taken.returning(table.c.owner)).scalar() == owner


@writes
def release(tx: Connection, name: str, owner: str) -> bool:
    """Give a lease back; False when it was not this owner's any more."""
    return tx.execute(delete(table).where(table.c.name == name, table.c.owner == owner)).rowcount == 1


def forget_dead(ledger: Ledger, name: str) -> bool:
    """Free a lease whose owner ("host:process") is a process of this machine that runs no more; whether it was."""
    held = holder(ledger, name)
    return held is not None and _dead(held[0]) and release(ledger, name, held[0])


def living(ledger: Ledger, name: str) -> bool:
    """Whether somebody holds a lease; one whose owner is dead, as in forget_dead, is freed."""
    held = holder(ledger, name)
    if held is not None and _dead(held[0]):
        release(ledger, name, held[0])
        held = holder(ledger, name)  # another may have freed it before, or taken it since
    return held is not None


def _dead(owner: str) -> bool:
    host, _, process = owner.partition(":")
    return host == socket.gethostname() and process.isdigit() and not _runs(int(process))


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@reads
def holder(tx: Connection, name: str) -> tuple[str, datetime] | None:
    """Who holds a lease and until when, or None."""
    query = select(table.c.owner, table.c.until).where(table.c.name == name, table.c.until > clock.now())
    row = tx.execute(query).first()
    return None if row is None else (row.owner, row.until)


@writes
def set_cursor(tx: Connection, authority: str, name: str, value: str) -> None:
    """Note how far something has been read (for example receipts of one DXP id)."""
    statement = _dialect(tx).insert(cursor).values(authority=authority, name=name, value=value)
    tx.execute(statement.on_conflict_do_update(index_elements=["authority", "name"], set_={"value": value}))


@reads
def get_cursor(tx: Connection, authority: str, name: str, default: str = "") -> str:
    """How far something has been read."""
    query = select(cursor.c.value).where(cursor.c.authority == authority, cursor.c.name == name)
    found = tx.execute(query).scalar()
    return default if found is None else found


@reads
def cursors_of(tx: Connection, name: str, authorities: Collection[str]) -> dict[str, str]:
    """What is noted of one name under several authorities' names; nothing of those under which there is nothing."""
    query = select(cursor.c.authority, cursor.c.value).where(cursor.c.name == name, cursor.c.authority.in_(authorities))
    return {row.authority: row.value for row in tx.execute(query).all()}


@reads
def cursors(tx: Connection, authority: str) -> dict[str, str]:
    """Everything noted under an authority's name."""
    query = select(cursor.c.name, cursor.c.value).where(cursor.c.authority == authority)
    return {row.name: row.value for row in tx.execute(query).all()}


def _dialect(tx: Connection) -> ModuleType:
    return postgresql if tx.dialect.name == "postgresql" else sqlite
