"""The kinds of columns that the ledger's tables are made of, and the schema that they are part of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Dialect, ForeignKey, Integer, MetaData, Text, false
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
Key = BigInteger().with_variant(Integer, "sqlite")


class Instant(TypeDecorator[datetime]):
    """An aware time, stored and returned in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> datetime | None:
        """The time in UTC; a time without zone is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"The time {value} has no zone; the ledger stores aware times only.")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """The time, aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def ident() -> Column[Any]:
    """The number of a row."""
    return Column("id", Key, primary_key=True)


def to(table: str, nullable: bool = False, name: str = "", index: bool = False) -> Column[Any]:
    """The number of a row of another table."""
    return Column(name or f"{table}_id", Key, ForeignKey(f"{table}.id"), nullable=nullable, index=index)


def text(name: str, index: bool = False) -> Column[Any]:
    """A text, empty by default."""
    return Column(name, Text, nullable=False, server_default="", index=index)


def count(name: str, start: int = 0) -> Column[Any]:
    """A number, by default `start`."""
    return Column(name, Integer, nullable=False, server_default=str(start))


def flag(name: str) -> Column[Any]:
    """Yes or no, no by default."""
    return Column(name, Boolean, nullable=False, server_default=false())


def instant(name: str, nullable: bool = True) -> Column[Any]:
    """An instant."""
    return Column(name, Instant, nullable=nullable)
