"""Holding back what an authority's schema would refuse: every misfit becomes a fault, and its parcel waits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from mappings import faults
from mappings.canonical.batch import Batch
from mappings.engine import fit, spec
from mappings.engine.fit import Misfit
from mappings.identity import seeded
from tasks.conversion.declare import PARCEL_TYPES, document_values, rows_of
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


def _faults(batch: Batch, message_type: str, misfit: Misfit) -> list[dict[str, object]]:
    orders = batch.parcels["order.order_no"].to_numpy()
    waybills = batch.parcels["waybill.waybill_no"].to_numpy()
    return [
        {
            "order_no": orders[i],
            "waybill_no": waybills[i],
            "code": CODES[misfit.problem],
            "severity": "error",
            "field": misfit.field.source or misfit.field.tag,
            "value": misfit.value,
            "other_value": f"{message_type} {misfit.segment}/{misfit.field.tag} {misfit.field.notation}",
            "stage": "convert",
        }
        for i in misfit.documents.tolist()
    ]


def hold_misfits(batch: Batch, making: Making, types: tuple[str, ...] = PARCEL_TYPES) -> Batch:
    """`batch` with every ready parcel held that some message type could not take, and a fault for each reason."""
    ready = (batch.parcels["parcel.state"] == "ready").to_numpy()
    part, positions = batch.select(ready), np.flatnonzero(ready)
    if not len(part.parcels):
        return batch
    everything = np.ones(len(part.parcels), dtype=bool)
    found: dict[int, str] = {}
    rows: list[dict[str, object]] = []
    trial = replace(making, identities=seeded(0))
    for kind in types:
        values = document_values(part, kind, trial, everything)
        head, lists = rows_of(part, kind, values)
        for misfit in fit.misfits(spec.load(kind), head, lists):
            rows += _faults(part, kind, misfit)
            found |= {int(positions[i]): CODES[misfit.problem] for i in misfit.documents.tolist()}
    if not found:
        return batch
    parcels = batch.parcels.copy()
    at = list(found)
    parcels.iloc[at, parcels.columns.get_loc("parcel.state")] = "held"
    parcels.iloc[at, parcels.columns.get_loc("parcel.reason")] = list(found.values())
    extra = faults.frame(rows)
    return replace(batch, parcels=parcels, faults=pd.concat([batch.faults, extra], ignore_index=True))
