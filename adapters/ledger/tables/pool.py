"""The pool: files that belong to no single truck, and their rows."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Index, Table, Text, UniqueConstraint

from adapters.ledger.sealed import SealedJson
from adapters.ledger.tables.columns import count, ident, instant, metadata, text, to

pool_file = Table(  # a file that belongs to no single truck: a day's orders or payments
    "pool_file",
    metadata,
    ident(),
    Column("name", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    text("platform_code"),
    text("kind"),
    text("profile"),
    text("sender"),
    Column("state", Text, nullable=False),
    Column("layout", SealedJson),
    Column("done", JSON, nullable=False),
    count("rows"),
    Column("faults", SealedJson),
    instant("at", False),
    instant("read_at"),
    UniqueConstraint("sha256", "platform_code"),
)

pool_piece = Table(
    "pool_piece",
    metadata,
    ident(),
    to("pool_file"),
    count("number"),
    to("raw", index=True),
    UniqueConstraint("pool_file_id", "number"),
)

pool_row = Table(  # the rows of one order (or item) that stood together in a file of the pool, as the sender wrote them
    "pool_row",
    metadata,
    ident(),
    to("pool_file", index=True),
    to("pool_file", name="last_file_id"),
    text("platform_code"),
    Column("keyed_by", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("rows", SealedJson, nullable=False),
    Index(None, "key", "keyed_by"),
)

pool_seen = Table(  # rows that a file being read says again unchanged; gone when it has been read
    "pool_seen",
    metadata,
    ident(),
    to("pool_file"),
    to("pool_row", index=True),
    UniqueConstraint("pool_file_id", "pool_row_id"),
)
