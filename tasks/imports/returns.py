"""What a return of some goods gives back: the quota, tax and stock of just those lines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from mappings.canonical.batch import Batch
from mappings.imports import parameters
from tasks.imports.booking import GUARANTEE, QUOTA, STOCK
from tasks.imports.frames import amounts, texts
from tasks.imports.taxing import levied


def returned_amounts(
    batch: Batch, returned: Mapping[tuple[int, int], int], parcel_ids: Mapping[int, int], on: date | None = None
) -> dict[tuple[int, str, str], int]:
    """Amounts for give_back. `returned`: (seq, gnum) -> scaled quantity; `parcel_ids`: seq -> the ledger's id.

    A line's value and tax come back by the part of its quantity, rounded down to a hundred-thousandth, and the whole
    of them with the whole quantity. `batch` is the judged one that was declared, `on` the day in Beijing on which.
    """
    seqs = batch.parcels["parcel.seq"].to_numpy()[batch.lines["parcel"].to_numpy()].tolist()
    in_year = parameters.value("year_measure", on or parameters.today()) == "taxable_price"
    value = amounts(batch.lines, "line.tax_price" if in_year else "line.total_price").tolist()
    taxes = levied(batch.lines).tolist()
    rows = zip(seqs, batch.lines["line.gnum"].tolist(), amounts(batch.lines, "line.quantity").tolist(), value, taxes,
               texts(batch.lines, "line.item_record_no"), strict=True)  # fmt: skip
    found: dict[tuple[int, str, str], int] = {}
    for seq, gnum, quantity, worth, due, item in rows:
        back = min(returned.get((seq, int(gnum)), 0), quantity)
        if back <= 0:
            continue
        parts = {(QUOTA, ""): worth * back // quantity, (GUARANTEE, ""): due * back // quantity}
        parts |= {(STOCK, item): back} if item else {}
        for (book, name), amount in parts.items():
            key = (parcel_ids[seq], book, name)
            found[key] = found.get(key, 0) + amount
    return found
