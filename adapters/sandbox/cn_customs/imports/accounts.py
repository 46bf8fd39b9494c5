"""Books of account: a balance is the sum of its entries, each entry has a cause and is written once.

quota          one buyer and year: what was bought, scaled yuan
guarantee      one assureCode: what is left of it, scaled yuan
stock          one emsNo and item record: what may still be declared
stock_on_hand  the same: what lies in the warehouse
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from adapters.sandbox.cn_customs.amounts import plain
from adapters.sandbox.cn_customs.receipts import moment
from adapters.sandbox.cn_customs.store import Store

BOOKS = ("quota", "guarantee", "stock", "stock_on_hand")


class Accounts:
    """Writes and adds up entries (inside a transaction). Amounts are scaled by 100,000."""

    def __init__(self, store: Store, now: int) -> None:
        self._store, self._now = store, now

    def post(self, book: str, account: str, kind: str, amount: int, cause: str, ref: str = "") -> None:
        """Write an entry unless the same cause wrote it before."""
        self._store.run(
            "INSERT OR IGNORE INTO entry (at, book, account, kind, amount, cause, ref) VALUES (?, ?, ?, ?, ?, ?, ?)",
            self._now, book, account, kind, amount, cause, ref,
        )  # fmt: skip

    def balance(self, book: str, account: str) -> int:
        """The sum of an account's entries."""
        found = self._store.value("SELECT sum(amount) FROM entry WHERE book = ? AND account = ?", book, account)
        return int(found or 0)

    def known(self, book: str, account: str) -> bool:
        """Whether the account has any entry."""
        return (
            self._store.value("SELECT 1 FROM entry WHERE book = ? AND account = ? LIMIT 1", book, account) is not None
        )

    def caused(self, cause: str, books: Iterable[str] = BOOKS) -> dict[tuple[str, str], int]:
        """What an inventory's entries come to, by book and account."""
        rows = self._store.rows(
            "SELECT book, account, sum(amount) AS amount FROM entry WHERE cause = ? GROUP BY book, account", cause
        )
        return {(row["book"], row["account"]): row["amount"] for row in rows if row["book"] in books}

    def undo(self, cause: str, kind: str, ref: str = "") -> None:
        """Give back all that an inventory took."""
        for (book, account), amount in self.caused(cause).items():
            if amount:
                self.post(book, account, kind, -amount, cause, ref)


def balances(store: Store, book: str = "", account: str = "") -> list[dict[str, Any]]:
    """Every account with its balance; a buyer's is shown by a masked number."""
    rows = store.rows(
        "SELECT e.book, e.account, coalesce(b.shown, '') AS buyer, sum(e.amount) AS balance, count(*) AS entries"
        " FROM entry AS e LEFT JOIN buyer AS b ON e.book = 'quota' AND b.account = e.account"
        " WHERE (? = '' OR e.book = ?) AND (? = '' OR e.account = ?) GROUP BY e.book, e.account"
        " ORDER BY e.book, e.account LIMIT 5000",
        book, book, account, account,
    )  # fmt: skip
    return [{**dict(row), "balance": plain(row["balance"])} for row in rows]


def entries(store: Store, book: str = "", account: str = "", cause: str = "") -> list[dict[str, Any]]:
    """The entries that explain a balance, oldest first."""
    rows = store.rows(
        "SELECT at, book, account, kind, amount, cause, ref FROM entry WHERE (? = '' OR book = ?)"
        " AND (? = '' OR account = ?) AND (? = '' OR cause = ?) ORDER BY id LIMIT 5000",
        book, book, account, account, cause, cause,
    )  # fmt: skip
    return [{**dict(row), "at": moment(row["at"]).isoformat(), "amount": plain(row["amount"])} for row in rows]
