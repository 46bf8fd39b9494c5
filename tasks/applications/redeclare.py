"""Declaring anew the parcels that a form, file or call names (orders or waybills), each refusal with its place."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from adapters.ledger import parcels
from mappings import faults
from tasks.applications.wanted import STAGE, Wanted
from tasks.clearing import redeclaring
from tasks.office import Office


@dataclass
class Redeclared:
    """Which parcels are declared anew (seq), how many had been asked for before, and the faults of the others."""

    seqs: set[int] = field(default_factory=set)
    known: int = 0
    faults: pd.DataFrame = field(default_factory=lambda: faults.frame([]))


def redeclare(office: Office, shipment_id: int, wanted: Wanted, actor: str) -> Redeclared:
    """Make the chosen parcels (all that were rejected, if none is named) ready again. Raises DataFault."""
    rows = parcels.listing(office.ledger, shipment_id)
    named = {key: row for row in rows for key in (row.waybill_no, row.order_no) if key}
    given = dict(zip(wanted.rows["given"], wanted.rows["row"], strict=True))
    orders = {named[text].order_no if text in named else text: text for text in given}
    none_named = not given and not wanted.file
    found = redeclaring.redeclare(office, shipment_id, None if none_named else list(orders), actor)
    seqs = {row.order_no: row.seq for row in rows}
    now = {row.order_no: row for row in parcels.listing(office.ledger, shipment_id)}
    told = list(wanted.faults)
    for order, code in found.refused.items():
        text, row = orders.get(order, order), now.get(order)
        said = {"waybill_no": row.waybill_no, "value": row.state} if row is not None else {"value": text}
        place = wanted.place(int(given.get(text) or 0), "order_no")
        told.append({"code": code, "order_no": order, "stage": STAGE, **said, **place})
    return Redeclared({seqs[order] for order in found.orders}, len(found.known), faults.frame(told))
