"""Receive receipts: fetch what every authority has ready, and wake the trucks that it concerns."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows.clear_shipment import clear_shipment
from tasks import publishing, stages


@flow(name="receive-receipts", persist_result=False)
def receive_receipts() -> Any:
    """向各主管机关收取回执，并推进有关车次；无法读取的报文予以告警。

    Fetch the receipts of every authority and take the trucks that they concern as far as they can go; alarm what
    cannot be read. Where a pulse runs that hears all the time, it does the first two.
    """
    go = stages.Reached()
    if stages.heard_anyway():
        return publishing.heard([], "常驻进程在收取回执 the pulse hears the authorities", stages.unreached())
    concerned = go(stages.hear) or []
    ran = [clear_shipment(shipment=str(truck), return_state=True) for truck in stages.can_go_on(concerned)]
    return publishing.heard(ran, f"{len(concerned)} 个车次有新回执 shipments with new receipts", go.missed)
