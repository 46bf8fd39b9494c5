"""Return parcels: ask customs for the return of goods (213 export, 625 import), or tell of their tally (215)."""

from __future__ import annotations

from typing import Any, Literal

from prefect import flow, runtime

from flows.clear_shipment import clear_shipment
from tasks import stages
from tasks.applications import stages as applications

Reason = Literal["", "buyer_return", "damaged", "undelivered", "wrong_goods"]


def _name() -> str:
    return f"退货 return {stages.run_name(runtime.flow_run.parameters.get('shipment', ''))}"


@flow(name="return-parcels", flow_run_name=_name, persist_result=False)
def return_parcels(
    shipment: str, parcels: str = "", file: str = "", reason: Reason = "", tally: bool = False,
    location: str = "", vehicle: str = "", voyage: str = "", bill: str = "", approved: bool = False,
    actor: str = "prefect",
) -> Any:  # fmt: skip
    """为所选包裹申请退货，或申报退货到货理货；先核对期限与数量，不符合的逐一说明，其余继续。重复运行无害。

    Ask for the return of the chosen parcels, or tell that returned goods were tallied. Running it again is harmless.

    Args:
        shipment: 车次编号、总运单号或车牌。Number, master waybill or plate of the shipment.
        parcels: 订单号或运单号，以逗号或空格分隔（整票退货）。Orders or waybills, whole parcels.
        file: CSV 或 XLSX：订单编号，可含商品序号、数量、原因。Order, and line, quantity and reason if wished.
        reason: 原因，文件中已写明的可不选。To be chosen, unless the file says its own: buyer_return 订购人退货 /
            damaged 货物破损 / undelivered 无法投递 / wrong_goods 发错货物
        tally: 货物已到，申报理货（仅出口退货）。The goods are there: send the tally (returns of exports only).
        location: 理货库位。Where the tallied goods lie.
        vehicle: 退运车辆。The vehicle that brings them back; the truck's own by default.
        voyage: 退运航次。Its voyage number; the truck's own by default.
        bill: 退运提运单号。Its bill number; the parcel's waybill by default.
        approved: 是否已获批准。Whether it is approved; returning is a legal act.
        actor: 谁批准的。Who approved it.
    """
    kind = "tally" if tally else "return"
    way = {"location": location, "vehicle": vehicle, "voyage_no": voyage, "bill_no": bill}
    truck, asked = applications.request(kind, shipment, parcels, file, reason, actor, way)
    if approved:
        applications.approve(asked, actor)
    clear_shipment(shipment=str(truck), return_state=True)
    applications.publish(truck, asked)
    return applications.ended(kind, [asked])
