"""The limits of a purchase that need no book: a single one, and one that is over the whole year's by itself."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from mappings.canonical.batch import Batch
from mappings.canonical.columns import SCALE, plain, plain_column
from mappings.imports import parameters
from tasks.imports.frames import amounts, tell


def measured(batch: Batch, on: date, name: str, price: np.ndarray) -> np.ndarray:
    """What is held against a limit (single_measure, year_measure): `price`, the taxable one, or the goods value."""
    return price if parameters.value(name, on) == "taxable_price" else amounts(batch.parcels, "order.goods_value")


def over_single(batch: Batch, on: date, price: np.ndarray) -> np.ndarray:
    """Which parcels are over the limit of a single purchase; `price` is the taxable price of each."""
    return measured(batch, on, "single_measure", price) > parameters.money("single_limit", on)


def one_item(batch: Batch) -> np.ndarray:
    """Which parcels hold one goods line of one piece."""
    owner = batch.lines["parcel"].to_numpy()
    count = len(batch.parcels)
    lines = np.bincount(owner, minlength=count)
    pieces = np.zeros(count, dtype=np.int64)
    np.add.at(pieces, owner, np.minimum(amounts(batch.lines, "line.quantity"), 2 * SCALE))
    return (lines == 1) & (pieces <= SCALE)


def limit_faults(batch: Batch, live: np.ndarray, on: date) -> list[pd.DataFrame]:
    """Parcels over the single limit (a single item may pay in full taxes), and over the year's by themselves."""
    price = amounts(batch.parcels, "parcel.tax_price")
    over = over_single(batch, on, price) & live
    single = one_item(batch) & bool(parameters.value("over_single", on))
    in_year = measured(batch, on, "year_measure", price)
    beyond = (in_year > parameters.money("year_limit", on)) & live
    of_single = measured(batch, on, "single_measure", price)
    return [
        _told(batch, code, at, values, parameters.money(limit, on))
        for code, at, values, limit in (
            ("LIM-003", beyond, in_year, "year_limit"),
            ("LIM-001", over & ~single & ~beyond, of_single, "single_limit"),
            ("LIM-002", over & single & ~beyond, of_single, "single_limit"),
        )
    ]


def _told(batch: Batch, code: str, at: np.ndarray, values: np.ndarray, limit: int) -> pd.DataFrame:
    return tell(batch, code, at, value=plain_column(values[at]), other=plain(limit))
