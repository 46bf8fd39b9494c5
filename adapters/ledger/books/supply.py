"""What comes into a book from outside its parcels: a guarantee opened or topped up, stock taken in, adjustments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from adapters.ledger import bulk
from adapters.ledger.books import accounts
from adapters.ledger.books.accounts import Entry, Key
from adapters.ledger.ledger import reads, writes
from adapters.ledger.tables import book_account, book_entry
from mappings.canonical.columns import plain
from mappings.errors import DataFault

ADDED, ADJUSTED = "added", "adjusted"


class Supply(NamedTuple):
    """An amount for an account; `once` names the occasion (a bank's reference, a file's row): it counts once."""

    key: Key
    unit: str
    amount: int
    once: str


@writes
def add(tx: Connection, supplies: Sequence[Supply], reference: str, at: datetime) -> int:
    """Add to accounts, opening those that are new. Returns how many of the supplies were new."""
    return _post(tx, supplies, ADDED, reference, at)


@writes
def adjust(tx: Connection, supplies: Sequence[Supply], reference: str, at: datetime) -> int:
    """Correct accounts by signed amounts. Raises DataFault where less would be left than parcels hold already."""
    return _post(tx, supplies, ADJUSTED, reference, at)


def _post(tx: Connection, supplies: Sequence[Supply], kind: str, reference: str, at: datetime) -> int:
    accounts.open_accounts(tx, {s.key: s.unit for s in supplies}, at)
    known = accounts.find(tx, [s.key for s in supplies])
    locked = accounts.lock(tx, known.values())
    c = book_entry.c
    there = select(c.account_id, c.once).where(bulk.among(tx, c.account_id, sorted(locked.accounts)), c.kind == kind)
    done = {tuple(row) for row in tx.execute(there).all()}
    for supply in supplies:
        account = locked.accounts[known[supply.key]]
        if account.unit != supply.unit:
            raise DataFault(
                f"{supply.key.item or supply.key.holder}: counted in {account.unit}, not in {supply.unit} 计量单位不符"
            )
        entry = Entry(account.id, kind, total=supply.amount, application=supply.once, reference=reference)
        if (account.id, entry.once) in done:
            continue
        if supply.amount < 0 and account.free() + supply.amount < 0:
            raise DataFault(
                f"{supply.key.item or supply.key.holder}: only {plain(account.free())} is free; parcels hold the rest "
                f"可用仅 {plain(account.free())}，其余已被包裹占用: cancel or return those first 请先撤单或退货"
            )
        locked.post(entry)
        done.add((account.id, entry.once))
    return locked.write(at)


class Stocked(NamedTuple):
    """An item that is there: its unit, and which file opened it ('' when none did)."""

    unit: str
    opened: str


@reads
def stock_of(tx: Connection, book: str, holder: str) -> dict[str, Stocked]:
    """A holder's accounts by item. An opening is named "opening DIGEST ROW"."""
    a, e = book_account.c, book_entry.c
    opening = select(e.account_id, func.min(e.application).label("name"))
    opening = opening.where(e.kind == ADDED, e.application.startswith("opening ")).group_by(e.account_id)
    o = opening.subquery()
    query = select(a.item, a.unit, o.c.name).outerjoin(o, o.c.account_id == a.id)
    rows = tx.execute(query.where(a.book == book, a.holder == holder))
    return {row.item: Stocked(row.unit, row.name.split(" ")[1] if row.name else "") for row in rows}
