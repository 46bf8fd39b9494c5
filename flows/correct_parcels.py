"""Correct parcels: show a person what is wrong, ask what to do with each group, and go on."""

from __future__ import annotations

from typing import Any, Literal

from prefect import flow, runtime
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from prefect.states import Completed
from pydantic import Field

from flows.clear_shipment import clear_shipment
from tasks import decisions, stages


class Correction(RunInput):
    """The question to the operator. Personal fields are never asked here: they come by file, command or gateway."""

    orders: str = Field(
        "", title="订单编号 Order numbers", description="以逗号分隔，空表示全部 comma-separated, empty for all"
    )
    action: Literal["declare again", "give up", "correct a value", "list anew", "ask for a cancel"] = (
        Field(  # nothing is chosen beforehand: all that waits is meant where no order is named
            title="处理 Action",
            description="须选择 choose: declare again 按最新资料重新申报 / give up 不再申报 / "
            "correct a value 更正数值 / list anew 重新申报总分单 / ask for a cancel 申请撤单",
        )
    )
    field: Literal[
        "", "waybill.gross_weight", "waybill.pieces", "order.goods_value", "order.freight", "payment.amount",
        "payment.pay_no", "waybill.consignee_country",
    ] = Field("", title="字段 Field", description="仅用于更正数值 only for: correct a value")  # fmt: skip
    value: str = Field("", title="新值 New value", max_length=60)
    note: str = Field(
        "", title="备注 Note", max_length=200, description="请勿填写姓名等个人信息 no names, no personal data"
    )


def _name() -> str:
    return f"更正 correct {stages.run_name(runtime.flow_run.parameters.get('shipment', ''))}"


@flow(name="correct-parcels", flow_run_name=_name, persist_result=False)
def correct_parcels(shipment: str) -> Any:
    """请一名操作员决定暂缓或退单包裹的处理方式，然后继续办理。

    Ask a person what to do with the parcels that are held or rejected, then go on with the truck.

    Args:
        shipment: 车次编号、总运单号或车牌。Number, master waybill or plate of the shipment.
    """
    question = decisions.correction_question(shipment)
    if question is None:
        return Completed(name="Nothing to correct", message="没有需要更正的包裹 no parcel waits for a correction")
    answer = suspend_flow_run(
        wait_for_input=Correction.with_initial_data(description=question), timeout=7 * 86400, key="correction"
    )
    orders = [o.strip() for o in answer.orders.replace("，", ",").split(",") if o.strip()]
    done = decisions.correct(shipment, orders, answer.action, answer.field, answer.value, answer.note)
    clear_shipment(shipment=shipment)
    return Completed(name="Corrected", message=f"{done} 个包裹 parcels")
