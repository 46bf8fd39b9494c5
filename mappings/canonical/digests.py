"""Digests of parcels: what is declared of each, as 32 hexadecimal digits, the same in every process.

Values that are not there do not count, nor does where a row stands in its file: a new column changes no digest, and a
row that is sent again unchanged is known by it. Not cryptographic: it tells versions apart, it proves nothing.
"""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from mappings.canonical.coded import array_of, coded
from mappings.canonical.columns import AFTERWARDS, columns

HEADS, LINES = ("order", "buyer", "payment", "waybill"), "line"
_SHIFT, _ROUND, _LINE = np.uint64(32), np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)


@lru_cache
def _name(path: str) -> np.uint64:
    """The number that a column's name stands for: which column a value stands in counts."""
    return np.uint64(int.from_bytes(hashlib.sha256(path.encode()).digest()[:8], "big"))


def mixed(numbers: np.ndarray) -> np.ndarray:
    """Numbers of 64 bits, each turned into one that looks like any other."""
    numbers = numbers * _ROUND
    return (numbers ^ (numbers >> _SHIFT)) * _LINE


kept: dict[tuple[int, int], tuple[weakref.ref[Any], np.ndarray]] = {}  # by array (they never change) and name


def _of_texts(column: pd.Series, name: np.uint64) -> np.ndarray:
    """The same for texts, once an array: what was hashed for the match need not be for declaring."""
    texts = array_of(column)
    key = id(texts), int(name)
    known = kept.get(key)
    if known is None or known[0]() is not texts:
        hashed = _hashed(texts, name)
        hashed.flags.writeable = False
        known = kept[key] = weakref.ref(texts, lambda _: kept.pop(key, None)), hashed
    return known[1]


def _hashed(texts: pa.Array | pa.ChunkedArray, name: np.uint64) -> np.ndarray:
    """Each distinct text is hashed once."""
    found = coded(texts)
    known = np.array(found.dictionary.to_pylist(), dtype=object)
    hashed = np.zeros(len(known) + 1, dtype=np.uint64)  # at the end what is missing
    hashed[:-1] = np.where(known != "", mixed(pd.util.hash_array(known, categorize=False) ^ name), np.uint64(0))
    at = found.indices.fill_null(len(known)) if found.indices.null_count else found.indices
    return hashed[at.to_numpy()]


def column_hashes(column: pd.Series, path: str) -> np.ndarray:
    """A hash of each value in the column of this name; 0 where there is none."""
    name = _name(path)
    if column.dtype in ("str", object):
        return _of_texts(column, name)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        numbers, there = column.dt.as_unit("us").astype("int64").to_numpy(), column.notna().to_numpy()
    elif column.dtype == bool:
        numbers = there = column.to_numpy()
    else:
        numbers, there = column.to_numpy(dtype=np.int64, na_value=0), column.notna().to_numpy()
    return np.where(there, mixed(pd.util.hash_array(numbers, categorize=False) ^ name), np.uint64(0))


def hashes(table: pd.DataFrame, paths: Iterable[str]) -> np.ndarray:
    """A hash of each row over these columns, as far as the table has them."""
    total = np.zeros(len(table), dtype=np.uint64)
    for path in paths:
        if path in table and path not in AFTERWARDS:
            total += column_hashes(table[path], path)
    return total


def digests(parcels: pd.DataFrame, lines: pd.DataFrame) -> list[str]:
    """One digest a parcel over its canonical columns and those of its lines, whose `parcel` is their parcel's row."""
    head = hashes(parcels, [path for table in HEADS for path in columns(table)])
    body = np.zeros(len(parcels), dtype=np.uint64)
    np.add.at(body, lines["parcel"].to_numpy(), mixed(hashes(lines, columns(LINES))))
    return [f"{a:016x}{b:016x}" for a, b in zip(head.tolist(), body.tolist(), strict=True)]
