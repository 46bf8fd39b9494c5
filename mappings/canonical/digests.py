"""Digests of parcels: what is declared of each, as 32 hexadecimal digits, the same in every process.

Values that are not there do not count, nor does where a row stands in its file: a new column changes no digest, and a
row that is sent again unchanged is known by it. Not cryptographic: it tells versions apart, it proves nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import pandas as pd

from mappings.canonical.columns import columns

HEADS, LINES = ("order", "payment", "waybill"), "line"
_SHIFT, _ROUND, _LINE = np.uint64(32), np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)


@lru_cache
def _name(path: str) -> np.uint64:
    """The number that a column's name stands for: which column a value stands in counts."""
    return np.uint64(int.from_bytes(hashlib.sha256(path.encode()).digest()[:8], "big"))


def _values(column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """A hash of each value, and where there is one."""
    there = column.notna().to_numpy()
    if column.dtype in ("str", object):
        codes, distinct = pd.factorize(column)
        known = np.asarray(distinct, dtype=object)
        hashed = np.append(pd.util.hash_array(known, categorize=False), np.uint64(0))
        return hashed[codes], there & np.append(known != "", False)[codes]
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return pd.util.hash_array(column.dt.as_unit("us").astype("int64").to_numpy(), categorize=False), there
    if column.dtype == bool:
        return pd.util.hash_array(column.to_numpy(), categorize=False), column.to_numpy()
    return pd.util.hash_array(column.to_numpy(dtype=np.int64, na_value=0), categorize=False), there


def _mixed(numbers: np.ndarray) -> np.ndarray:
    numbers = numbers * _ROUND
    return (numbers ^ (numbers >> _SHIFT)) * _LINE


def hashes(table: pd.DataFrame, paths: Iterable[str]) -> np.ndarray:
    """A hash of each row over these columns, as far as the table has them."""
    total = np.zeros(len(table), dtype=np.uint64)
    for path in paths:
        if path in table:
            value, there = _values(table[path])
            total += np.where(there, _mixed(value ^ _name(path)), np.uint64(0))
    return total


def digests(parcels: pd.DataFrame, lines: pd.DataFrame) -> list[str]:
    """One digest a parcel over its canonical columns and those of its lines, whose `parcel` is their parcel's row."""
    head = hashes(parcels, [path for table in HEADS for path in columns(table)])
    body = np.zeros(len(parcels), dtype=np.uint64)
    np.add.at(body, lines["parcel"].to_numpy(), _mixed(hashes(lines, columns(LINES))))
    return [f"{a:016x}{b:016x}" for a, b in zip(head.tolist(), body.tolist(), strict=True)]
