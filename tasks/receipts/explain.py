"""Rejections as faults, down to the cell of the sender's file (DESIGN, promise 7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
from sqlalchemy import Row

from adapters.ledger import Ledger, messages, parcels
from adapters.ledger.faults import faults as ledger_faults
from adapters.ledger.faults import replace_faults
from mappings import faults
from tasks.receipts.places import Places
from tasks.receipts.reasons import Reason, reasons, table

Place = Mapping[str, Any]  # file, sheet, row, column (as mappings.faults.COLUMNS)
Where = Callable[[int, str, str], Place]  # (parcel.seq, canonical path, value) -> where it came from
REFUSED = "refused"


def stage(authority: str) -> str:
    """The stage under which this authority's faults are kept."""
    return f"authority:{authority}"


def explain(ledger: Ledger, authority: str, shipment_id: int, places: Where | None = None) -> pd.DataFrame:
    """The faults of a shipment's documents that this authority rejected, kept in the ledger as the current ones."""
    if "faults" not in table(authority):
        return faults.frame([])
    found = found_faults(ledger, authority, shipment_id, places or Places(ledger, shipment_id))
    kept = ledger_faults(ledger, shipment_id, stage=stage(authority))
    if not _same(found, kept):
        replace_faults(ledger, shipment_id, stage(authority), found)
    return found


def found_faults(ledger: Ledger, authority: str, shipment_id: int, places: Where) -> pd.DataFrame:
    """One row for each reason of each rejected document (of its latest attempt)."""
    sent = {row.id: row for row in messages.listing(ledger, shipment_id)}
    known = {row.seq: row for row in parcels.listing(ledger, shipment_id)}
    rows = []
    for row in rejected(authority, messages.documents(ledger, shipment_id, authority), sent):
        for reason in _reasons(authority, row, sent[row.message_id]):
            rows.append(_fault(authority, row, reason, known.get(row.parcel_seq), places))
    return faults.frame(rows)


def rejected(authority: str, documents: list[Row[Any]], sent: Mapping[int, Row[Any]]) -> list[Row[Any]]:
    """The latest attempts that are rejected. A duplicate that answers our own recovery proves arrival, and is none."""
    states = table(authority)["faults"]["states"]
    latest = {(row.type, row.business_key if row.parcel_seq is None else row.parcel_seq): row for row in documents}
    return [
        row
        for row in latest.values()
        if row.state in states and not (row.state == "duplicate" and sent[row.message_id].recovery)
    ]


def _reasons(authority: str, row: Row[Any], sent: Row[Any]) -> list[Reason]:
    if row.state == REFUSED:
        door = str(table(authority)["faults"]["door"])
        return [Reason(door, faults.table()[door].field, sent.refusal)]
    return reasons(authority, row.return_status, row.return_info or "")


def _fault(authority: str, row: Row[Any], reason: Reason, parcel: Row[Any] | None, places: Where) -> dict[str, Any]:
    place = {} if parcel is None else places(parcel.seq, reason.field, reason.value)
    return {
        "order_no": parcel.order_no if parcel is not None else "",
        "waybill_no": parcel.waybill_no if parcel is not None else "",
        "code": reason.code,
        "field": reason.field,
        "value": reason.value or reason.info,
        "other_value": reason.other_value,
        "stage": stage(authority),
        **place,
    }


def _same(found: pd.DataFrame, kept: pd.DataFrame) -> bool:
    names = ["order_no", "code", "field", "value", "other_value", "row"]
    return bool(found[names].astype(str).to_numpy().tolist() == kept[names].astype(str).to_numpy().tolist())
