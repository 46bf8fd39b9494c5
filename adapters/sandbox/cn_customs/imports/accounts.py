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


_OF = "FROM balance WHERE book = ? AND account = ?"


class Accounts:
    """Writes and adds up entries (inside a transaction). Amounts are scaled by 100,000."""

    def __init__(self, store: Store, now: int) -> None:
        self._store, self._now = store, now

    def post(self, book: str, account: str, kind: str, amount: int, cause: str, ref: str = "") -> None:
        """Write an entry unless the same cause wrote it before."""
        new = self._store.value(
            "INSERT INTO entry (at, book, account, kind, amount, cause, ref) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING RETURNING id", self._now, book, account, kind, amount, cause, ref,
        )  # fmt: skip
        if new is not None:
            self._store.run(
                "INSERT INTO balance VALUES (?, ?, ?) ON CONFLICT (book, account)"
                " DO UPDATE SET amount = amount + excluded.amount", book, account, amount,
            )  # fmt: skip

    def balance(self, book: str, account: str) -> int:
        """What an account's entries come to."""
        return int(self._store.value(f"SELECT amount {_OF}", book, account) or 0)

    def known(self, book: str, account: str) -> bool:
        """Whether the account has any entry."""
        return self._store.value(f"SELECT 1 {_OF}", book, account) is not None

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


def balances(store: Store, book: str = "", account: str = "", most: int = 5000) -> list[dict[str, Any]]:
    """Accounts with their balances and how many entries made them; a buyer's is shown by a masked number."""
    rows = store.rows(
        "SELECT a.book, a.account, coalesce(b.shown, '') AS buyer, a.amount AS balance,"
        " (SELECT count(*) FROM entry AS e WHERE e.book = a.book AND e.account = a.account) AS entries"
        " FROM balance AS a LEFT JOIN buyer AS b ON a.book = 'quota' AND b.account = a.account"
        " WHERE (? = '' OR a.book = ?) AND (? = '' OR a.account = ?) ORDER BY a.book, a.account LIMIT ?",
        book, book, account, account, most,
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
