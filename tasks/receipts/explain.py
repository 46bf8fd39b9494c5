"""Rejections as faults, down to the cell of the sender's file (DESIGN, promise 7)."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import pandas as pd
from sqlalchemy import Row

from adapters.ledger import Ledger
from adapters.ledger.faults import add_faults, replace_faults
from adapters.ledger.faults import faults as ledger_faults
from adapters.ledger.shipments import lock
from adapters.ledger.sources import snapshot_digest
from mappings import faults
from tasks.receipts import lookup
from tasks.receipts.places import PLACE, SNAPSHOT, Places
from tasks.receipts.reasons import Reason, reasons, table

Place = Mapping[str, Any]  # file, sheet, row, column (as mappings.faults.COLUMNS)
Where = Callable[[int, str, str], Place]  # (parcel.seq, canonical path, value) -> where it came from
REFUSED = "refused"
KEPT = 10_000
KEY = ("order_no", "code", "field", "value", "other_value")  # what tells a fault from others
WRITTEN = (*KEY, "waybill_no", *PLACE)  # all that is kept of one, but what its code says
ATTEMPTS = 3  # to write what was found, where others explain the same meanwhile


def stage(authority: str) -> str:
    """The stage under which this authority's faults are kept."""
    return f"authority:{authority}"


def explain(
    ledger: Ledger, authority: str, shipment_id: int, places: Where | None = None, attempts: int = ATTEMPTS
) -> pd.DataFrame:
    """The faults of a shipment's documents that this authority rejected, kept in the ledger as the current ones.

    A duplicate that answers our own recovery proves that the first arrived: it is no fault. Where nothing has changed
    since this process explained them last, they are as they were, by the same `places` of the files. It looks again
    where another process has explained them meanwhile, `attempts` times in all.
    """
    if "faults" not in table(authority):
        return faults.frame([])
    kept = ledger_faults(ledger, shipment_id, stage=stage(authority))  # first: what is written meanwhile is noticed
    rejected = lookup.rejected(ledger, shipment_id, authority, table(authority)["faults"]["states"])
    conflicts = lookup.conflicts(ledger, [shipment_id], authority)
    if not (rejected or conflicts or len(kept)):
        return kept  # the usual case, quickly told
    told, mine = _told(kept), (shipment_id, authority)
    now = Explained(snapshot_digest(ledger, shipment_id, SNAPSHOT), _digest(rejected, conflicts), _digest(sorted(told)))
    places = places or Places(ledger, shipment_id)
    before = _explained(ledger).get(mine) if isinstance(places, Places) else None
    if before == now:
        return kept
    known = _places(kept) if before and (before.snapshot, before.told) == (now.snapshot, now.told) else {}
    found = _found_faults(authority, rejected, conflicts, places, known)
    if not _write(ledger, shipment_id, authority, found, told) and attempts > 1:
        return explain(ledger, authority, shipment_id, places, attempts - 1)
    _explained(ledger)[mine] = now._replace(told=_digest(sorted(_told(found))))
    return found


class Explained(NamedTuple):
    """What a process has explained last of a shipment: digests, as values of the files are sealed wherever they are."""

    snapshot: str | None
    said: str
    told: str


_explanations: WeakKeyDictionary[Ledger, dict[tuple[int, str], Explained]] = WeakKeyDictionary()
Told = tuple[str, ...]
Known = dict[Told, Place | None]  # by what tells a fault from others


def _explained(ledger: Ledger) -> dict[tuple[int, str], Explained]:
    """What this process has explained last, by shipment and authority: to find thirty cells takes 50 ms."""
    found = _explanations.setdefault(ledger, {})
    if len(found) > KEPT:
        found.clear()
    return found


def _digest(*said: Any) -> str:
    return hashlib.sha256(repr(said).encode()).hexdigest()


def _write(ledger: Ledger, shipment_id: int, authority: str, found: pd.DataFrame, kept: list[Told]) -> bool:
    """Keep what was found in place of what was `kept`: only what is new, where nothing of it is gone.

    A truck of which customs turns down one parcel after the other has thousands in the end. False, and nothing is
    written, where somebody else has written meanwhile: what was found may be older than that.
    """
    now, had = _told(found), Counter(kept)
    if Counter(now) == had:
        return True
    with ledger.begin() as tx:
        lock(tx, shipment_id)
        if Counter(_told(ledger_faults(tx, shipment_id, stage=stage(authority)))) != had:
            return False
        if had - Counter(now):
            replace_faults(tx, shipment_id, stage(authority), found)
            return True
        new = list[bool]()
        for one in now:
            new.append(had[one] == 0)
            had[one] -= not new[-1]
        add_faults(tx, shipment_id, found[new])
    return True


def _places(kept: pd.DataFrame) -> Known:
    """Where each of these faults stands in the files; of two that are alike and stand apart it is not known."""
    found = Known()
    for one in kept.to_dict("records"):
        key, place = _key(one), {name: one[name] for name in PLACE if not pd.isna(one[name])}
        found[key] = place if found.get(key, place) == place else None
    return found


def _key(one: Mapping[Any, Any]) -> Told:
    return tuple(str(one[name]) for name in KEY)


def _found_faults(
    authority: str, rejected: list[Row[Any]], conflicts: list[Row[Any]], places: Where, known: Known
) -> pd.DataFrame:
    """One row for each reason of each rejected document (of its latest attempt), and each contradiction."""
    meant = [row for row in rejected if row.state != "duplicate" or not row.recovery]
    made = [_fault(authority, row, said, places, known) for row in meant for said in _reasons(authority, row)]
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


def _fault(authority: str, row: Row[Any], reason: Reason, places: Where, known: Known) -> dict[str, Any]:
    told = {
        "order_no": row.order_no or "",
        "waybill_no": row.waybill_no or "",
        "code": reason.code,
        "field": reason.field,
        "value": reason.value or reason.info,
        "other_value": reason.other_value,
        "stage": stage(authority),
    }
    place = known.get(_key(told))
    if place is None:
        place = places(row.seq, reason.field, reason.value) if row.seq is not None else {}
    return {**told, **place}


def _told(found: pd.DataFrame) -> list[Told]:
    """Faults as they are kept, in their order."""
    return [tuple(row) for row in found[list(WRITTEN)].astype(str).to_numpy().tolist()]
