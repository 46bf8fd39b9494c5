"""A list as PostgreSQL reads an array, put together as one text.

psycopg turns every element into a text by itself, in Python: that is a quarter of what it costs to hand thousands of
receipts over. What would need an escape is left to psycopg.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Dialect
from sqlalchemy.types import TypeEngine, UserDefinedType

_SIMPLE: dict[type, Callable[[Any], str]] = {
    datetime: '"{}"'.format,
    bytes: lambda value: f'"\\\\x{value.hex()}"',
}
_AS_JSON = (str, int, bool)


def array(values: Sequence[Any]) -> str | list[Any]:
    """These values, all of one type or None, as a parameter for an array of PostgreSQL.

    The text of the array for int, bool, str, bytes and datetime; a list, for psycopg, where a str needs an escape
    (backslash, quotation mark, control character, half a surrogate), and for other types.
    """
    kinds = set(map(type, values)) - {type(None)}
    kind = kinds.pop() if len(kinds) == 1 else None
    if kind and kind.__name__ == "Binary":  # psycopg's, around bytes: who has no PostgreSQL need not import it
        values, kind = [value and value.obj for value in values], bytes
    if kind in _AS_JSON:
        return _as_json(values)
    form = _SIMPLE.get(kind) if kind else None
    if form is None:
        return list(values)
    if kind is datetime:  # most are the same
        said = {value: "NULL" if value is None else form(value) for value in set(values)}
        return f"{{{','.join([said[value] for value in values])}}}"
    return f"{{{','.join(['NULL' if value is None else form(value) for value in values])}}}"


def _as_json(values: Sequence[Any]) -> str | list[Any]:
    """As JSON has them, which writes what needs no escape, and null, true, false and numbers, as PostgreSQL does."""
    try:
        said = orjson.dumps(list(values)).decode()
    except TypeError:  # half a surrogate, or a number of more than 64 bits
        return list(values)
    return list(values) if "\\" in said else f"{{{said[1:-1]}}}"


class Array(UserDefinedType[Sequence[Any]]):
    """The type of a parameter that is an array of values of a column."""

    cache_ok = True
    render_bind_cast = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        self.item = item

    def get_col_spec(self, **_: Any) -> str:
        """For the statement's cast."""
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - where there is none, this is not asked

        return f"{self.item.compile(postgresql.dialect())}[]"

    def bind_processor(self, dialect: Dialect) -> Any:
        """Each value as its column keeps it, all of them as one parameter."""
        each = self.item.dialect_impl(dialect).bind_processor(dialect)
        return lambda values: array(values if each is None else [each(value) for value in values])
