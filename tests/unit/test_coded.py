"""Distinct texts and their numbers are kept with the column: what is read from them is what stands in its rows."""

from __future__ import annotations

import gc

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from mappings.canonical import coded

TEXTS = st.lists(st.sampled_from(["", "A", "b", "纸箱", "𠮷", "A "]), max_size=12)


def column(texts: list[str]) -> pd.Series:
    return pd.Series(texts, dtype="str")


def read(found: pd.Series) -> list[str | None]:
    known = coded.coded(coded.array_of(found))
    return [known.dictionary[n].as_py() for n in known.indices.to_pylist()]


@given(TEXTS, st.data())
def test_what_is_known_of_a_column_goes_with_its_rows(texts: list[str], data: st.DataObject) -> None:
    frame = pd.DataFrame({"text": column(texts), "number": np.arange(len(texts))})
    coded.coded(coded.array_of(frame["text"]))
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(texts), max_size=len(texts))), dtype=bool)
    kept = coded.selected(frame, mask)
    turned = coded.selected(kept, np.arange(len(kept))[::-1])
    wanted = [text for text, keep in zip(texts, mask, strict=True) if keep]
    assert kept["text"].tolist() == read(kept["text"]) == wanted
    assert turned["text"].tolist() == read(turned["text"]) == wanted[::-1]
    assert kept.index.tolist() == list(range(len(wanted)))


@given(TEXTS, st.data())
def test_texts_are_laid_out_by_row_and_nothing_where_none_is_named(texts: list[str], data: st.DataObject) -> None:
    at = np.array(data.draw(st.lists(st.integers(-1, len(texts) - 1), max_size=15)), dtype=np.int64)
    found = coded.laid_out(column(texts), at)
    assert found.tolist() == read(found) == ["" if n < 0 else texts[n] for n in at]
    assert found.dtype == "str"


@given(TEXTS)
def test_a_column_is_blank_where_nothing_stands_in_it(texts: list[str]) -> None:
    here = column(texts)
    assert coded.is_blank(here) is (not any(texts))
    coded.coded(coded.array_of(here))
    assert coded.is_blank(here) is (not any(texts))


@given(st.lists(st.sampled_from(["", "A", None]), max_size=9))
def test_what_is_missing_is_counted(texts: list[str | None]) -> None:
    here = pd.Series(texts, dtype="str")
    assert coded.missing(here) == sum(not text for text in texts)
    assert coded.absent(here).tolist() == [not text for text in texts]


@given(TEXTS)
def test_no_text_is_longer_than_the_longest_in_bytes(texts: list[str]) -> None:
    assert coded.longest(column(texts)) == max((len(text.encode()) for text in texts), default=0)


def test_a_changed_column_is_cut_anew_and_nothing_is_kept_of_one_that_is_gone() -> None:
    before = dict(coded._kept)
    here = coded.column_of(np.array([0, 1, 0]), pa.array(["A", "B"], pa.large_string()))
    assert read(here) == ["A", "B", "A"]
    here.iloc[0] = "C"
    assert read(here) == here.tolist() == ["C", "B", "A"]
    del here
    gc.collect()
    assert not coded._kept.keys() - before.keys()
