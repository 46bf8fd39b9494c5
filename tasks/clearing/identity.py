"""Identity of parcels that are declared: one truck each, and what was declared stays what it was (DESIGN, "Identity").

A file that says something else of a declared parcel is a fault; lists and other authorities go on hearing what was
declared. A parcel that another truck has declared is held here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from adapters.ledger import faults as ledger_faults
from adapters.ledger import parcels
from mappings import faults
from mappings.canonical.batch import Batch

STAGE, ELSEWHERE = "identity", "CHG-002"
GIVEN_UP = "given_up"


def identity_faults(conflicts: Iterable[str], elsewhere: Iterable[parcels.Elsewhere]) -> pd.DataFrame:
    """The faults of orders that say something else than what was declared, and of parcels declared elsewhere."""
    declared: list[dict[str, object]] = [
        {"order_no": order, "code": "CHG-001", "field": "order.order_no", "value": order, "stage": STAGE}
        for order in conflicts
    ]
    return faults.frame([*declared, *(_elsewhere(e) for e in elsewhere)])


def _elsewhere(e: parcels.Elsewhere) -> dict[str, object]:
    value = e.order_no if e.by == "order" else e.waybill_no
    return {"order_no": e.order_no, "waybill_no": e.waybill_no, "code": ELSEWHERE, "stage": STAGE,
            "field": f"{e.by}.{e.by}_no", "value": value, "other_value": str(e.shipment_id)}  # fmt: skip


def hold_elsewhere(tx: Connection, shipment_id: int, found: Sequence[parcels.Elsewhere]) -> dict[int, str]:
    """Hold the ready parcels that another truck has declared. Returns which (seq -> order)."""
    orders = {e.order_no for e in found}
    if not orders:
        return {}
    held = {
        row.seq: row.order_no
        for row in parcels.listing(tx, shipment_id)
        if row.order_no in orders and row.state == "ready"
    }
    parcels.set_parcel_states(tx, shipment_id, dict.fromkeys(held, ("held", ELSEWHERE)))
    return held


def hold_declared_meanwhile(tx: Connection, shipment_id: int) -> set[int]:
    """The same, before declaring: what another truck declared since the files were worked up. Returns their seqs."""
    found = parcels.elsewhere(tx, shipment_id, "ready")
    held = hold_elsewhere(tx, shipment_id, found)
    mine = [e for e in found if e.order_no in held.values()]
    if mine:
        ledger_faults.add_faults(tx, shipment_id, identity_faults([], mine))
    return set(held)


def rejoin(tx: Connection, shipment_id: int) -> set[int]:
    """Frees the parcels that were held because another truck had declared them and no longer has. Returns their seqs.

    The other truck's documents are dead (turned down, cancelled): whoever is ready first declares the parcel now.
    """
    waiting = parcels.in_state(tx, shipment_id, "held", ELSEWHERE)
    if not waiting:
        return set()
    still = {e.order_no for e in parcels.elsewhere(tx, shipment_id, "held")}
    free = {row.seq: row.order_no for row in waiting if row.order_no not in still}
    parcels.set_parcel_states(tx, shipment_id, dict.fromkeys(free, ("ready", "")))
    ledger_faults.retire_faults(tx, shipment_id, STAGE, ELSEWHERE, list(free.values()))
    return set(free)


def judged_anew(tx: Connection, shipment_id: int, batch: Batch, unchanged: Iterable[str]) -> dict[int, tuple[str, str]]:
    """States of undeclared parcels whose content is the same but which are judged otherwise now (a second payment)."""
    names, same = ("parcel.seq", "parcel.state", "parcel.reason"), set(unchanged)
    if not same:
        return {}
    judged = {seq: (state, why) for seq, state, why in zip(*(batch.parcels[n].tolist() for n in names), strict=True)}
    return {
        row.seq: judged[row.seq]
        for row in parcels.listing(tx, shipment_id)
        if row.order_no in same and row.state in ("ready", "held", "excluded") and row.reason != GIVEN_UP
    }


def as_declared(batch: Batch, before: bytes | None, conflicts: Sequence[str]) -> Batch:
    """The batch with the rows of conflicting orders as they were in the batch `before`."""
    if not conflicts or before is None:
        return batch
    old = Batch.from_bytes(before)
    new = batch.select(~_of(batch, conflicts))
    kept = old.select(_of(old, conflicts))
    heads = _joined(new.parcels, kept.parcels)
    lines = _joined(new.lines, kept.lines.assign(parcel=kept.lines["parcel"] + len(new.parcels)))
    place = np.empty(len(heads), dtype=np.int64)
    order = heads["parcel.seq"].argsort(kind="stable").to_numpy()
    place[order] = np.arange(len(heads))
    lines = lines.assign(parcel=place[lines["parcel"].to_numpy()]).sort_values("parcel", kind="stable")
    return replace(batch, parcels=heads.take(order).reset_index(drop=True), lines=lines.reset_index(drop=True))


def _of(batch: Batch, orders: Sequence[str]) -> np.ndarray[Any, Any]:
    return batch.parcels["order.order_no"].isin(orders).to_numpy()


def _joined(first: pd.DataFrame, then: pd.DataFrame) -> pd.DataFrame:
    same = then.reindex(columns=first.columns).astype(first.dtypes.to_dict())
    return pd.concat([first, same], ignore_index=True)
