"""A made-up import truck in columns: buyers who do not exist, taxes that agree, an account book of a warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from stdnum.cn import ric

from mappings.canonical.batch import Batch
from mappings.canonical.columns import SCALE
from mappings.canonical.model import Truck
from tasks.imports.taxing import taxed
from tests.factory import PARTIES, make_batch

DAY = date(2026, 11, 23)
GUARANTOR, EMS = "91440400TESTGUAR09", "T4404W000001"
COMPANY = "91110000600037341L"  # python-stdnum's own example of a right check digit


def resident(n: int, born: str = "19900101") -> str:
    """A number with a right check digit, of an area (990000) that no card is issued in."""
    head = f"990000{born}{n:03d}"
    return head + ric.calc_check_digit(head + "0")


def column(values: Sequence[int | None]) -> pd.Series:
    """Scaled integers as a decimal column."""
    return pd.Series(list(values), dtype="Int64")


def make_import(
    n: int = 3, lines: float = 2, seed: int = 1, buyers: Sequence[str] | None = None, ems_no: str = "", **truck: Any
) -> Batch:
    """A truck of `n` parcels that comes in, each of its own buyer, with the right taxes stated.

    The goods are those of the factory, in yuan; with `ems_no` each line has an item record number (ITEM0 to ITEM3).
    """
    parties = {role: dict(party) for role, party in PARTIES.items()} | {
        "guarantor": {"code": GUARANTOR, "name": "测试担保有限公司"}
    }
    batch = make_batch(n, lines, seed)
    values = (
        batch.truck.model_dump()
        | {"direction": "import", "parties": parties, "ems_no": ems_no, "exit_port": "", "ie_port": "5788"}
        | truck
    )
    numbers = list(buyers) if buyers is not None else [resident(i) for i in range(n)]
    heads = {
        "order.currency": pd.Series(["CNY"] * n, dtype="str"),
        "order.insurance": column([0] * n),
        "buyer.id_type": pd.Series(["1"] * n, dtype="str"),
        "buyer.id_number": pd.Series(numbers, dtype="str"),
        "buyer.name": pd.Series([f"测试买家{i}" for i in range(n)], dtype="str"),
    }
    codes = batch.lines["line.hs_code"].replace({"3406000090": "9503008900", "8306299000": "8509809000"})
    items = pd.Series([f"ITEM{code[:2]}" for code in codes], dtype="str")
    frame = batch.lines.assign(**{"line.hs_code": codes, "line.item_record_no": items if ems_no else ""})
    frame["line.unit"] = pd.Series(["H87"] * len(frame), dtype="str")
    made = Batch(Truck.model_validate(values), batch.parcels.assign(**heads), frame, batch.faults)
    return stated(made)


def stated(batch: Batch, by: int = 0) -> Batch:
    """The batch with the computed taxes as the order's own, each wrong by so much."""
    total = taxed(batch, DAY).parcels["parcel.tax_total"] + by
    return replace(batch, parcels=batch.parcels.assign(**{"order.tax_total": total}))


def priced(batch: Batch, *prices: int) -> Batch:
    """The batch, of one line a parcel, with these whole yuan as prices, one piece each and no freight; taxes stated."""
    money = np.array(prices, dtype=np.int64) * SCALE
    lines = batch.lines.assign(**{
        "line.total_price": column(money), "line.price": column(money), "line.quantity": column([SCALE] * len(money)),
    })  # fmt: skip
    heads = {"order.goods_value": column(money), "order.freight": column([0] * len(money))}
    return stated(replace(batch, lines=lines, parcels=batch.parcels.assign(**heads)))
