"""The people on a truck: an authority's own words may name them, and no screen shows them (DESIGN, "People's data")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from adapters.ledger import sources
from adapters.ledger.ledger import Ledger
from mappings.canonical.batch import Batch
from tasks.clearing.batches import BATCH
from tasks.reporting.faults import personal_fields

SHORTEST = 2  # a single letter is no name that could be told from the text around it
Names = Mapping[str, Sequence[str]]


def people(ledger: Ledger, shipment_id: int, found: pd.DataFrame) -> Names:
    """The personal values of each order of which an authority has said something, the longest first."""
    orders = set(found["order_no"][found["stage"].str.startswith("authority:")]) - {""}
    body = sources.load_snapshot(ledger, shipment_id, BATCH) if orders else None
    return names(Batch.from_bytes(body).parcels, orders) if body else {}


def names(parcels: pd.DataFrame, orders: set[str]) -> dict[str, list[str]]:
    """The personal values of these orders, each once."""
    mine = parcels[parcels["order.order_no"].isin(orders)]
    columns = [mine[path].tolist() for path in sorted(personal_fields() & set(mine.columns))]
    rows = zip(mine["order.order_no"], zip(*columns, strict=True), strict=True)
    return {
        order: sorted({v for v in values if isinstance(v, str) and len(v) >= SHORTEST}, key=len, reverse=True)
        for order, values in rows
    }
