"""What the stages of imports share: is this an import, faults of rows of a batch, holding parcels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from mappings import faults, profiles
from mappings.canonical.batch import Batch
from mappings.canonical.columns import plain_column

STAGE = "import"
_NEEDED = ("buyer.id_number",)


def is_import(batch: Batch) -> bool:
    """Whether the truck comes in and its files know a buyer."""
    return batch.truck.direction == "import" and all(name in batch.parcels for name in _NEEDED)


def amounts(frame: pd.DataFrame, name: str) -> np.ndarray:
    """A column of scaled integers; a missing value or column is 0."""
    if name not in frame:
        return np.zeros(len(frame), dtype=np.int64)
    return frame[name].astype("Int64").to_numpy(dtype=np.int64, na_value=0)


def texts(frame: pd.DataFrame, name: str) -> pd.Series:
    """A column of texts; a missing value or column is ''."""
    if name not in frame:
        return pd.Series([""] * len(frame), index=frame.index, dtype="str")
    return frame[name].astype("str").fillna("")


def shown(frame: pd.DataFrame, name: str) -> list[str]:
    """A column as people read it."""
    if name not in frame:
        return [""] * len(frame)
    return (
        plain_column(frame[name]) if pd.api.types.is_integer_dtype(frame[name].dtype) else texts(frame, name).tolist()
    )


def tell(
    batch: Batch, code: str, at: np.ndarray, field: str = "", value: Sequence[str] | None = None,
    other: Sequence[str] | str = "",
) -> pd.DataFrame:  # fmt: skip
    """One fault for each row in `at` (positions or a mask): of the lines for a line's field, else of the parcels.

    `value` and `other` belong to those rows; without `value` it is the field's own.
    """
    at = np.flatnonzero(at) if at.dtype == bool else at
    field = field or faults.table()[code].field
    of_line = field.startswith("line.")
    rows = (batch.lines if of_line else batch.parcels).iloc[at]
    heads = batch.parcels.iloc[rows["parcel"].to_numpy()] if of_line else rows
    others = [other] * len(rows) if isinstance(other, str) else other
    values = value if value is not None else shown(rows, field)
    table = field.partition(".")[0]
    table = table if f"{table}.file" in rows else "order"
    places = zip(*(shown(rows, f"{table}.{n}") for n in ("file", "sheet", "profile")), strict=True)
    numbers = rows[f"{table}.row"].tolist() if f"{table}.row" in rows else [0] * len(rows)
    return faults.frame(
        {"order_no": order, "waybill_no": waybill, "code": code, "field": field, "value": v, "other_value": o,
         "file": file, "sheet": sheet, "row": row, "column": _heading(profile, field), "stage": STAGE}
        for order, waybill, v, o, (file, sheet, profile), row in zip(
            texts(heads, "order.order_no"), texts(heads, "waybill.waybill_no"), values, others, places, numbers,
            strict=True)
    )  # fmt: skip


def _heading(profile: str, field: str) -> str:
    return profiles.heading(profile, field) if profile else ""


def held(batch: Batch, found: pd.DataFrame) -> Batch:
    """The batch with these faults; a ready parcel with an error waits, its first error in the table is the reason."""
    errors = found[(found["severity"] == "error") & (found["order_no"] != "")]
    kinds = faults.table()
    reasons: dict[str, str] = {}
    for order, code in zip(errors["order_no"], errors["code"], strict=True):
        if order not in reasons or kinds[code].order < kinds[reasons[order]].order:
            reasons[order] = code
    state, reason = (batch.parcels[name].copy() for name in ("parcel.state", "parcel.reason"))
    named = batch.parcels["order.order_no"].map(reasons)
    mine = ((state == "ready") & named.notna()).to_numpy()
    state[mine], reason[mine] = "held", named[mine]
    parcels = batch.parcels.assign(**{"parcel.state": state, "parcel.reason": reason})
    return replace(batch, parcels=parcels, faults=faults.together([batch.faults, found]))
