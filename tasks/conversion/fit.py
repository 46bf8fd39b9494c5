"""Holding back what an authority's schema would refuse: every misfit becomes a fault, and its parcel waits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mappings import faults, regimes
from mappings.canonical.batch import Batch
from mappings.engine import fit, spec
from mappings.engine.fit import Misfit
from mappings.identity import seeded
from tasks.conversion.declare import document_values, parcel_types, parts, rows_of
from tasks.conversion.messages import Making

CODES = {
    "empty": "CNV-001",
    "too_long": "CNV-002",
    "wrong_length": "CNV-003",
    "too_big": "CNV-004",
    "no_code": "CNV-005",
    "character": "CNV-006",
    "count": "CNV-007",
}


def fault_of(message_type: str, misfit: Misfit) -> dict[str, object]:
    """The fault that a misfit is, of nobody's parcel yet."""
    return {
        "code": CODES[misfit.problem],
        "severity": "error",
        "field": misfit.field.source or misfit.field.tag,
        "value": misfit.value,
        "other_value": f"{message_type} {misfit.segment}/{misfit.field.tag} {misfit.field.notation}",
        "stage": "convert",
    }


def _faults(batch: Batch, message_type: str, misfit: Misfit, positions: np.ndarray) -> list[dict[str, object]]:
    orders = batch.parcels["order.order_no"].to_numpy()
    waybills = batch.parcels["waybill.waybill_no"].to_numpy()
    told = fault_of(message_type, misfit)
    return [told | {"order_no": orders[i], "waybill_no": waybills[i]} for i in positions.tolist()]


def hold_misfits(batch: Batch, making: Making, types: tuple[str, ...] = ()) -> Batch:
    """`batch` with every ready parcel held that some message type could not take, and a fault for each reason.

    The first reason found is the parcel's own. A type is asked only about the parcels that have such a document.
    """
    ready = np.flatnonzero((batch.parcels["parcel.state"] == "ready").to_numpy())
    found: dict[int, str] = {}
    rows: list[dict[str, object]] = []
    trial = Making(seeded(0), making.at)
    needs = regimes.load(batch.truck.direction, batch.truck.regime).needs
    for kind, part in parts(batch.ready(), types or parcel_types(batch.truck)):
        head, lists = rows_of(part, kind, document_values(part, kind, trial))
        positions = ready[part.chosen]
        for misfit in fit.misfits(spec.load(kind).demanding(needs), head, lists):
            at = positions[misfit.documents]
            rows += _faults(batch, kind, misfit, at)
            found = dict.fromkeys(at.tolist(), CODES[misfit.problem]) | found
    if not found:
        return batch
    state, reason = (batch.parcels[c].copy() for c in ("parcel.state", "parcel.reason"))
    state.iloc[list(found)] = "held"
    reason.iloc[list(found)] = list(found.values())
    parcels = batch.parcels.assign(**{"parcel.state": state, "parcel.reason": reason})
    return replace(batch, parcels=parcels, faults=faults.together([batch.faults, faults.frame(rows)]))
