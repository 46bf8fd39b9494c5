"""Taxes of a truck's goods lines as columns, and the order's own tax beside them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd

from mappings.canonical.batch import Batch
from mappings.canonical.columns import plain
from mappings.imports import parameters, tax
from mappings.imports.exact import apportioned, integers, objects, per_owner
from mappings.imports.rates import Rates, shipped
from tasks.imports import limits
from tasks.imports.frames import amounts, tell, texts

_UNITS = (("line.unit2", "line.quantity2"), ("line.unit1", "line.quantity1"), ("line.unit", "line.quantity"))
PROBLEM = "line.tax_problem"


def prices(batch: Batch) -> np.ndarray:
    """Each line's taxable price: its goods, and by their value its part of the order's freight and insurance."""
    goods, owner = amounts(batch.lines, "line.total_price"), batch.lines["parcel"].to_numpy()
    carried = objects(amounts(batch.parcels, "order.freight")) + objects(amounts(batch.parcels, "order.insurance"))
    return integers(objects(goods) + apportioned(carried, goods, owner))


def taxed(batch: Batch, on: date, rates: Rates | None = None) -> Batch:
    """The batch with line.tax_price, .tax_duty, .tax_consumption, .tax_vat, .tax_rate, the same sums of each parcel
    (parcel.tax_*) and parcel.tax_total. A line without a rate has no taxes, and nor has its parcel.
    """
    rates = rates or shipped()
    owner, price = batch.lines["parcel"].to_numpy(), prices(batch)
    count = len(batch.parcels)
    whole = integers(per_owner(owner, objects(price), count))
    full = limits.over_single(batch, on, whole)
    units = tuple((texts(batch.lines, unit), amounts(batch.lines, quantity)) for unit, quantity in _UNITS)
    goods = tax.Goods(price, texts(batch.lines, "line.hs_code"), units, owner, full[owner])
    found = tax.taxes(goods, rates, on)
    known = (found.problem == "").astype(bool)
    places = np.array([*(rate.place for rate in rates.rows), ""], dtype=object)
    lines = {"line.tax_price": _column(price, np.ones(len(price), dtype=bool))}
    lines |= {f"line.tax_{name}": _column(values, known) for name, values in found.amounts.items()}
    lines |= {
        "line.tax_rate": pd.Series(places[found.row], dtype="str"),
        PROBLEM: pd.Series(found.problem, dtype="str"),
    }
    complete = np.ones(count, dtype=bool)
    complete[owner[~known]] = False
    sums = {name: per_owner(owner, objects(values), count) for name, values in found.amounts.items()}
    parcels = {"parcel.tax_price": _column(whole, np.ones(count, dtype=bool))}
    parcels |= {f"parcel.tax_{name}": _column(integers(values), complete) for name, values in sums.items()}
    total = np.sum(list(sums.values()), axis=0) if sums else np.zeros(count, dtype=object)
    parcels["parcel.tax_total"] = _column(integers(total), complete)
    return replace(batch, parcels=batch.parcels.assign(**parcels), lines=batch.lines.assign(**lines))


def levied(lines: pd.DataFrame) -> np.ndarray:
    """The taxes of each line in all."""
    parts = [amounts(lines, f"line.tax_{name}") for name in tax.TAXES]
    return np.asarray(parts, dtype=np.int64).sum(axis=0, dtype=np.int64)


def _column(values: np.ndarray, present: np.ndarray) -> pd.Series:
    return pd.Series(pd.arrays.IntegerArray(values.astype(np.int64), ~present))


def tax_faults(batch: Batch, live: np.ndarray, on: date, rates: Rates | None = None) -> list[pd.DataFrame]:
    """Lines without a rate or quantity, orders in another currency, and taxes stated otherwise than computed."""
    of_live = live[batch.lines["parcel"].to_numpy()]
    problem = texts(batch.lines, PROBLEM).to_numpy()
    no_rate, no_quantity = ((problem == name) & of_live for name in (tax.NO_RATE, tax.NO_QUANTITY))
    currency = texts(batch.parcels, "order.currency")
    wanted = str(parameters.value("currency", on))
    foreign = ((currency != wanted) & (currency != "")).to_numpy() & live
    return [
        tell(batch, "TAX-003", no_rate, other=on.isoformat()),
        tell(batch, "TAX-004", no_quantity, other=_units(batch, no_quantity, on, rates or shipped())),
        tell(batch, "TAX-005", foreign, other=wanted),
        *_stated(batch, live & ~foreign, on),
    ]


def _units(batch: Batch, at: np.ndarray, on: date, rates: Rates) -> list[str]:
    """In which unit each of these lines would need a quantity."""
    codes = texts(batch.lines, "line.hs_code").to_numpy()[at]
    units = {
        c: next((rates.rows[n].unit for n in rates.candidates(c, on) if rates.rows[n].specific), "") for c in codes
    }
    return [units[code] for code in codes]


def _stated(batch: Batch, live: np.ndarray, on: date) -> list[pd.DataFrame]:
    """The order's tax beside the computed one: within the tolerance of its lines a warning, beyond it an error."""
    if "order.tax_total" not in batch.parcels:
        return []
    known = (batch.parcels["order.tax_total"].notna() & batch.parcels["parcel.tax_total"].notna()).to_numpy() & live
    stated, computed = amounts(batch.parcels, "order.tax_total"), amounts(batch.parcels, "parcel.tax_total")
    lines = np.bincount(batch.lines["parcel"].to_numpy(), minlength=len(batch.parcels))
    allowed = lines * len(tax.TAXES) * parameters.money("tax_tolerance", on)
    apart = np.abs(stated - computed)
    found = []
    for code, differs in (("TAX-001", apart > allowed), ("TAX-002", (apart > 0) & (apart <= allowed))):
        at = np.flatnonzero(differs & known)
        found.append(tell(batch, code, at, other=[_reckoning(batch, n) for n in at.tolist()]))
    return found


def _reckoning(batch: Batch, position: int) -> str:
    """How a parcel's tax was computed, line by line: "37.31 (1: 410 × rates.csv:8 = 37.31)"."""
    start, end = batch.line_bounds()[position : position + 2]
    lines = batch.lines.iloc[start:end]
    taxes = levied(lines)
    parts = zip(lines["line.gnum"], amounts(lines, "line.tax_price"), lines["line.tax_rate"], taxes, strict=True)
    told = "; ".join(f"{gnum}: {plain(int(p))} × {place} = {plain(int(t))}" for gnum, p, place, t in parts)
    return f"{plain(int(amounts(batch.parcels, 'parcel.tax_total')[position]))} ({told})"
