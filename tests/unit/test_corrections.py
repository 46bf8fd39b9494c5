"""A person's corrections: each is judged before it is kept, since one of no use would stop its truck for good."""

from __future__ import annotations

import pandas as pd
import pytest

from mappings.canonical import columns
from mappings.errors import DataFault
from tasks.capture.captured import Correction
from tasks.cleaning.corrections import corrected, value_of


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("waybill.gross_weight", "1.25", 125_000), ("waybill.gross_weight", "-5", -500_000),
        ("waybill.pieces", "2.0", 2), ("payment.pay_no", "P 1", "P 1"), ("payment.amount", "0.00001", 1),
    ],
)  # fmt: skip
def test_a_value_becomes_what_its_column_holds(field: str, text: str, value: object) -> None:
    assert value_of(Correction("A", field, text)) == value


@pytest.mark.parametrize(
    ("field", "text", "told"),
    [
        ("waybill.gross_weight", "heavy", "not a number"), ("payment.amount", "", "not a number"),
        ("waybill.gross_weight", "NaN", "beyond"), ("waybill.pieces", "Infinity", "beyond"),
        ("waybill.gross_weight", "1e30", "beyond"), ("waybill.pieces", "1.5", "more than 0 decimals"),
        ("payment.amount", "1.000001", "more than 5 decimals"), ("order.ordered_at", "2026-11-23", "corrected file"),
        ("order.cancelled", "yes", "corrected file"), ("order.order_no", "B", "by hand"),
        ("line.price", "1", "by hand"), ("order.no_such_field", "1", "by hand"), ("", "1", "by hand"),
    ],
)  # fmt: skip
def test_a_value_of_no_use_is_refused_in_both_languages(field: str, text: str, told: str) -> None:
    with pytest.raises(DataFault, match=told) as fault:
        value_of(Correction("A", field, text))
    assert any("\u4e00" <= letter <= "\u9fff" for letter in str(fault.value))


def test_the_last_correction_of_an_order_holds_and_others_stay() -> None:
    table = columns.empty("waybill", 2).assign(**{"waybill.order_no": pd.Series(["A", "B"], dtype="str")})
    given = [Correction("A", "waybill.gross_weight", "1"), Correction("A", "waybill.gross_weight", "2")]
    made = corrected({"waybill": table}, [*given, Correction("C", "waybill.gross_weight", "3")])["waybill"]
    assert made["waybill.gross_weight"].tolist() == [200_000, pd.NA]
    assert made["waybill.gross_weight"].dtype == "Int64"
