"""Looks up in the ledger what a receipt leaves open: a last key field that it may omit (CEB404 without payNo)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from adapters.contract import ReceiptRow
from adapters.ledger.tables import document


def complete_keys(tx: Connection, rows: Sequence[ReceiptRow]) -> list[ReceiptRow]:
    """The rows, with a business key whose last field is empty made whole where just one of our documents fits."""
    return [_completed(tx, row) if row.business_key.endswith("|") else row for row in rows]


def _completed(tx: Connection, row: ReceiptRow) -> ReceiptRow:
    c = document.c
    mine = select(c.business_key).distinct().where(c.authority == row.authority, c.type == row.type)
    found = tx.execute(mine.where(c.business_key.startswith(row.business_key, autoescape=True))).scalars()
    fits = [key for key in found if key.startswith(row.business_key)]  # LIKE of SQLite knows no case
    return row._replace(business_key=fits[0]) if len(fits) == 1 else row
