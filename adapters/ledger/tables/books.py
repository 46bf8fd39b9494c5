"""The books of imports: accounts and what changes them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Table, Text, UniqueConstraint

from adapters.ledger.tables.columns import Key, count, ident, instant, metadata, text, to

book_account = Table(  # an account of a book: a buyer's quota of a year, a guarantee, an item of warehouse stock
    "book_account",
    metadata,
    ident(),
    Column("book", Text, nullable=False),
    Column("holder", Text, nullable=False),
    text("item"),
    text("unit"),
    Column("total", BigInteger, nullable=False, server_default="0"),
    Column("reserved", BigInteger, nullable=False, server_default="0"),
    Column("taken", BigInteger, nullable=False, server_default="0"),
    instant("opened_at", False),
    UniqueConstraint("book", "holder", "item"),
)

book_entry = Table(  # what an entry changes; an account is the sum of its entries
    "book_entry",
    metadata,
    ident(),
    Column("account_id", Key, ForeignKey("book_account.id"), nullable=False),
    to("parcel", nullable=True, index=True),
    to("shipment", nullable=True, index=True),
    Column("kind", Text, nullable=False),
    count("round"),
    text("application"),
    Column("total", BigInteger, nullable=False, server_default="0"),
    Column("reserved", BigInteger, nullable=False, server_default="0"),
    Column("taken", BigInteger, nullable=False, server_default="0"),
    text("reference"),
    Column("once", Text, nullable=False),
    instant("at", False),
    UniqueConstraint("account_id", "once"),
)
