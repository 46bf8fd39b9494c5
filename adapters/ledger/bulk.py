"""Many rows at once, as tuples: `executemany` on SQLite, one statement over arrays (unnest) on PostgreSQL.

The column types' own conversions (sealing, times) apply, column by column; nothing is built per row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Dialect, Table, any_, func, literal, select, type_coerce
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import NullType, TypeEngine

from adapters.ledger.arrays import Array, array
from adapters.ledger.sealed import SealedText
from adapters.ledger.tables import Instant

Rows = Sequence[Sequence[Any]]
_MANY = 20  # rows from which on it pays to look for what is the same in all of them


def insert(
    tx: Connection, table: Table, columns: Sequence[str], rows: Rows, ignore: bool = False, stored: Sequence[str] = ()
) -> int:
    """Insert `rows`; with `ignore`, rows whose unique key is there already are left out. Returns how many went in.

    Columns in `stored` get their values as the driver gave them, or as `converted` made them.
    """
    if not rows:
        return 0
    return insert_columns(tx, table, dict(zip(columns, _arrays(tx, table, columns, rows, stored), strict=True)), ignore)


def insert_columns(tx: Connection, table: Table, columns: Mapping[str, Sequence[Any]], ignore: bool = False) -> int:
    """Insert rows given as columns, of values that were converted before, as `insert` does.

    What is the same in every row is said once: to hand a value over again costs as much as to store it.
    """
    same = [name for name in [*columns][1:] if _alike(columns[name])]
    names = [name for name in columns if name not in same]
    values = [columns[name] for name in names]
    conflict = " ON CONFLICT DO NOTHING" if ignore else ""
    head = f'INSERT INTO "{table.name}" ({_names([*names, *same])}) '
    if _postgres(tx):
        said = "".join(f", %s::{_kind(tx, table, name)}" for name in same)
        source = f"unnest({_casts(tx, table, names)}) AS v"
        sql = f"{head}SELECT v.*{said} FROM {source} WHERE true{conflict}"  # noqa: S608
        told = [*(columns[name][0] for name in same), *map(array, values)]
        return tx.exec_driver_sql(sql, tuple(told)).rowcount
    said = "".join(f", {_literal(columns[name][0])}" for name in same)
    sql = f"{head}VALUES ({', '.join('?' * len(names))}{said}){conflict}"
    return tx.exec_driver_sql(sql, list(zip(*values, strict=True))).rowcount


def _alike(values: Sequence[Any]) -> bool:
    """Whether all of many values are the same, and one that can stand in a statement."""
    one = values[0]
    if len(values) < _MANY or not (one is None or type(one) in (str, int)) or one != values[-1]:
        return False
    return values.count(one) == len(values) and "\0" not in str(one)


def _literal(value: str | int | None) -> str:
    """A value as SQLite reads it in a statement."""
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else "'{}'".format(value.replace("'", "''"))


def update(tx: Connection, table: Table, columns: Sequence[str], rows: Rows, stored: Sequence[str] = ()) -> int:
    """Set the columns after the first in every row of `table` whose id is the first. Returns how many were there.

    Columns in `stored` get their values as the driver gave them (sealed, or a time in the database's own form).
    """
    if not rows:
        return 0
    if _postgres(tx):
        values = _arrays(tx, table, columns, rows, stored)
        pairs = ", ".join(f'"{name}" = v."{name}"' for name in columns[1:])
        names = ", ".join(f'"{name}"' for name in columns)
        source = f"unnest({_casts(tx, table, columns)}) AS v({names})"
        sql = f'UPDATE "{table.name}" AS t SET {pairs} FROM {source} WHERE t."{columns[0]}" = v."{columns[0]}"'  # noqa: S608
        return tx.exec_driver_sql(sql, tuple(map(array, values))).rowcount
    pairs = ", ".join(f'"{name}" = ?' for name in columns[1:])
    sql = f'UPDATE "{table.name}" SET {pairs} WHERE "{columns[0]}" = ?'  # noqa: S608
    if _as_they_are(tx, table, columns[1:], stored):
        return tx.exec_driver_sql(sql, [(*row[1:], row[0]) for row in rows]).rowcount
    values = _arrays(tx, table, columns, rows, stored)
    return tx.exec_driver_sql(sql, list(zip(*values[1:], values[0], strict=True))).rowcount


def among(tx: Connection, column: ColumnElement[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """Whether `column` is one of many values: one parameter, however many there are."""
    wanted = list(values)
    if _postgres(tx):
        return column == any_(literal(wanted, Array(column.type)))
    each = func.json_each(orjson.dumps(wanted).decode()).table_valued("value")
    return column.in_(select(each.c.value))


def converted(dialect: Dialect, table: Table, name: str, values: Sequence[Any]) -> list[Any]:
    """The values of one column as the driver takes them: sealed, or a time in the database's own form."""
    return _converted(dialect, _processor(dialect, table, name), tuple(values), table.c[name].type)


def as_stored(column: Any) -> Any:
    """A column whose values are to come as the driver gives them, to be handed on or to be `read` later."""
    return type_coerce(column, NullType()).label(column.name)


def read(tx: Connection, column: ColumnElement[Any], values: Collection[Any]) -> dict[Any, Any]:
    """What each of these values, as the driver gave them, means."""
    process = column.type.dialect_impl(tx.dialect).result_processor(tx.dialect, None)
    return {value: process(value) if process else value for value in values}


def opened(tx: Connection, column: ColumnElement[Any], values: Sequence[bytes]) -> list[Any]:
    """What each of these values of a sealed column, as the driver gave them, means: in half the time of one by one."""
    return list(map(column.type.unpack, tx.dialect.vault.open_all(values)))  # type: ignore[attr-defined]


def _as_they_are(tx: Connection, table: Table, columns: Sequence[str], stored: Sequence[str]) -> bool:
    """Whether the driver takes every value of these columns as it is."""
    return not any(_processor(tx.dialect, table, name) for name in columns if name not in stored)


def _postgres(tx: Connection) -> bool:
    return tx.dialect.name == "postgresql"


def _casts(tx: Connection, table: Table, columns: Sequence[str]) -> str:
    return ", ".join(f"%s::{_kind(tx, table, name)}[]" for name in columns)


def _kind(tx: Connection, table: Table, name: str) -> str:
    return table.c[name].type.compile(tx.dialect)


def _names(columns: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def _arrays(
    tx: Connection, table: Table, columns: Sequence[str], rows: Rows, stored: Sequence[str] = ()
) -> list[list[Any]]:
    """The rows turned into one list a column, converted as the column's type says."""
    turned: Iterable[tuple[Any, ...]] = zip(*rows, strict=True)
    return [
        _converted(
            tx.dialect, None if name in stored else _processor(tx.dialect, table, name), values, table.c[name].type
        )
        for name, values in zip(columns, turned, strict=True)
    ]


def _processor(dialect: Dialect, table: Table, name: str) -> Callable[[Any], Any] | None:
    return table.c[name].type.dialect_impl(dialect).bind_processor(dialect)


def _converted(
    dialect: Dialect, process: Callable[[Any], Any] | None, values: tuple[Any, ...], kind: TypeEngine[Any]
) -> list[Any]:
    """Each distinct time is converted once, as most are the same; of two equal values, each is sealed by itself."""
    if process is None:
        return list(values)
    if isinstance(kind, Instant):
        known = {value: process(value) for value in set(values)}
        return [known[value] for value in values]
    if isinstance(kind, SealedText):
        packed = (
            [None if v is None else kind.pack(v) for v in values] if None in values else list(map(kind.pack, values))
        )
        return dialect.vault.seal_all(packed)  # type: ignore[attr-defined]
    return [process(value) for value in values]


def insert_once(tx: Connection, table: Table, values: dict[str, Any]) -> int | None:
    """Insert one row unless one of its unique keys is there already. Returns its id, or None."""
    kind = postgresql if _postgres(tx) else sqlite
    statement = kind.insert(table).values(values).on_conflict_do_nothing().returning(table.c.id)
    return tx.execute(statement).scalar()
