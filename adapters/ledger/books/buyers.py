"""Buyers in the quota book: by a pseudonym that the vault's oldest key makes of the identity number, never by it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, select, update

from adapters.ledger import bulk
from adapters.ledger.leases import get_cursor, set_cursor
from adapters.ledger.ledger import reads, writes
from adapters.ledger.tables import book_account, book_entry, parcel
from mappings import clock
from mappings.errors import ConfigurationError

QUOTA = "quota"
_NAME, _PROBE = "buyers", "which key makes the pseudonyms"


@reads
def buyer(tx: Connection, id_number: str) -> str:
    """The pseudonym of a buyer. The same number, whatever its case and spaces, always has the same."""
    return str(tx.dialect.vault.pseudonym("".join(id_number.split()).upper()))  # type: ignore[attr-defined]


@writes
def same_key(tx: Connection) -> None:
    """See that pseudonyms are still made as the first ones were. Raises ConfigurationError when the key is gone."""
    now, before = buyer(tx, _PROBE), get_cursor(tx, "books", _NAME)
    if before not in ("", now):
        raise ConfigurationError(
            "The oldest key of vault.key is not the one that the quota book was begun with: restore that line at the "
            "end of the file from your backup 额度账所用的最早密钥已缺失，请从备份恢复 vault.key 的最后一行"
        )
    if not before:
        set_cursor(tx, "books", _NAME, now)


@writes
def forget(tx: Connection, shipment_id: int, orders: Iterable[str], at: datetime) -> int:
    """Cut the thread from orders to their buyers in years that are over: the accounts get names nobody can make.

    Entries and balances stay, and what is given back later goes by the parcel, so the books still hold together.
    Returns how many accounts.
    """
    year = str(at.astimezone(clock.CHINA).year)
    mine = select(book_entry.c.account_id).join(parcel, parcel.c.id == book_entry.c.parcel_id)
    mine = mine.where(parcel.c.shipment_id == shipment_id, bulk.among(tx, parcel.c.order_no, orders))
    c = book_account.c
    over = select(c.id).where(c.id.in_(mine), c.book == QUOTA, c.item < year, ~c.holder.startswith("erased-"))
    ids = list(tx.execute(over).scalars())
    for ident in ids:
        tx.execute(update(book_account).where(c.id == ident).values(holder=f"erased-{secrets.token_hex(16)}"))
    return len(ids)
