"""Cancel parcels: ask customs to cancel the inventories of chosen parcels (605 export, 623 import)."""

from __future__ import annotations

from typing import Any, Literal

from prefect import flow, runtime

from flows.clear_shipment import clear_shipment
from tasks import stages
from tasks.applications import stages as applications

Reason = Literal["", "wrong_data", "buyer_cancel", "not_loaded", "duplicate"]


def _name() -> str:
    return f"撤销 cancel {stages.run_name(runtime.flow_run.parameters.get('shipment', ''))}"


@flow(name="cancel-parcels", flow_run_name=_name, persist_result=False)
def cancel_parcels(
    shipment: str, parcels: str = "", file: str = "", reason: Reason = "", declare_anew: bool = False,
    approved: bool = False, actor: str = "prefect",
) -> Any:  # fmt: skip
    """向海关申请撤销所选包裹的清单；先核对全部条件，不符合的逐一说明，其余继续。重复运行无害。

    Ask customs to cancel the inventories of the chosen parcels; all preconditions are checked first.

    Running it again is harmless.

    Args:
        shipment: 车次编号、总运单号或车牌。Number, master waybill or plate of the shipment.
        parcels: 订单号或运单号；空表示所有等待撤单的。Orders or waybills; none: all that wait for a cancel.
        file: 含订单编号列的 CSV 或 XLSX 文件。A CSV or XLSX file with a column of order numbers, instead of the list.
        reason: 原因，文件中已写明的可不选。To be chosen, unless the file says its own: wrong_data 申报资料有误 /
            buyer_cancel 订购人取消订单 / not_loaded 货物未装运 / duplicate 重复申报
        declare_anew: 撤销后是否重新申报。Whether the parcels are declared anew once they are cancelled.
        approved: 是否已获批准。Whether it is approved; cancelling is a legal act.
        actor: 谁批准的。Who approved it.
    """
    after = "again" if declare_anew else ""
    truck, asked = applications.request("cancel", shipment, parcels, file, reason, actor, after=after)
    if approved:
        applications.approve(asked, actor)
    clear_shipment(shipment=str(truck), return_state=True)
    applications.publish(truck, asked)
    return applications.ended("cancel", [asked])
