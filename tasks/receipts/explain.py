"""Rejections as faults, down to the cell of the sender's file (DESIGN, promise 7)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import pandas as pd
from sqlalchemy import Row

from adapters.ledger import Ledger
from adapters.ledger.faults import any_faults, replace_faults
from adapters.ledger.faults import faults as ledger_faults
from adapters.ledger.sources import snapshot_digest
from mappings import faults
from tasks.receipts import lookup
from tasks.receipts.places import SNAPSHOT, Places
from tasks.receipts.reasons import Reason, reasons, table

Place = Mapping[str, Any]  # file, sheet, row, column (as mappings.faults.COLUMNS)
Where = Callable[[int, str, str], Place]  # (parcel.seq, canonical path, value) -> where it came from
REFUSED = "refused"
KEPT = 10_000


def stage(authority: str) -> str:
    """The stage under which this authority's faults are kept."""
    return f"authority:{authority}"


def explain(ledger: Ledger, authority: str, shipment_id: int, places: Where | None = None) -> pd.DataFrame:
    """The faults of a shipment's documents that this authority rejected, kept in the ledger as the current ones.

    A duplicate that answers our own recovery proves that the first arrived: it is no fault. Where nothing has changed
    since this process explained them last, they are as they were, by the same `places` of the files.
    """
    if "faults" not in table(authority):
        return faults.frame([])
    if lookup.quiet(ledger, shipment_id, authority, table(authority)["faults"]["states"]):
        _explained(ledger).pop((shipment_id, authority), None)
        if any_faults(ledger, shipment_id, stage(authority)):
            replace_faults(ledger, shipment_id, stage(authority), faults.frame([]))
        return faults.frame([])
    rejected = lookup.rejected(ledger, shipment_id, authority, table(authority)["faults"]["states"])
    conflicts = lookup.conflicts(ledger, [shipment_id], authority)
    kept = ledger_faults(ledger, shipment_id, stage=stage(authority))
    said = _digest(snapshot_digest(ledger, shipment_id, SNAPSHOT), rejected, conflicts)
    places = places or Places(ledger, shipment_id)
    if isinstance(places, Places) and _explained(ledger).get((shipment_id, authority)) == _digest(said, _told(kept)):
        return kept
    found = _found_faults(authority, rejected, conflicts, places)
    if _told(found) != _told(kept):
        replace_faults(ledger, shipment_id, stage(authority), found)
    _explained(ledger)[shipment_id, authority] = _digest(said, _told(found))
    return found


Explained = dict[tuple[int, str], str]  # digests: values of the files are sealed wherever they are kept
_known: WeakKeyDictionary[Ledger, Explained] = WeakKeyDictionary()


def _explained(ledger: Ledger) -> Explained:
    """What this process has explained last, by shipment and authority, and how: to find thirty cells takes 50 ms."""
    found = _known.setdefault(ledger, {})
    if len(found) > KEPT:
        found.clear()
    return found


def _digest(*said: Any) -> str:
    return hashlib.sha256(repr(said).encode()).hexdigest()


def _found_faults(authority: str, rejected: list[Row[Any]], conflicts: list[Row[Any]], places: Where) -> pd.DataFrame:
    """One row for each reason of each rejected document (of its latest attempt), and each contradiction."""
    meant = [row for row in rejected if row.state != "duplicate" or not row.recovery]
    made = [_fault(authority, row, said, places) for row in meant for said in _reasons(authority, row)]
    return faults.frame([*made, *_contradictions(authority, conflicts)])


def _contradictions(authority: str, conflicts: list[Row[Any]]) -> list[dict[str, Any]]:
    """A fault for each document of which the authority says two things that do not go together."""
    told: dict[int, tuple[Row[Any], list[str]]] = {}
    for row in conflicts:
        told.setdefault(row.id, (row, []))[1].append(row.told or "")
    code = str(table(authority)["faults"].get("conflict", ""))
    return [
        {
            "order_no": row.order_no or "",
            "waybill_no": row.waybill_no or "",
            "code": code,
            "value": f"{row.type} {row.return_status}",
            "other_value": ", ".join(dict.fromkeys(filter(None, statuses))),
            "stage": stage(authority),
        }
        for row, statuses in told.values()
        if code
    ]


def _reasons(authority: str, row: Row[Any]) -> list[Reason]:
    if row.state == REFUSED:
        door = str(table(authority)["faults"]["door"])
        return [Reason(door, faults.table()[door].field, row.refusal)]
    return reasons(authority, row.return_status, row.return_info or "", row.type)


def _fault(authority: str, row: Row[Any], reason: Reason, places: Where) -> dict[str, Any]:
    return {
        "order_no": row.order_no or "",
        "waybill_no": row.waybill_no or "",
        "code": reason.code,
        "field": reason.field,
        "value": reason.value or reason.info,
        "other_value": reason.other_value,
        "stage": stage(authority),
        **(places(row.seq, reason.field, reason.value) if row.seq is not None else {}),
    }


def _told(found: pd.DataFrame) -> list[list[str]]:
    """What tells faults from others."""
    names = ["order_no", "code", "field", "value", "other_value", "row"]
    told: list[list[str]] = found[names].astype(str).to_numpy().tolist()
    return told
