"""Sweep: look at every open truck, find out what got lost, and take each as far as it can go."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows.clear_shipment import clear_shipment
from tasks import publishing, stages, sweeping


@flow(name="sweep-waiting", persist_result=False)
def sweep_waiting() -> Any:
    """检查所有未结车次：补查丢失的应答，推进可以继续的车次，提示超时。

    Look at every open truck: find out what became of lost answers, go on where possible, alarm where time is up. Beside
    a pulse that runs only those are taken on of which something was left, or that Prefect does not know any more.
    """
    stages.offer_room()
    waiting, due = stages.open_shipments(), sweeping.due()
    ran = [clear_shipment(shipment=str(truck), return_state=True) for truck in due]
    return publishing.ended(ran, f"{len(waiting)} 个未结车次 open shipments，{len(due)} 个已推进 taken on")
