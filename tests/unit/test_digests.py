"""Digests of parcels: what is declared counts, and nothing else does."""

from __future__ import annotations

import gc
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from adapters.ledger import parcels
from mappings.canonical.digests import column_hashes, digests, kept
from tests.factory import make_batch

BATCH = make_batch(3, 2)


def _with(table: str, path: str, value: Any, at: int = 0) -> list[str]:
    """The digests with one value changed."""
    frames = {"parcels": BATCH.parcels.copy(), "lines": BATCH.lines.copy()}
    frames[table][path] = frames[table][path].copy()
    frames[table].loc[at, path] = value
    return digests(frames["parcels"], frames["lines"])


@pytest.mark.parametrize(
    ("table", "path", "value"),
    [("parcels", "order.order_no", "X"), ("parcels", "order.freight", 1), ("parcels", "order.freight", pd.NA),
     ("parcels", "order.ordered_at", pd.Timestamp("2027-01-01", tz="UTC")), ("parcels", "order.ordered_at", pd.NaT),
     ("parcels", "order.cancelled", True), ("parcels", "waybill.consignee_name", ""),
     ("lines", "line.quantity", 1), ("lines", "line.goods_name", "别的")],
)  # fmt: skip
def test_any_value_counts_for_its_own_parcel_alone(table: str, path: str, value: Any) -> None:
    assert [a == b for a, b in zip(digests(BATCH.parcels, BATCH.lines), _with(table, path, value), strict=True)] == [
        False, True, True,
    ]  # fmt: skip


def test_which_column_a_value_stands_in_counts() -> None:
    names = {
        "waybill.consignee_name": "waybill.consignee_address",
        "waybill.consignee_address": "waybill.consignee_name",
    }
    assert digests(BATCH.parcels.rename(columns=names), BATCH.lines)[0] != digests(BATCH.parcels, BATCH.lines)[0]


def test_which_line_a_value_stands_in_counts() -> None:
    swapped = BATCH.lines.copy()
    swapped.loc[[0, 1], "line.quantity"] = [7, 8]
    other = BATCH.lines.copy()
    other.loc[[0, 1], "line.quantity"] = [8, 7]
    assert digests(BATCH.parcels, swapped)[0] != digests(BATCH.parcels, other)[0]


def test_empty_columns_and_the_place_in_a_file_do_not_count() -> None:
    without = BATCH.parcels.drop(columns="order.cancelled")
    assert not BATCH.parcels["order.cancelled"].any()
    moved = without.assign(**{"order.row": range(3), "order.file": "other.csv", "parcel.seq": [7, 8, 9]})
    assert digests(moved, BATCH.lines.assign(**{"line.row": 1})) == digests(BATCH.parcels, BATCH.lines)


def test_the_digest_is_the_same_in_every_version() -> None:
    assert digests(BATCH.parcels, BATCH.lines)[0] == "b7ee9887346182fc5b553fb95c1b1972"


def test_the_ledger_takes_the_digest_of_the_match() -> None:
    matched = replace(BATCH, parcels=BATCH.parcels.assign(**{"parcel.digest": ["a", "b", "c"]}))
    assert [row.digest for row in parcels.rows_of(matched)] == ["a", "b", "c"]
    assert [row.digest for row in parcels.rows_of(BATCH)] == digests(BATCH.parcels, BATCH.lines)


def test_a_hash_that_is_kept_belongs_to_its_column_and_name_and_goes_with_it() -> None:
    known, first = dict(kept), pd.Series(["A", "", "B"], dtype="str")
    one = column_hashes(first, "order.order_no")
    assert column_hashes(first, "order.order_no") is one  # kept
    assert [a == b for a, b in zip(one, column_hashes(first, "order.buyer_name"), strict=True)] == [False, True, False]
    assert (column_hashes(first.iloc[::-1], "order.order_no") == one[::-1]).all()
    changed = first.copy()
    changed.iloc[0] = "C"
    assert [a == b for a, b in zip(one, column_hashes(changed, "order.order_no"), strict=True)] == [False, True, True]
    with pytest.raises(ValueError, match="read-only"):
        one[0] = 0
    del first, changed
    gc.collect()
    assert not kept.keys() - known.keys()
