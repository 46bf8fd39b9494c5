"""Matched tables as one batch: a row a parcel, its lines, where everything came from, and what state it is in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import pandas as pd

from mappings import faults, rules
from mappings.canonical import columns
from mappings.canonical.columns import DTYPES
from mappings.canonical.digests import digests
from mappings.engine.columns import positions
from tasks.cleaning import Cleaned, amounts
from tasks.cleaning.blame import ROW, SOURCE, Place

_MISSING = {"text": "", "flag": False, "decimal": pd.NA, "integer": pd.NA, "time": pd.NaT}
_TYPES = {kind: pd.Series(dtype=name).dtype for kind, name in DTYPES.items()}  # looked up by name once
_ZERO = ("waybill.freight", "waybill.insured_fee")


def net_weight(cleaned: Cleaned) -> tuple[np.ndarray, np.ndarray]:
    """For each order the net weight of the goods whose weight is known, and whether all are."""
    weight, known = amounts.numbers(cleaned.line["line.net_weight"])
    count = len(cleaned.order)
    unknown = np.bincount(cleaned.owner, weights=~known, minlength=count) > 0
    return amounts.per_owner(cleaned.owner, weight, count), ~unknown


def _taken(table: pd.DataFrame, name: str, at: np.ndarray) -> dict[str, pd.Series]:
    """The canonical columns of a table laid out by parcel; missing where `at` is -1."""
    if not len(table):
        bare = columns.empty(name, len(at))
        return {path: bare[path] for path in columns.columns(name)}
    made = {}
    for path, column in columns.columns(name).items():
        values = table[path].array.take(at, allow_fill=True, fill_value=_MISSING[column.kind])
        made[path] = pd.Series(values, dtype=_TYPES[column.kind])
    return made


@lru_cache(maxsize=32)
def _categories(texts: tuple[str, ...]) -> tuple[np.ndarray, pd.CategoricalDtype]:
    """The number of each text, and what the numbers mean: the same for every table of a truck."""
    numbers, names = pd.factorize(pd.Series(texts, dtype="object"))
    return numbers, pd.CategoricalDtype(pd.Index(names, dtype="str"))


def _provenance(
    table: pd.DataFrame, name: str, at: np.ndarray, places: list[Place], mark: str = ""
) -> dict[str, object]:
    """Where each row came from: <name>.file, .sheet, .row and .profile."""
    source = np.full(len(at), -1) if not len(table) else np.where(at >= 0, table[f"{mark}{SOURCE}"].to_numpy()[at], -1)
    rows = (
        np.zeros(len(at), np.int64)
        if not len(table)
        else np.where(source >= 0, table[f"{mark}{ROW}"].to_numpy()[at], 0)
    )
    made: dict[str, object] = {f"{name}.row": rows}
    for what in ("file", "sheet", "profile"):
        numbers, kind = _categories((*(getattr(place, what) for place in places), ""))
        made[f"{name}.{what}"] = pd.Categorical.from_codes(numbers[source], dtype=kind)
    return made


def lines_of(cleaned: Cleaned) -> pd.DataFrame:
    """The goods lines of the batch."""
    every = np.arange(len(cleaned.line))
    made: dict[str, object] = {path: cleaned.line[path] for path in columns.columns("line")}
    made |= _provenance(cleaned.line, "line", every, cleaned.places)
    made |= _provenance(cleaned.line, "goods", every, cleaned.places, mark="goods")
    made["parcel"] = cleaned.owner.astype(np.int64)
    return pd.DataFrame(made)


def parcels_of(
    cleaned: Cleaned, paid: np.ndarray, carried: np.ndarray, bought: np.ndarray, lines: pd.DataFrame,
    fill: Mapping[str, str],
) -> pd.DataFrame:  # fmt: skip
    """One row a parcel, its state still open; `fill` is what an import's orders take over from their waybills."""
    every = np.arange(len(cleaned.order))
    made: dict[str, object] = {}
    for name, table, at in (
        ("order", cleaned.order, every), ("buyer", cleaned.buyer, bought), ("payment", cleaned.payment, paid),
        ("waybill", cleaned.waybill, carried),
    ):  # fmt: skip
        made |= _taken(table, name, at)
        if name != "buyer" or len(table):
            made |= _provenance(table, name, at, cleaned.places)
    frame = pd.DataFrame(made)
    for path in _ZERO:
        frame[path] = frame[path].fillna(0)
    frame = _fill(frame, cleaned)
    for path, source in fill.items():
        absent = (frame[path] == "") if frame[path].dtype == "str" else frame[path].isna()
        frame[path] = frame[path].where(~absent, frame[source])
    weight, known = net_weight(cleaned)
    frame["parcel.seq"] = np.arange(1, len(frame) + 1, dtype=np.int64)
    frame["parcel.net_weight"] = amounts.column(weight, known)
    frame["parcel.digest"] = pd.Series(digests(frame, lines), dtype="str")
    return frame


def _fill(frame: pd.DataFrame, cleaned: Cleaned) -> pd.DataFrame:
    """What a waybill takes over from its order or the order's first line (match.yaml: fill)."""
    has_waybill = (frame["waybill.waybill_no"] != "").to_numpy()
    first = np.searchsorted(cleaned.owner, np.arange(len(frame)))
    first[first == len(cleaned.line)] = -1  # nothing
    for path, source in rules.match().fill.items():
        if not path.startswith("waybill."):
            continue
        if source.startswith("line."):
            values = cleaned.line[source].array.take(first, allow_fill=True, fill_value="")
        else:
            values = frame[source].array
        empty = (frame[path] == "").to_numpy() & has_waybill
        frame[path] = frame[path].where(~empty, pd.Series(values, dtype="str"))
    return frame


def states(frame: pd.DataFrame, found: pd.DataFrame, excluded: np.ndarray) -> pd.DataFrame:
    """The parcels with state and reason: a parcel's first error in the order of the table of faults."""
    order = {code: kind.order for code, kind in faults.table().items()}
    errors = found[(found["severity"] == "error") & (found["order_no"] != "")]
    ranks = errors["code"].map(order).to_numpy(dtype=np.int64)
    worst = np.full(len(frame) + 1, len(order), dtype=np.int64)
    at = positions(errors["order_no"], frame["order.order_no"])
    np.minimum.at(worst, at, ranks)  # a fault of no known order falls on the last, spare place
    names = np.array([*order, ""], dtype=object)
    reason, held = names[worst[: len(frame)]], worst[: len(frame)] < len(order)
    cancelled = frame["order.cancelled"].to_numpy(dtype=bool)
    reason = np.where(excluded, np.where(cancelled, "ORD-001", "ORD-002"), reason)
    state = np.where(excluded, "excluded", np.where(held, "held", "ready"))
    return frame.assign(**{
        "parcel.state": pd.Series(state, dtype="str"), "parcel.reason": pd.Series(reason, dtype="str"),
    })  # fmt: skip


def with_waybills(found: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """The faults, each with its parcel's waybill number where it has none of its own."""
    at = positions(found["order_no"], frame["order.order_no"])
    known = frame["waybill.waybill_no"].array.take(at, allow_fill=True, fill_value="")
    own = found["waybill_no"]
    return found.assign(waybill_no=own.where(own != "", pd.Series(known, index=found.index, dtype="str")))
