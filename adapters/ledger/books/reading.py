"""Balances, and the entries that explain them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, select

from adapters.ledger.books.accounts import Account, Key
from adapters.ledger.ledger import reads
from adapters.ledger.tables import book_account, book_entry, parcel


class Line(NamedTuple):
    """An entry as a person reads it."""

    at: datetime
    kind: str
    order_no: str
    shipment_id: int | None
    application: str
    reference: str
    total: int
    reserved: int
    taken: int


@reads
def balances(tx: Connection, book: str, holder: str = "", item: str = "") -> list[Account]:
    """The accounts of a book, of one holder and item where given, in the order of their names."""
    c = book_account.c
    query = select(c.id, c.book, c.holder, c.item, c.unit, c.total, c.reserved, c.taken).where(c.book == book)
    query = query.where(c.holder == holder) if holder else query
    query = query.where(c.item == item) if item else query
    return [_account(row) for row in tx.execute(query.order_by(c.holder, c.item)).all()]


def _account(row: Row[Any]) -> Account:
    return Account(row.id, Key(row.book, row.holder, row.item), row.unit, row.total, row.reserved, row.taken)


@reads
def entries(tx: Connection, account_id: int) -> list[Line]:
    """All entries of an account, oldest first: they add up to its balance."""
    c = book_entry.c
    columns = (c.at, c.kind, parcel.c.order_no, c.shipment_id, c.application, c.reference, c.total, c.reserved, c.taken)
    query = select(*columns).outerjoin(parcel, parcel.c.id == c.parcel_id).where(c.account_id == account_id)
    found = tx.execute(query.order_by(c.id))
    return [Line(r[0], r[1], r[2] or "", *r[3:]) for r in found]
