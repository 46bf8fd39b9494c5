"""Tax bills of a shipment: what they do to the guarantee, and what they say otherwise than we computed."""

from __future__ import annotations

import hashlib
import json
import logging
from typing import Any

import pandas as pd
from sqlalchemy import Connection, select

from adapters.ledger import bills, leases, sources
from adapters.ledger import faults as ledger_faults
from adapters.ledger.books import accounts
from adapters.ledger.tables import parcel
from mappings import clock
from mappings.canonical.batch import Batch
from mappings.canonical.columns import plain
from tasks.clearing.batches import BATCH
from tasks.imports import bill_faults, compare_bill, settle_bills

log = logging.getLogger(__name__)
STAGE = "bills"
_MONEY = {"customsTax": "customs_tax", "valueAddedTax": "value_added_tax", "consumptionTax": "consumption_tax"}
_VOID = "3"
# Of such a parcel a part is returned, and the application says what comes back: a bill that was only made, and is
# void since another is made for the rest, gives back nothing more (unverified, as is how customs does it).
_PARTED = ("returning", "partly_returned")
_ORDER = (_VOID, "2")  # a bill made anew for a part counts after the one in whose place it stands was given back


def settle(tx: Connection, shipment_id: int, anew: bool = False) -> bool:
    """Settle a shipment's tax bills and compare them; harmless again.

    False where nothing new was told of them, and not `anew`: because what was applied for ended otherwise.
    """
    rows = bills.of_shipment(tx, shipment_id)
    seen, known = _digest(rows), leases.get_cursor(tx, STAGE, str(shipment_id))
    if not rows or (seen == known and not anew):
        return False
    _books(tx, shipment_id, rows)
    body = sources.load_snapshot(tx, shipment_id, BATCH)
    if body is not None:
        batch = Batch.from_bytes(body)
        ledger_faults.replace_faults(tx, shipment_id, STAGE, bill_faults(batch, compare_bill(batch, *_told(rows))))
    leases.set_cursor(tx, STAGE, str(shipment_id), seen)
    return True


def _digest(rows: list[Any]) -> str:
    said = [(r.tax_no, r.status, *(r._mapping[name] for name in _MONEY.values()), str(r.amounts_at)) for r in rows]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def amount(row: Any) -> int:
    """All that a bill asks for, scaled; 0 where its amounts were not told yet."""
    return sum(row._mapping[name] or 0 for name in _MONEY.values())


def _books(tx: Connection, shipment_id: int, rows: list[Any]) -> None:
    """What bills of each status do to the guarantee; one whose amounts are not known yet waits for them."""
    query = select(parcel.c.seq, parcel.c.id, parcel.c.state).where(parcel.c.shipment_id == shipment_id)
    known = list(tx.execute(query).all())
    ids = {row.seq: row.id for row in known}
    parted = {row.id for row in known if row.state in _PARTED}
    taken = {(ident, number) for ident, _, number in accounts.bills(tx, list(parted))}
    for status in _ORDER:
        mine = {ids[r.seq]: (r.tax_no, amount(r)) for r in rows if r.status == status and r.amounts_at is not None}
        if status == _VOID:
            mine = {i: said for i, said in mine.items() if i not in parted or (i, said[0]) in taken}
        unknown = settle_bills(tx, mine, status, clock.now()) if mine else []
        if unknown:
            log.warning("shipment %s: tax bills of parcels without a guarantee: %s", shipment_id, unknown)


def _told(rows: list[Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Heads and lines of the bills that can be compared, with the bill's own names.

    A bill that was made anew after a void one is about what is left of the parcel: it is not held against the whole.
    """
    void = {r.seq for r in rows if r.state == bills.VOID}
    whole = [r for r in rows if r.amounts_at is not None and r.seq not in void]
    heads = [{"seq": r.seq, **{tag: plain(r._mapping[name]) for tag, name in _MONEY.items()}} for r in whole]
    lines = [
        {"seq": r.seq, "gnum": line["gnum"], "gcode": line["hs_code"], "taxPrice": plain(line["tax_price"]),
         **{tag: plain(line[name]) for tag, name in _MONEY.items()}}
        for r in whole for line in r.lines
    ]  # fmt: skip
    names = ("seq", "gnum", "gcode", "taxPrice", *_MONEY)
    return pd.DataFrame(heads, columns=["seq", *_MONEY]), pd.DataFrame(lines, columns=list(names))
