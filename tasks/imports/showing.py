"""What the books say, for a person: tables of texts; a buyer is shown by the last characters of the number alone."""

from __future__ import annotations

from datetime import date

import pandas as pd
from sqlalchemy import Connection

from adapters.ledger.books import buyers, reading
from adapters.ledger.books.accounts import Account
from adapters.ledger.ledger import reads
from mappings import clock
from mappings.canonical.columns import plain
from mappings.imports import parameters, tables
from tasks.imports.booking import GUARANTEE, QUOTA, STOCK

MASK, SHOWN = "***", 4
ENTRY = ("time", "zh", "en", "order_no", "shipment", "application", "reference", "total", "reserved", "taken")


def masked(id_number: str) -> str:
    """An identity number as a screen may show it."""
    return MASK + id_number[-SHOWN:] if len(id_number) > 2 * SHOWN else MASK


@reads
def quota_of(tx: Connection, id_number: str, on: date | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A buyer's years (limit, counted, reserved, free) and the entries that explain them. The number is masked."""
    found = reading.balances(tx, QUOTA, buyers.buyer(tx, id_number))
    today = on or parameters.today()
    rows = []
    for account in found:
        day = min(date(int(account.key.item), 12, 31), max(today, date(int(account.key.item), 1, 1)))
        limit = parameters.money("year_limit", day)
        rows.append((masked(id_number), account.key.item, plain(limit), *_parts(account), plain(account.free(limit))))
    columns = ["buyer", "year", "limit", "reserved", "taken", "free"]
    return pd.DataFrame(rows, columns=columns), _entries(tx, QUOTA, found)


@reads
def guarantee(tx: Connection, assure_code: str = "") -> tuple[pd.DataFrame, pd.DataFrame]:
    """Guarantees (total, reserved, settled, free), of one company where given, and their entries."""
    found = reading.balances(tx, GUARANTEE, assure_code)
    rows = [(a.key.holder, plain(a.total), *_parts(a), plain(a.free())) for a in found]
    columns = ["assure_code", "total", "reserved", "taken", "free"]
    return pd.DataFrame(rows, columns=columns), _entries(tx, GUARANTEE, found)


@reads
def stock(tx: Connection, ems_no: str = "", item: str = "") -> tuple[pd.DataFrame, pd.DataFrame]:
    """Warehouse stock by account book and item (in, reserved, out, free), and its entries."""
    found = reading.balances(tx, STOCK, ems_no, item)
    rows = [(*a.key[1:], a.unit, plain(a.total), *_parts(a), plain(a.free())) for a in found]
    columns = ["ems_no", "item_record_no", "unit", "total", "reserved", "taken", "free"]
    return pd.DataFrame(rows, columns=columns), _entries(tx, STOCK, found)


def _parts(account: Account) -> tuple[str, str]:
    return plain(account.reserved), plain(account.taken)


def _entries(tx: Connection, book: str, accounts: list[Account]) -> pd.DataFrame:
    names = tables.table("books")["books"][book]["entries"]
    rows = []
    for account in accounts:
        for line in reading.entries(tx, account.id):
            at = line.at.astimezone(clock.CHINA).strftime("%Y-%m-%d %H:%M:%S")
            name = names.get(line.kind, {"zh": line.kind, "en": line.kind})
            numbers = (plain(line.total), plain(line.reserved), plain(line.taken))
            told = (line.order_no, line.shipment_id or 0, line.application, line.reference)
            rows.append((*account.key[2:], at, name["zh"], name["en"], *told, *numbers))
    return pd.DataFrame(rows, columns=["item", *ENTRY])
