"""Columns of texts: what Arrow makes of them is what lists of texts would give."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.canonical.columns import SCALE_DIGITS, plain
from mappings.engine import columns

TEXTS = st.lists(st.text(max_size=6), max_size=8)


@given(TEXTS)
def test_a_list_goes_in_and_comes_out_as_it_is(texts: list[str]) -> None:
    made = columns.column(texts)
    assert columns.listed(made) == texts
    assert columns.sizes(made).tolist() == [len(t.encode(errors="surrogatepass")) for t in texts]
    assert columns.distinct(made) == list(dict.fromkeys(texts))
    found = columns.rows_of(made, texts)
    assert {text: rows.tolist() for text, rows in found.items()} == {
        text: [i for i, t in enumerate(texts) if t == text] for text in texts
    }
    assert columns.rows_of(made, ["nowhere at all"]) == {}


@given(TEXTS, TEXTS)
def test_joined_is_the_row_s_pieces_one_after_the_other(one: list[str], other: list[str]) -> None:
    count = min(len(one), len(other))
    made = columns.joined(["<", columns.column(one[:count]), "&", columns.column(other[:count])], count)
    assert columns.listed(made) == [f"<{a}&{b}" for a, b in zip(one, other, strict=False)]


@given(TEXTS)
def test_a_cut_of_an_array_is_seen_from_its_own_start(texts: list[str]) -> None:
    part = columns.column(["before", *texts, "after&"])[1 : len(texts) + 1]
    assert columns.sizes(part).tolist() == [len(t.encode(errors="surrogatepass")) for t in texts]
    assert columns.needs_a_look(part) == columns.needs_a_look(columns.column(texts))
    every, bounds = columns.data(part)
    cut = [bytes(every[a:b]) for a, b in pairwise(bounds)]
    assert cut == [t.encode(errors="surrogatepass") for t in texts]


def test_constants_alone_stand_in_every_row() -> None:
    assert columns.listed(columns.joined(["a", "b"], 3)) == ["ab"] * 3
    assert columns.listed(columns.joined([], 1)) == [""]


def test_what_is_missing_is_empty() -> None:
    for values in (pd.Series(["a", None], dtype="str"), pd.Series(["a", None], dtype=object), pa.array(["a", None]),
                   pa.chunked_array([["a"], [None]], pa.string()), ["a", None]):  # fmt: skip
        assert columns.listed(columns.column(values)) == ["a", ""]


@given(st.lists(st.none() | st.integers(-(2**63) + 1, 2**63 - 1) | st.integers(-(10**7), 10**7), max_size=8))
def test_numbers_are_written_plain_and_the_missing_is_empty(values: list[int | None]) -> None:
    series = pd.Series(values, dtype="Int64")
    assert columns.listed(columns.numbers(series)) == ["" if v is None else str(v) for v in values]
    assert columns.listed(columns.numbers(series, SCALE_DIGITS)) == ["" if v is None else plain(v) for v in values]


@pytest.mark.parametrize("values", [np.array([150000, 0]), np.array([1, -1], dtype=np.int32)])
def test_numbers_of_any_width_are_written(values: np.ndarray) -> None:
    assert columns.listed(columns.numbers(pd.Series(values), SCALE_DIGITS)) == [plain(v) for v in values.tolist()]


def test_each_distinct_text_is_changed_once() -> None:
    asked: list[list[str]] = []

    def upper(texts: list[str]) -> list[str]:
        asked.append(texts)
        return [t.upper() for t in texts]

    assert columns.listed(columns.mapped(columns.column(["a", "b", "a"]), upper)) == ["A", "B", "A"]
    assert asked == [["a", "b"]]


def test_groups_may_be_empty() -> None:
    made = columns.grouped(columns.column(["a", "b", "c"]), np.array([0, 2, 2, 3]))
    assert columns.listed(made) == ["ab", "", "c"]


def test_an_empty_text_is_not_wrapped() -> None:
    assert columns.listed(columns.wrapped("<", columns.column(["a", ""]), ">")) == ["<a>", ""]


@pytest.mark.parametrize("text", ["&", "<", ">", "\r", "\x00", "\x1f", "\ufffe", "\uffff", "\ud800"])
def test_what_xml_must_not_hold_as_it_is_gets_a_look(text: str) -> None:
    assert columns.needs_a_look(columns.column(["good", f"a{text}b"]))
    assert not columns.needs_a_look(columns.column(["good", "", "中文 é"]))
