"""Columns of texts as distinct texts and their numbers, cut once for all who ask.

An array never changes, so what was made of it holds as long as it lives. Rows that are selected take their numbers
with them. The distinct texts may hold some that no row has (any more), or one twice.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

T = TypeVar("T")
TEXT: Any = pd.Series(dtype="str").dtype  # by its name a dtype is looked up each time
_ARRAY = TEXT.construct_array_type()
_kept: dict[int, tuple[weakref.ref[Any], pa.DictionaryArray]] = {}  # by the array's identity
_made: dict[tuple[int, str], tuple[weakref.ref[Any], Any]] = {}  # by the array's identity, and what it is


def once(texts: pa.Array, what: str, make: Callable[[pa.Array], T]) -> T:
    """What `make` makes of an array, made for the first time only; it must not hold the array itself."""
    key = id(texts), what
    found = _made.get(key)
    if found is None or found[0]() is not texts:
        found = _made[key] = weakref.ref(texts, lambda _: _made.pop(key, None)), make(texts)
    made: T = found[1]
    return made


def array_of(column: pd.Series) -> pa.Array | pa.ChunkedArray:
    """The Arrow array of a text column: its own, not a new one that wraps it."""
    own = getattr(column.array, "__arrow_array__", None)
    return pa.array(column, from_pandas=True) if own is None else own()


def coded(texts: pa.Array | pa.ChunkedArray) -> pa.DictionaryArray:
    """The distinct texts of an array and the number of each row's; nothing where a row has none."""
    known = _known(texts)
    if known is None:
        whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
        known = whole.dictionary_encode()
        _keep(texts, known)
    return known


def listed(texts: list[str]) -> pa.Array:
    """Distinct texts as an array."""
    return pa.array(texts, pa.large_string())


def column_of(numbers: np.ndarray, texts: pa.Array) -> pd.Series:
    """These texts at these numbers (not negative) as a text column."""
    at = pa.array(numbers.astype(np.int32, copy=False))
    column = pd.Series(_ARRAY(pa.chunked_array([texts.take(at)]), dtype=TEXT))
    _keep(array_of(column), pa.DictionaryArray.from_arrays(at, texts))
    return column


def laid_out(column: pd.Series, at: np.ndarray) -> pd.Series:
    """The texts of a column at these rows, '' where -1 stands."""
    known = coded(array_of(column))
    texts = pa.concat_arrays([known.dictionary.cast(pa.large_string()), listed([""])])
    numbers = np.append(known.indices.fill_null(len(known.dictionary)).to_numpy(), len(known.dictionary))
    return column_of(numbers[at], texts)


def is_blank(column: pd.Series) -> bool:
    """Whether '' stands in every row of a text column."""
    known = _known(array_of(column))
    if known is None or len(known.dictionary) != 1:
        return bool((column == "").all())
    return known.dictionary[0].as_py() == ""


def missing(column: pd.Series) -> int:
    """In how many rows of a text column nothing or '' stands; in most none, as its distinct texts tell at once."""
    known = coded(array_of(column))
    empty = [n for n, text in enumerate(known.dictionary.to_pylist()) if not text]
    if not empty:
        return int(known.null_count)
    return int(known.null_count) + int(np.isin(known.indices.drop_null().to_numpy(), empty).sum())


def absent(column: pd.Series) -> np.ndarray:
    """In which rows of a text column nothing or '' stands."""
    if not missing(column):
        return np.zeros(len(column), dtype=bool)
    return ((column == "") | column.isna()).to_numpy(dtype=bool)


def longest(column: pd.Series) -> int:
    """The bytes in UTF-8 of the longest of its distinct texts: no text of the column has more characters."""
    lengths = pc.binary_length(coded(array_of(column)).dictionary).to_numpy(zero_copy_only=False)
    return int(lengths.max(initial=0))


def selected(frame: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    """Rows of a table (a mask of all, or their positions), numbered anew; what is known of their texts is kept."""
    chosen = frame[rows] if rows.dtype == bool else frame.iloc[rows]
    chosen = chosen.reset_index(drop=True)
    at = pa.array(np.flatnonzero(rows) if rows.dtype == bool else rows)
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.StringDtype):
            known = _known(array_of(frame[name]))
            if known is not None:
                _keep(array_of(chosen[name]), known.take(at))
    return chosen


def _known(texts: Any) -> pa.DictionaryArray | None:
    found = _kept.get(id(texts))
    return found[1] if found is not None and found[0]() is texts else None


def _keep(texts: Any, known: pa.DictionaryArray) -> None:
    key = id(texts)
    _kept[key] = weakref.ref(texts, lambda _: _kept.pop(key, None)), known
