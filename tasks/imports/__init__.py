"""Imports: is the buyer's number right, the purchase within the limits, what are the taxes, and do the books allow it.

    judge(batch, on, rates) -> Batch                              faults, holds and tax columns
    reserve(tx, shipment_id, batch, at, rates) -> {seq: code}     quota, guarantee and stock, before declaring
    settle(tx, shipment_id, states, at) -> {kind: entries}        what a parcel's state does to the books
    give_back(tx, parcel_ids, application, amounts, at) -> [Cut]  what a cancel or return gives back
    take_again(tx, parcel_ids, application, at) -> entries        the same undone, where it was not granted after all
    settle_bills(tx, bills, status, at) -> [parcel ids]           what a tax bill does to the guarantee
    compare_bill(batch, heads, lines) -> DataFrame                a tax bill against what was computed
    bill_faults(batch, differences) -> DataFrame                  the same as faults of the parcels

A batch that is no import comes back as it was. See docs/imports.md.
"""

from __future__ import annotations

from mappings.imports.bill import compare_bill
from tasks.imports.billing import bill_faults
from tasks.imports.booking import give_back, reserve, settle, settle_bills, take_again, try_again
from tasks.imports.frames import is_import
from tasks.imports.judging import judge
from tasks.imports.rates import company_rates
from tasks.imports.returns import returned_amounts

__all__ = [
    "bill_faults", "company_rates", "compare_bill", "give_back", "is_import", "judge", "reserve", "returned_amounts",
    "settle", "settle_bills", "take_again", "try_again",
]  # fmt: skip
