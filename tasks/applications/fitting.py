"""A look ahead: what an application's message could not hold is refused when it is asked for, not at customs' door."""

from __future__ import annotations

from typing import Any

import pandas as pd

from adapters.ledger.applications import Asking
from mappings import clock
from mappings.engine import fit, spec
from mappings.identity import seeded
from tasks.applications.case import Case
from tasks.applications.messages import Applied, rows_of
from tasks.applications.wanted import STAGE
from tasks.conversion.fit import fault_of


def fitting(case: Case, chosen: pd.DataFrame, asking: list[Asking]) -> tuple[list[Asking], list[dict[str, Any]]]:
    """What fits into the message, and the faults of the rest; `asking` is in the order of `chosen`."""
    if not asking:
        return [], []
    rows = rows_of(_applied(case, chosen, asking), seeded(0), clock.now())
    wanted = set(chosen["seq"])
    seqs = [seq for seq in case.batch.parcels["parcel.seq"].tolist() if seq in wanted]
    places = {seq: at for at, seq in enumerate(chosen["seq"].tolist())}
    out, told = set(), []
    for misfit in fit.misfits(spec.load(case.rule.sends), *rows):
        for at in (places[seqs[d]] for d in misfit.documents.tolist()):
            row = chosen.iloc[at]
            mine = {"order_no": row["order_no"], "waybill_no": row["waybill_no"], "stage": STAGE}
            told.append(fault_of(case.rule.sends, misfit) | mine)
            out.add(at)
    return [one for at, one in enumerate(asking) if at not in out], told


def _applied(case: Case, chosen: pd.DataFrame, asking: list[Asking]) -> Applied:
    """What would be written."""
    seqs = dict(zip(chosen["id"], chosen["seq"], strict=True))
    asked = pd.DataFrame({
        "seq": chosen["seq"].tolist(), "number": [a.number for a in asking], "attempt": [a.attempt for a in asking],
        "reason": [a.reason for a in asking], "invt_no": chosen["invt_no"].tolist(),
        "detail": [a.detail for a in asking],
    })  # fmt: skip
    lines = [(seqs[i], gnum, quantity) for a in asking for i, gnum, quantity in a.lines]
    return Applied(case.batch, case.rule, asked, pd.DataFrame(lines, columns=["seq", "gnum", "quantity"]))
