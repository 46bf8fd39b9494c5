"""The canonical model in both shapes: the same fields, exact numbers, and a batch that survives its bytes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mappings.canonical import columns
from mappings.canonical.batch import Batch
from mappings.canonical.columns import SCALE
from mappings.canonical.model import TABLES, GoodsLine, Order, Parcel, Shipment, Waybill
from tests.factory import make_batch, make_truck

INT64 = st.integers(-(2**63) + 1, 2**63 - 1)


def test_columns_are_the_model_s_fields() -> None:
    for table, model in TABLES.items():
        assert [c.removeprefix(f"{table}.") for c in columns.columns(table)] == list(model.model_fields)


@pytest.mark.parametrize(
    ("path", "kind", "required", "personal"),
    [
        ("order.goods_value", "decimal", True, False),
        ("order.ordered_at", "time", False, False),
        ("order.cancelled", "flag", False, False),
        ("order.buyer_country", "text", False, False),
        ("waybill.pieces", "integer", False, False),
        ("waybill.consignee_name", "text", False, True),
        ("waybill.consignee_phone", "text", False, True),
        ("waybill.consignee_address", "text", False, True),
        ("payment.payer_name", "text", False, True),
        ("line.quantity2", "decimal", False, False),
        ("goods.net_weight", "decimal", True, False),
    ],
)
def test_a_column_knows_kind_need_and_person(path: str, kind: str, required: bool, personal: bool) -> None:
    column = columns.columns(path.split(".", maxsplit=1)[0])[path]
    assert (column.path, column.kind, column.required, column.personal) == (path, kind, required, personal)


@pytest.mark.parametrize("table", TABLES)
def test_empty_tables_have_their_dtypes(table: str) -> None:
    for length in (0, 2):
        frame = columns.empty(table, length)
        assert len(frame) == length
        for column in columns.columns(table).values():
            assert str(frame[column.path].dtype) == columns.DTYPES[column.kind]
            if column.kind == "text":
                assert (frame[column.path] == "").all()


@given(INT64)
def test_plain_text_is_the_exact_number(value: int) -> None:
    text = columns.plain(value)
    assert Decimal(text) == Decimal(value).scaleb(-5)
    assert "E" not in text
    assert "." not in text or not text.endswith("0")
    assert columns.scaled(Decimal(text)) == value


@given(INT64)
def test_unscaled_is_the_exact_number_in_its_shortest_form(value: int) -> None:
    number = columns.unscaled(value)
    assert number == Decimal(value).scaleb(-5)
    assert format(number, "f") == columns.plain(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1, "0.00001"), (-1, "-0.00001"), (1050000, "10.5"), (-1050000, "-10.5"), (10 * SCALE, "10")],
)
def test_plain_examples(value: int, text: str) -> None:
    assert columns.plain(value) == text


@pytest.mark.parametrize(
    ("number", "value"), [("0.000005", 0), ("0.000015", 2), ("1.123455", 112346), ("-0.000015", -2), ("1e3", 10**8)]
)
def test_scaled_rounds_half_to_even(number: str, value: int) -> None:
    assert columns.scaled(Decimal(number)) == value


@given(st.lists(st.none() | INT64, max_size=20))
def test_plain_column_formats_each_and_leaves_missing_empty(values: list[int | None]) -> None:
    column = pd.Series(values, dtype="Int64")
    assert columns.plain_column(column) == ["" if v is None else columns.plain(v) for v in values]
    assert columns.formatted(column, str) == ["" if v is None else str(v) for v in values]


def test_plain_column_takes_arrays() -> None:
    assert columns.plain_column(np.array([SCALE, SCALE // 2])) == ["1", "0.5"]


def test_batch_survives_its_bytes() -> None:
    batch = make_batch(5, 2.4, driver={"name": "张三\U00020bb7", "licence": "X"})
    again = Batch.from_bytes(batch.to_bytes())
    assert again.truck == batch.truck
    for name in ("parcels", "lines", "faults"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(batch, name))


def test_empty_batch_survives_its_bytes() -> None:
    batch = make_batch(2).select(np.zeros(2, dtype=bool))
    again = Batch.from_bytes(batch.to_bytes())
    assert len(again.parcels) == len(again.lines) == 0
    pd.testing.assert_series_equal(again.parcels.dtypes, batch.parcels.dtypes)


def test_select_keeps_parcels_with_their_lines() -> None:
    batch = make_batch(4, 2.5)
    part = batch.select(np.array([False, True, False, True]))
    assert part.parcels["parcel.seq"].tolist() == [2, 4]
    assert part.parcels.index.tolist() == [0, 1]
    owners = part.parcels["order.order_no"].take(part.lines["parcel"].to_numpy()).tolist()
    assert owners == part.lines["line.order_no"].tolist()
    expected = batch.lines["parcel"].isin([1, 3]).sum()
    assert len(part.lines) == expected
    assert batch.parcels["parcel.seq"].tolist() == [1, 2, 3, 4], "the whole is as it was"


def test_ready_are_the_parcels_to_declare() -> None:
    batch = make_batch(3)
    batch.parcels.loc[1, "parcel.state"] = "held"
    assert batch.ready().parcels["parcel.seq"].tolist() == [1, 3]


def test_line_bounds_cut_lines_by_parcel() -> None:
    batch = make_batch(4, 2.5)
    bounds = batch.line_bounds().tolist()
    assert bounds[0] == 0
    assert bounds[-1] == len(batch.lines)
    for i in range(4):
        assert (batch.lines["parcel"].iloc[bounds[i] : bounds[i + 1]] == i).all()


def test_one_shipment_in_an_api_call() -> None:
    line = GoodsLine(
        order_no="1", item_no="a", currency="GBP", quantity=Decimal(2), price=Decimal("1.5"), total_price=Decimal(3)
    )
    parcel = Parcel(
        order=Order(order_no=" 1 ", currency="GBP", goods_value=Decimal(3)),
        waybill=Waybill(order_no="1", waybill_no="w", gross_weight=Decimal("0.5")),
        lines=[line],
    )
    shipment = Shipment(truck=make_truck(), parcels=[parcel])
    assert shipment.parcels[0].order.order_no == "1", "white space around goes"
    assert Shipment.model_validate_json(shipment.model_dump_json()) == shipment


@pytest.mark.parametrize(
    "wrong",
    [
        {"currency": "gbp"}, {"currency": "POUND"}, {"goods_value": "1.000001"}, {"buyer_country": "GBR"},
        {"surprise": 1}, {"goods_value": "NaN"},
    ],
)  # fmt: skip
def test_model_refuses_what_is_no_such_value(wrong: dict[str, object]) -> None:
    good: dict[str, object] = {"order_no": "1", "currency": "GBP", "goods_value": "1"}
    Order.model_validate(good)
    with pytest.raises(ValidationError):
        Order.model_validate(good | wrong)


def test_a_truck_s_plan_needs_zones() -> None:
    plan = dict.fromkeys(("arrival_at_yard", "departure", "crossing"), datetime(2026, 11, 23))  # noqa: DTZ001
    with pytest.raises(ValidationError):
        make_truck(planned=plan)


@pytest.mark.parametrize("lines", [1, 2, 2.5])
def test_the_made_up_truck_is_consistent(lines: float) -> None:
    batch = make_batch(10, lines, seed=3)
    assert len(batch.lines) == 10 * lines
    sums = batch.lines.groupby("parcel")["line.total_price"].sum()
    assert (batch.parcels["order.goods_value"].to_numpy() == sums.to_numpy()).all()
    money = batch.parcels["order.goods_value"] + batch.parcels["order.freight"]
    assert (batch.parcels["payment.amount"] == money).all()
    assert (batch.parcels["parcel.net_weight"] < batch.parcels["waybill.gross_weight"]).all()
    assert batch.lines.equals(make_batch(10, lines, seed=3).lines)
    assert not batch.lines.equals(make_batch(10, lines, seed=4).lines)
    for table in ("order", "payment", "waybill", "line"):
        frame = batch.lines if table == "line" else batch.parcels
        for path, column in columns.columns(table).items():
            assert str(frame[path].dtype) == columns.DTYPES[column.kind], path


def test_a_selection_is_made_once_and_does_not_outlive_its_batch() -> None:
    batch = make_batch(4, 2)
    some = batch.select([True, False, True, False])
    assert batch.select([True, False, True, False]) is some
    assert batch.select([True] * 4) is batch
    assert some.lines["parcel"].tolist() == [0, 0, 1, 1]
    other = replace(batch, parcels=batch.parcels.assign(**{"parcel.reason": "X"}))
    assert other.select([True, False, True, False]).parcels["parcel.reason"].tolist() == ["X", "X"]


def test_what_is_made_of_a_batch_is_made_once() -> None:
    batch, asked = make_batch(1), list[int]()
    for _ in range(2):
        assert batch.once("key", lambda: asked.append(1)) is None
    assert asked == [1]
