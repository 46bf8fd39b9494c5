"""Receive receipts: fetch what every authority has ready, and wake the trucks that it concerns."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.states import Completed

from flows.clear_shipment import clear_shipment
from tasks import stages


@flow(name="receive-receipts", persist_result=False)
def receive_receipts() -> Any:
    """向各主管机关收取回执，并推进有关车次。

    Fetch the receipts of every authority and take the trucks that they concern as far as they can go.
    """
    concerned = stages.hear()
    for truck in stages.can_go_on(concerned):
        clear_shipment(shipment=str(truck))
    return Completed(message=f"{len(concerned)} 个车次有新回执 shipments with new receipts")
