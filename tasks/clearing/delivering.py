"""Deliveries to the buyers: told from outside by waybill number, reported to customs parcel by parcel (CEB513).

A delivery is input like any physical event; telling one again changes nothing, but where its report was turned down.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from adapters.ledger import events, parcels, preparing, shipments
from mappings import clock
from mappings.errors import DataFault
from tasks.clearing.declaring import load_batch, part_of
from tasks.clearing.intake import DELIVERED_AT
from tasks.clearing.settling import settle_shipment
from tasks.clearing.standing import Standing, load_standing
from tasks.conversion.declare import declarations
from tasks.conversion.messages import Making
from tasks.office import Office
from tasks.submission.seal import seal_messages

STEP = events.DELIVERED
_NAMED = 10


def tell(office: Office, shipment_id: int, waybills: Iterable[str], at: datetime | None, actor: str) -> int:
    """Note that these parcels reached their buyers. Returns how many that is news of.

    Raises DataFault for numbers that are no parcel of the shipment, and where the procedure reports no deliveries.
    """
    wanted = list(dict.fromkeys(number.strip() for number in waybills if number.strip()))
    with office.ledger.begin() as tx:
        shipments.lock(tx, shipment_id)
        standing = load_standing(tx, shipment_id)
        if all(step.name != STEP for step in standing.procedure.steps):
            raise DataFault(f"{standing.procedure.name} reports no deliveries 该流程不申报签收")
        news = _news(standing, parcels.listing(tx, shipment_id), wanted)
        if news:
            events.record(tx, shipment_id, events.DELIVERED, at, actor, {"waybills": news})
    settle_shipment(office, shipment_id)
    return len(news)


def _news(standing: Standing, rows: Iterable[Any], wanted: list[str]) -> list[str]:
    """The numbers that were not told yet, or whose report was turned down. Raises DataFault for strangers."""
    seqs = {row.waybill_no: row.seq for row in rows}
    strange = [number for number in wanted if number not in seqs]
    if strange:
        more = f" … {len(strange)}" if len(strange) > _NAMED else ""
        raise DataFault(
            f"No parcel of {standing.label} has these waybill numbers 该车次没有这些运单: "
            f"{', '.join(strange[:_NAMED])}{more}",
            list(strange),
        )
    (kind,) = standing.procedure.step(STEP).sends
    reported = standing.documents.get(kind, {})
    dead = {seq for seq, found in reported.items() if found.state in standing.table["dead"]}
    told = standing.deliveries
    return [
        number
        for number in wanted
        if seqs[number] not in told or (seqs[number] in dead and seqs[number] not in standing.to_deliver())
    ]


def prepare_deliveries(office: Office, standing: Standing) -> int:
    """Prepare the reports of deliveries that customs has not heard of. Returns how many messages."""
    seqs = standing.to_deliver()
    kinds = standing.procedure.step(STEP).sends
    batch = part_of(load_batch(office.ledger, standing.id), seqs)
    if not len(batch.parcels):
        return 0
    numbers = batch.parcels["parcel.seq"].tolist()
    at = pd.Series([standing.deliveries[seq][-1] for seq in numbers], index=batch.parcels.index)
    batch.parcels[DELIVERED_AT] = at
    attempts = np.array([1 + _attempt(standing, kinds[0], seq) for seq in numbers])
    making = Making(office.identities, clock.now(), attempts=dict.fromkeys(kinds, attempts))
    office.ensure_keys(standing.truck)
    made = declarations(batch, making, kinds)
    outgoing = seal_messages(made, standing.truck, office.authority(standing.procedure.authority), office.keys)
    with office.ledger.begin() as tx:
        return len(preparing.add_messages(tx, standing.id, outgoing).message_ids)


def _attempt(standing: Standing, kind: str, seq: int) -> int:
    found = standing.documents.get(kind, {}).get(seq)
    return found.attempt if found else 0
