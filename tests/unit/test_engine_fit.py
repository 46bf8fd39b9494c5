"""Every way in which a value can miss its field, found by column before anything is written."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from mappings.engine import columns, fit, spec
from mappings.engine.fit import Misfit
from mappings.engine.rows import Rows
from mappings.engine.spec import Field
from mappings.identity import seeded
from tasks.conversion.declare import document_values, parts, rows_of
from tasks.conversion.messages import Making
from tests.factory import START, make_batch

CEB603 = spec.load("CEB603Message")


def inventory(count: int = 3, lines: int = 2) -> tuple[Rows, dict[str, Rows]]:
    ((kind, part),) = parts(make_batch(count, lines), ("CEB603Message",))
    return rows_of(part, kind, document_values(part, kind, Making(seeded(1), START)))


def with_line(path: str, values: list[object], dtype: str = "str", count: int = 3) -> list[Misfit]:
    heads, lists = inventory(count)
    lines = lists["InventoryList"]
    column = list(lines.values[path])  # type: ignore[call-overload]
    column[: len(values)] = values
    changed = lines.adding({path: pd.Series(column, dtype=dtype)})
    return fit.misfits(CEB603, heads, {"InventoryList": changed})


def with_head(path: str, values: object) -> list[Misfit]:
    heads, lists = inventory()
    return fit.misfits(CEB603, heads.adding({path: values}), lists)


def short(found: list[Misfit]) -> list[tuple[str, str, str, list[int]]]:
    return [(f"{m.segment}/{m.field.tag}", m.problem, m.value, m.documents.tolist()) for m in found]


def test_a_good_truck_fits() -> None:
    assert fit.misfits(CEB603, *inventory()) == []


def test_too_long_counts_characters_not_bytes() -> None:
    assert with_line("line.item_no", ["鬱" * 20]) == []
    found = with_line("line.item_no", ["a", "x" * 21, "x" * 21, "b", "x" * 21])
    assert short(found) == [("InventoryList/itemNo", "too_long", "x" * 21, [0, 1, 2])]


def test_two_lines_of_one_document_name_it_once() -> None:
    assert short(with_line("line.item_no", ["x" * 21] * 2)) == [("InventoryList/itemNo", "too_long", "x" * 21, [0])]


def test_wrong_length_of_a_fixed_field() -> None:
    found = with_line("line.hs_code", ["1234567890", "1234", "12345678901"])
    assert sorted(short(found)) == [
        ("InventoryList/gcode", "wrong_length", "1234", [0]),
        ("InventoryList/gcode", "wrong_length", "12345678901", [1]),
    ]


def test_empty_where_something_must_stand() -> None:
    assert short(with_line("line.goods_name", ["a", "a", ""])) == [("InventoryList/gname", "empty", "", [1])]


def test_empty_where_a_default_stands_in_or_nothing_need_stand() -> None:
    assert with_line("line.goods_model", [""]) == []
    assert with_line("line.item_name", [""]) == []
    assert with_head("waybill.big_bag_no", pd.Series(["", "", ""], dtype="str")) == []


def test_a_missing_number_is_empty() -> None:
    found = with_line("line.quantity1", [pd.NA], dtype="Int64")
    assert short(found) == [("InventoryList/qty1", "empty", "", [0])]
    assert with_line("line.quantity2", [pd.NA] * 6, dtype="Int64") == []


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\ufffe", "\ud800"])
def test_a_character_that_xml_cannot_hold(character: str) -> None:
    heads, lists = inventory()
    names = [f"bad{character}", "good", "good"]
    found = fit.misfits(CEB603, heads.adding({"order.order_no": names}), lists)
    assert short(found) == [("InventoryHead/orderNo", "character", names[0], [0])]


def test_a_value_without_a_code_shows_the_value() -> None:
    found = with_line("line.unit", ["H87", "XYZ"])
    assert short(found) == [("InventoryList/unit", "no_code", "XYZ", [0])]


def test_a_value_without_a_code_is_not_lost_from_an_optional_field() -> None:
    found = with_line("line.unit2", ["XYZ", "", "KGM", "CN:999"])
    assert sorted(short(found)) == [
        ("InventoryList/unit2", "no_code", "CN:999", [1]),
        ("InventoryList/unit2", "no_code", "XYZ", [0]),
    ]


def test_a_missing_value_of_a_coded_field_is_empty_and_not_without_code() -> None:
    assert short(with_line("line.currency", [""])) == [("InventoryList/currency", "empty", "", [0])]


def test_a_constant_stands_in_every_document() -> None:
    assert short(with_head("truck.master_waybill", "x" * 38)) == [
        ("InventoryHead/billNo", "too_long", "x" * 38, [0, 1, 2])
    ]
    assert short(with_head("truck.package_kind", "ZZ")) == [("InventoryHead/wrapType", "no_code", "ZZ", [0, 1, 2])]
    assert short(with_head("truck.customs_office", "")) == [("InventoryHead/customsCode", "empty", "", [0, 1, 2])]
    assert short(with_head("truck.planned.crossing", None)) == [("InventoryHead/ieDate", "empty", "", [0, 1, 2])]


def test_a_code_of_a_list_without_canonical_codes_must_be_listed() -> None:
    assert short(with_head("truck.regime", "9999")) == [("InventoryHead/tradeMode", "no_code", "9999", [0, 1, 2])]
    kinds = with_head("document.app_type", ["1", "7", "2"])
    assert short(kinds) == [("InventoryHead/appType", "no_code", "7", [1])]


def test_too_big_a_number() -> None:
    big = with_head("waybill.pieces", pd.Series([1, 10**9, 999_999_999], dtype="Int64"))
    assert short(big) == [("InventoryHead/packNo", "too_big", "1000000000", [1])]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("9" * 14 + ".99999", ""), ("-" + "9" * 14, ""), ("9" * 15, "too_big"), ("0.123456", "too_big"), ("0", ""),
        ("", "empty"),
    ],
)  # fmt: skip
def test_digits_of_a_decimal(text: str, problem: str) -> None:
    assert fit._problem(Field("x", "N", 19, False, 5, "M"), text) == problem


@pytest.mark.parametrize("text", ["9" * 14 + ".99999", "-" + "9" * 14, "9" * 15, "0.123456", "0", "", "1.5", "-1"])
@pytest.mark.parametrize(("decimals", "use"), [(5, "M"), (0, "M"), (None, "O"), (2, "O")])
def test_a_column_of_numbers_is_judged_as_each_of_them_is(text: str, decimals: int | None, use: str) -> None:
    item = Field("x", "N", 19, False, decimals, use, source="x")
    found = fit._bad(CEB603, item, columns.column(["7", text]), Rows({}, 2))
    assert found == {t: problem for t in (text,) if (problem := fit._problem(item, t))}


@pytest.mark.parametrize("texts", [["中" * 4], ["中" * 5], ["abcde"], ["abcd", ""], ["abc"], [""], ["ab\x01"]])
@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("use", ["M", "O"])
def test_a_column_of_texts_is_judged_as_each_of_them_is(texts: list[str], fixed: bool, use: str) -> None:
    item = Field("x", "C", 4, fixed, None, use, source="x")
    found = fit._bad(CEB603, item, columns.column(texts), Rows({}, len(texts)))
    assert found == {t: problem for t in texts if (problem := fit._problem(item, t))}


def test_number_of_lines_out_of_bounds() -> None:
    heads, lists = inventory(2, 101)
    found = fit.misfits(CEB603, heads, lists)
    assert short(found) == [("InventoryList/count", "count", "1..100", [0, 1])]
    none = lists["InventoryList"]
    kept = {path: column[:101] for path, column in none.values.items()}  # type: ignore[index]
    few = Rows(kept, 101, none.owner[:101])  # type: ignore[index]
    assert [(m.problem, m.documents.tolist()) for m in fit.misfits(CEB603, heads, {"InventoryList": few})] == [
        ("count", [0, 1])
    ]


def test_many_different_faults_stay_quick() -> None:
    """One pass over a column, however many of its values are wrong."""
    count = 5_000
    ((kind, part),) = parts(make_batch(count, 1), ("CEB505Message",))
    heads, _ = rows_of(part, kind, document_values(part, kind, Making(seeded(1), datetime(2026, 1, 1, tzinfo=UTC))))
    wrong = heads.adding({"waybill.waybill_no": pd.Series([f"{i:040d}" for i in range(count)], dtype="str")})
    found = fit.misfits(spec.load(kind), wrong)
    assert len(found) == count
    assert np.concatenate([m.documents for m in found]).tolist() != []
