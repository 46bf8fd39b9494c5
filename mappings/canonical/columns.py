"""The column shape of the canonical model, derived from its pydantic definition."""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Any, Union, get_args, get_origin

import numpy as np
import pandas as pd

from mappings.canonical.model import TABLES, Personal

SCALE_DIGITS = 5
SCALE = 10**SCALE_DIGITS
DTYPES = {"text": "str", "decimal": "Int64", "integer": "Int64", "flag": "bool", "time": "datetime64[us, UTC]"}
AFTERWARDS = ("waybill.delivered_at",)  # told after the declaration: no part of what is declared, nor of its digest


@dataclass(frozen=True)
class Column:
    """One canonical field as a column: `path` is its name, `kind` a key of DTYPES."""

    path: str
    kind: str
    required: bool
    personal: bool


def _kind(annotation: Any) -> str:
    if get_origin(annotation) in (Union, types.UnionType):
        annotation = next(a for a in get_args(annotation) if a is not type(None))
    while get_origin(annotation) is not None and get_args(annotation):
        annotation = get_args(annotation)[0]
    return {Decimal: "decimal", int: "integer", bool: "flag", datetime: "time"}.get(annotation, "text")


@lru_cache
def columns(table: str) -> dict[str, Column]:
    """The columns of a canonical table (a key of model.TABLES) by path."""
    found = {}
    for name, field in TABLES[table].model_fields.items():
        path = f"{table}.{name}"
        personal = any(isinstance(mark, Personal) for mark in field.metadata)
        found[path] = Column(path, _kind(field.annotation), field.is_required(), personal)
    return found


@lru_cache
def whole() -> frozenset[str]:
    """The paths of whole numbers: their columns are not scaled."""
    return frozenset(c.path for table in TABLES for c in columns(table).values() if c.kind == "integer")


def empty(table: str, length: int = 0) -> pd.DataFrame:
    """A table of `length` rows with every canonical column of its dtype, all missing."""
    missing = {"text": "", "flag": False, "decimal": pd.NA, "integer": pd.NA, "time": pd.NaT}
    data = {c.path: pd.Series([missing[c.kind]] * length, dtype=DTYPES[c.kind]) for c in columns(table).values()}
    return pd.DataFrame(data)


def scaled(value: Decimal) -> int:
    """A Decimal as a column holds it: an integer of hundred-thousandths, rounded half to even."""
    return int((value * SCALE).to_integral_value(rounding=ROUND_HALF_EVEN))


def unscaled(value: int) -> Decimal:
    """A column's integer as the Decimal it stands for, without trailing zeros."""
    number = Decimal(value).scaleb(-SCALE_DIGITS)
    return number.normalize() if number % 1 else number.quantize(Decimal(1))


def plain(value: int) -> str:
    """A column's integer as plain decimal text without trailing zeros: 1050000 -> '10.5'."""
    whole, rest = divmod(abs(value), SCALE)
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}.{rest:05d}".rstrip("0") if rest else f"{sign}{whole}"


def formatted(values: pd.Series | np.ndarray, form: Callable[[int], str]) -> list[str]:
    """A column of integers as texts; a missing value becomes ''. Formats each distinct value once."""
    codes, distinct = pd.factorize(pd.Series(values), use_na_sentinel=True)
    texts = [*map(form, np.asarray(distinct, dtype=np.int64).tolist()), ""]
    return np.array(texts, dtype=object)[codes].tolist()  # a missing value has code -1, the last text


def plain_column(values: pd.Series | np.ndarray) -> list[str]:
    """Scaled integers as plain decimal texts; a missing value becomes ''."""
    return formatted(values, plain)
