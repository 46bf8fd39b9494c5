"""Cells: texts into numbers, times, flags, codes and tidy texts, each distinct text once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.canonical.columns import SCALE
from mappings.profiles import Field
from tasks.cleaning import amounts, cells
from tasks.cleaning.cells import Cells, Distinct
from tasks.cleaning.numbers import JOINT, decimals
from tasks.cleaning.times import times


def _notes(texts: list[str]) -> Cells:
    return Cells(pd.Series(dtype="str"), Distinct(pd.Series(range(len(texts))).to_numpy(), texts))


def number(text: str, **spec: Any) -> tuple[Decimal | None, set[str]]:
    """A text as a number (None: missing or none) and the codes of its notes."""
    notes = _notes([text])
    values, absent = decimals([text], Field("line.price", **spec), notes)
    return (None if absent[0] else Decimal(int(values[0])) / SCALE), set(notes.notes)


NUMBERS: list[tuple[str, dict[str, Any], str | None, set[str]]] = [
    ("2.55", {}, "2.55", set()),
    ("-0.5", {}, "-0.5", set()),
    ("1,234.50", {}, "1234.50", set()),
    ("1,23.50", {}, None, {"VAL-001"}),
    ("£12.50", {}, "12.50", set()),
    ("1 234.5", {}, "1234.5", set()),
    ("1\u00a0234,5", {"decimal": ","}, "1234.5", set()),
    ("1.234,5", {"decimal": ","}, "1234.5", set()),
    ("1234,5", {"decimal": ","}, "1234.5", set()),
    ("1,5", {}, None, {"VAL-001"}),
    ("1'234.5", {"grouping": "'"}, "1234.5", set()),
    ("1e3", {}, "1000", set()),
    (".5", {}, "0.5", set()),
    ("5.", {}, "5", set()),
    ("\u22125", {}, "-5", set()),
    ("1255", {"scale": "0.01"}, "12.55", set()),
    ("1500", {"unit": "g"}, "1.5", set()),
    ("2", {"unit": "磅"}, "0.90718", {"VAL-005"}),
    ("1.000001", {}, "1", {"VAL-005"}),
    ("1.000005", {}, "1.00001", {"VAL-005"}),
    ("", {}, None, set()),
    ("abc", {}, None, {"VAL-001"}),
    ("NaN", {}, None, {"VAL-001"}),
    ("inf", {}, None, {"VAL-001"}),
    ("1-2", {}, None, {"VAL-001"}),
    ("٣", {}, None, {"VAL-001"}),
    ("99999999999999999999", {}, None, {"VAL-001"}),
    ("12345678901234", {}, "12345678901234", set()),
]


@pytest.mark.parametrize(
    ("text", "spec", "value", "notes"), NUMBERS, ids=[f"{t!r}-{i}" for i, (t, *_) in enumerate(NUMBERS)]
)
def test_numbers(text: str, spec: dict[str, Any], value: str | None, notes: set[str]) -> None:
    assert number(text, **spec) == (None if value is None else Decimal(value), notes)


@settings(deadline=None)
@given(st.decimals(min_value=-(10**12), max_value=10**12, places=5, allow_nan=False))
def test_a_number_with_five_decimals_comes_through_exactly(value: Decimal) -> None:
    assert number(f"{value:f}") == (value, set())


@settings(deadline=None)
@given(st.text())
def test_no_text_breaks_a_cell(text: str) -> None:
    for kind in (decimals, cells.flags, times):
        kind([text], Field("line.price"), _notes([text]))
    tidied, _ = cells.tidy(
        Distinct(pd.Series([0]).to_numpy(), [text]), Field("line.item_no"), frozenset({""}), True, ""
    )
    assert all(ch.isprintable() or ch.isspace() or ch >= "\x80" for ch in tidied[0])
    assert tidied[0] == " ".join(tidied[0].split())


def test_units_and_minor_units_beside_the_number() -> None:
    weight = Field("waybill.gross_weight", unit_from="u")
    assert decimals([f"500{JOINT}g", f"1{JOINT}KG", f"1{JOINT}??"], weight, _notes(["", "", ""]))[0].tolist() == [
        50000,
        100000,
        0,
    ]
    money = Field("line.price", minor_unit=True)
    notes = _notes(["", "", ""])
    values, absent = decimals([f"250{JOINT}GBP", f"250{JOINT}日元", f"250{JOINT}"], money, notes)
    assert values.tolist() == [250000, 25000000, 0]
    assert absent.tolist() == [False, False, True]
    assert list(notes.notes["VAL-001"]) == [2]


def test_whole_numbers() -> None:
    notes = _notes(["3", "2.5", ""])
    values, absent = decimals(["3", "2.5", ""], Field("waybill.pieces"), notes, whole=True)
    assert (values[0], absent.tolist()) == (3, [False, True, True])
    assert list(notes.notes) == ["VAL-001"]


def when(text: str, *formats: str, zone: str = "Asia/Shanghai") -> str:
    """An instant as ISO text in UTC; '' when it is none."""
    made = times([text], Field("order.ordered_at", formats=formats, timezone=zone), _notes([text]))[0]
    return "" if made is pd.NaT else made.isoformat()


TIMES = [
    (("2026-11-20T08:00:00",), {}, "2026-11-20T00:00:00+00:00"),
    (("2026-11-20T08:00:00Z",), {}, "2026-11-20T08:00:00+00:00"),
    (("2026-11-20 08:00:00+01:00",), {}, "2026-11-20T07:00:00+00:00"),
    (("2026-11-20",), {}, "2026-11-19T16:00:00+00:00"),
    (("2026-11-20T08:00:00",), {"zone": "Europe/London"}, "2026-11-20T08:00:00+00:00"),
    (("2026-06-20T08:00:00",), {"zone": "Europe/London"}, "2026-06-20T07:00:00+00:00"),
    (("20.11.2026 08:00", "%d.%m.%Y %H:%M"), {}, "2026-11-20T00:00:00+00:00"),
    (("11/20/26", "%d/%m/%y", "%m/%d/%y"), {}, "2026-11-19T16:00:00+00:00"),
    (("2026年11月20日", "%Y年%m月%d日"), {}, "2026-11-19T16:00:00+00:00"),
    (("20261120080000", "%Y%m%d%H%M%S"), {}, "2026-11-20T00:00:00+00:00"),
    (("20 Nov 2026 08:00:00 +0000", "%d %b %Y %H:%M:%S %z"), {}, "2026-11-20T08:00:00+00:00"),
    (("1795248000", "unix"), {}, "2026-11-21T08:00:00+00:00"),
    (("1795248000500", "unix_ms"), {}, "2026-11-21T08:00:00.500000+00:00"),
    (("46346.5", "excel"), {"zone": "UTC"}, "2026-11-20T12:00:00+00:00"),
    (("-3",), {}, ""),
    (("0001-01-01",), {}, ""),
    (("20/11/2026",), {}, ""),
    (("2026-02-30",), {}, ""),
    (("soon", "unix"), {}, ""),
]


@pytest.mark.parametrize(("args", "spec", "expected"), TIMES, ids=[a[0] for a, _, _ in TIMES])
def test_times(args: tuple[str, ...], spec: dict[str, str], expected: str) -> None:
    assert when(*args, **spec) == expected


def test_mixed_times_of_one_column() -> None:
    texts = ["2026-11-20T08:00:00", "2026-11-20T08:00:00Z", "", "x", "20.11.2026"]
    notes = _notes(texts)
    one = Field("order.ordered_at", formats=("iso", "%d.%m.%Y"), timezone="Asia/Shanghai")
    made = times(texts, one, notes)
    assert [None if t is pd.NaT else t.hour for t in made] == [0, 8, None, None, 16]
    assert notes.notes == {"VAL-002": {3: ""}}


def test_flags() -> None:
    notes = _notes(["Yes", "0", "", "是", "perhaps"])
    assert cells.flags(["Yes", "0", "", "是", "perhaps"], Field("order.cancelled"), notes).tolist() == [
        True, False, False, True, False]  # fmt: skip
    assert notes.notes == {"VAL-006": {4: ""}}
    assert cells.flags(["C1", "1C"], Field("order.cancelled", matches="^C"), _notes([])).tolist() == [True, False]


def tidy(
    text: str, wide: bool = False, squeeze: str = "", empty: tuple[str, ...] = (), **spec: Any
) -> tuple[str, set[str]]:
    """A tidied text and the codes of its notes."""
    made, notes = cells.tidy(Distinct(pd.Series([0]).to_numpy(), [text]), Field("line.item_no", **spec),
                             frozenset({"", *empty}), wide, squeeze)  # fmt: skip
    return made[0], set(notes.notes)


def test_texts() -> None:
    assert tidy("  a \t b\n") == ("a b", set())
    assert tidy("ＡＢ１２", wide=True) == ("AB12", {"TXT-003"})
    assert tidy("ＡＢ１２") == ("ＡＢ１２", set())
    assert tidy("a\x07b\ufeff") == ("a b", {"TXT-002"})
    assert tidy("e\u0301") == ("é", set())
    assert tidy("3926.40.00 00", squeeze=". ") == ("3926400000", set())
    assert tidy("N/A", empty=("n/a",)) == ("", set())
    assert tidy("", default="x") == ("x", set())
    assert tidy("EIRE ", aliases={"eire": "IE"}) == ("IE", set())
    assert tidy("SKU: 77 (blue)", extract=r"SKU: (\d+)") == ("77", set())
    assert tidy("none", extract=r"SKU: (\d+)") == ("", set())


def test_codes_of_an_authority() -> None:
    notes = _notes(["4", "3", "99", ""])
    one = Field("x", codes="cn_ecommerce/transport_mode")
    assert cells.coded(["4", "L9", ""], "", one, notes) == ["3", "", ""]
    assert cells.coded(["GB", "英國", "nowhere"], "country", Field("x"), notes) == ["GB", "GB", ""]
    assert set(notes.notes["VAL-003"]) == {1, 2}


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-(10**15), 10**15), st.integers(-(10**15), 10**15)), max_size=20))
def test_products_are_exact(pairs: list[tuple[int, int]]) -> None:
    one, other = (pd.Series([p[i] for p in pairs], dtype="int64").to_numpy() for i in (0, 1))
    made = amounts.product(one, other).tolist()
    for (a, b), got in zip(pairs, made, strict=True):
        exact = (abs(a * b) + SCALE // 2) // SCALE * (1 if a * b >= 0 else -1)
        assert got == max(-(2**62), min(2**62, exact))
