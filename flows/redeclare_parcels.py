"""Redeclare parcels: what was rejected or cancelled is declared anew, as the newest files say."""

from __future__ import annotations

from typing import Any

from prefect import flow, runtime

from flows.clear_shipment import clear_shipment
from tasks import stages
from tasks.applications import stages as applications


def _name() -> str:
    return f"重新申报 redeclare {stages.run_name(runtime.flow_run.parameters.get('shipment', ''))}"


@flow(name="redeclare-parcels", flow_run_name=_name, persist_result=False)
def redeclare_parcels(shipment: str, parcels: str = "", file: str = "", actor: str = "prefect") -> Any:
    """重新申报被退单或已撤单的包裹（下一次申报），并列出申报沿革。重复运行无害。

    Declare rejected or cancelled parcels anew: the next attempt, with its lineage. Running it again is harmless.

    Args:
        shipment: 车次编号、总运单号或车牌。Number, master waybill or plate of the shipment.
        parcels: 订单号或运单号；空表示全部被退单的。Orders or waybills; none: all that were rejected.
        file: 含订单编号列的 CSV 或 XLSX 文件。A CSV or XLSX file with a column of order numbers, instead of the list.
        actor: 谁决定的。Who decided it.
    """
    truck, done = applications.again(shipment, parcels, file, actor)
    clear_shipment(shipment=str(truck), return_state=True)
    applications.publish_lineage(truck, done)
    return applications.ended_anew(done)
