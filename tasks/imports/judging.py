"""Judging the parcels of an import before anybody declares them."""

from __future__ import annotations

from datetime import date

from mappings import faults
from mappings.canonical.batch import Batch
from mappings.imports import parameters
from mappings.imports.rates import Rates
from tasks.imports.frames import held, is_import
from tasks.imports.identity import number_faults
from tasks.imports.limits import limit_faults
from tasks.imports.taxing import PROBLEM, tax_faults, taxed


def judge(batch: Batch, on: date | None = None, rates: Rates | None = None) -> Batch:
    """The batch with its taxes (see `taxed`) and every fault of numbers, limits and taxes; errors hold their parcel.

    `on` is the day in Beijing (today by default), `rates` the company's table (the made-up one by default: see
    company_rates). A batch that is no import comes back as it was.
    """
    if not is_import(batch):
        return batch
    on = on or parameters.today()
    batch = taxed(batch, on, rates)
    live = (batch.parcels["parcel.state"] != "excluded").to_numpy()
    found = [*number_faults(batch, live, on), *limit_faults(batch, live, on), *tax_faults(batch, live, on, rates)]
    batch = held(batch, faults.together(found))
    return Batch(batch.truck, batch.parcels, batch.lines.drop(columns=PROBLEM), batch.faults)
