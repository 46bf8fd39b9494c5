"""Values by canonical path, as a message is written from them, and their way into a field's text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from mappings.canonical import coded
from mappings.canonical.columns import SCALE_DIGITS, plain, scaled
from mappings.clock import CHINA
from mappings.engine import codes, columns
from mappings.engine.spec import Field, MessageSpec
from mappings.errors import ConfigurationError, DataFault

Value = object  # a constant (str, int, Decimal, datetime) or a column (pandas Series, list of str)
_ESCAPED = re.compile(r"[&<>\r]")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"})
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
TIMES: dict[str, str] = {
    "time14": "%Y%m%d%H%M%S",
    "date8": "%Y%m%d",
    "time17": "%Y%m%d%H%M%S000",
    "iso": "%Y-%m-%dT%H:%M:%S%z",
}
_PIECE = re.compile("%.|[^%]+")
_PLACES = {"%Y": (0, 4), "%m": (5, 7), "%d": (8, 10), "%H": (11, 13), "%M": (14, 16), "%S": (17, 19)}  # of ISO text


@dataclass(frozen=True)
class Rows:
    """`count` rows of values by path. `owner` gives the row of the enclosing segment that each belongs to.

    `memo` keeps the texts of columns that several messages name, so that each is made once.
    """

    values: Mapping[str, Value]
    count: int
    owner: np.ndarray | None = None
    outer: Rows | None = field(default=None, repr=False)
    memo: dict[tuple[int, str, bool, str], tuple[Value, pa.LargeStringArray]] = field(default_factory=dict, repr=False)

    def within(self, outer: Rows) -> Rows:
        """The same rows inside those of the enclosing segment."""
        return Rows(self.values, self.count, self.owner, outer, self.memo)

    def adding(self, values: Mapping[str, Value]) -> Rows:
        """The same rows with more values."""
        return Rows({**self.values, **values}, self.count, self.owner, self.outer, self.memo)

    def get(self, path: str) -> Value | None:
        """The value at `path`, repeated down from the enclosing rows where it lives there."""
        if path in self.values:
            return self.values[path]
        found = self.outer.get(path) if self.outer is not None else None
        if found is None or self.owner is None or not is_column(found):
            return found
        return pd.Series(found).take(self.owner).reset_index(drop=True)


def is_column(value: Value) -> bool:
    """Whether a value is a column rather than a constant."""
    return isinstance(value, pd.Series | np.ndarray | list)


def escaped(texts: list[str]) -> list[str]:
    """Texts as canonical XML wants them. Raises DataFault for characters that XML cannot hold."""
    joined = "".join(texts)
    bad = _ILLEGAL.search(joined)
    if bad:
        raise DataFault(f"The character U+{ord(bad[0]):04X} cannot stand in XML 字符 U+{ord(bad[0]):04X} 不能写入 XML")
    if not _ESCAPED.search(joined):
        return texts
    distinct = {text: text.translate(_ESCAPES) for text in set(texts)}
    return [distinct[text] for text in texts]


def escaped_column(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    """The same for a column; one that surely holds nothing to escape is given back as it is."""
    return coded.once(texts, "escaped", _mapped) if columns.needs_a_look(texts) else texts


def _mapped(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    return columns.mapped(texts, escaped)


def _time(value: datetime, form: str) -> str:
    return value.astimezone(CHINA).strftime(TIMES[form])


def _scalar(value: Value, item: Field) -> str:
    if value is None or (not isinstance(value, str) and pd.isna(value)):  # type: ignore[call-overload]
        return ""
    if isinstance(value, datetime):
        return _time(value, item.format or "time14")
    if isinstance(value, Decimal):
        return plain(scaled(value))
    return str(value)


def _times(series: pd.Series, form: str) -> pa.LargeStringArray:
    """Local times as texts; where the form allows it, cut out of Arrow's text of them (a fifth of strftime's time)."""
    pieces = _PIECE.findall(form)
    if not all(piece in _PLACES for piece in pieces if piece.startswith("%")):
        return columns.column(series.dt.strftime(form).fillna("").tolist())
    local = pa.array(series.dt.tz_localize(None), from_pandas=True)
    text = local.cast(pa.timestamp("s"), safe=False).cast(pa.string())
    cut = [pc.utf8_slice_codeunits(text, *_PLACES[p]) if p in _PLACES else pa.scalar(p) for p in pieces]
    return columns.column(pc.binary_join_element_wise(*cut, ""))


def _texts(value: Value, item: Field) -> pa.LargeStringArray:
    if isinstance(value, list):
        return columns.column(value)
    series = pd.Series(value)
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        return _times(series.dt.tz_convert(CHINA), TIMES[item.format or "time14"])
    if item.decimals:
        return columns.numbers(series, SCALE_DIGITS)
    if pd.api.types.is_integer_dtype(series.dtype):
        return columns.numbers(series)
    return columns.column(series)


def _day(rows: Rows) -> date | None:
    """The day of declaring, on which a code must be valid; None where the rows say no time."""
    at = rows.get("document.app_time")
    return at.astimezone(CHINA).date() if isinstance(at, datetime) else None


def _translate(spec: MessageSpec, item: Field, day: date | None) -> Callable[[str], str]:
    listed = codes.load(spec.authority, item.code)
    if not listed.translates:
        return lambda text: text

    def outward(text: str) -> str:
        found = listed.outward(text, day) if text else None
        return found.code if found else ""

    return outward


def translated(spec: MessageSpec, item: Field, texts: list[str], rows: Rows) -> list[str]:
    """Canonical texts in the authority's codes of a field; '' where it has none."""
    return list(map(_translate(spec, item, _day(rows)), texts))


def _column(spec: MessageSpec, item: Field, value: Value, rows: Rows) -> pa.LargeStringArray:
    code = f"{spec.authority}.{item.code}" if item.code else ""
    key = (id(value), item.format, bool(item.decimals), code)
    if key not in rows.memo:
        column = _texts(value, item)
        if item.code:
            column = columns.mapped(column, lambda texts: translated(spec, item, texts, rows))
        rows.memo[key] = (value, column)  # the value is kept, so that its id stays its own
    return rows.memo[key][1]


def column_of(spec: MessageSpec, item: Field, rows: Rows) -> str | pa.LargeStringArray:
    """A field's texts, not escaped: one constant for all rows, or a column of `rows.count`."""
    value: Value | None = item.value or (rows.get(item.source) if item.source else None)
    if value is None:
        return item.default
    if not is_column(value):
        text = _scalar(value, item)
        return (_translate(spec, item, _day(rows))(text) if item.code and item.source else text) or item.default
    column = _column(spec, item, value, rows)
    if len(column) != rows.count:
        raise ConfigurationError(f"{spec.type} {item.tag}: {len(column)} values for {rows.count} rows")
    if not item.default:
        return column
    return pc.if_else(pa.array(columns.sizes(column) > 0), column, pa.scalar(item.default, columns.TEXT))


def texts(spec: MessageSpec, item: Field, rows: Rows) -> str | list[str]:
    """The same with a column as a list."""
    found = column_of(spec, item, rows)
    return found if isinstance(found, str) else columns.listed(found)
