"""Approve: show a person what would be declared, ask, and go on."""

from __future__ import annotations

from typing import Any, Literal

from prefect import flow, runtime
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from prefect.states import Completed
from pydantic import Field

from flows.clear_shipment import clear_shipment
from tasks import decisions, stages


class Approval(RunInput):
    """The question to the operator."""

    answer: Literal["declare", "hold"] = Field(  # nothing is chosen beforehand: to declare is a legal act
        title="决定 Decision", description="须选择 choose: declare 批准申报 / hold 暂不申报"
    )
    name: str = Field("", title="批准人 Approved by", max_length=60)
    note: str = Field(
        "", title="备注 Note", max_length=200, description="请勿填写姓名等个人信息 no names, no personal data"
    )


def _name() -> str:
    return f"批准 approve {stages.run_name(runtime.flow_run.parameters.get('shipment', ''))}"


@flow(name="approve", flow_run_name=_name, persist_result=False)
def approve(shipment: str) -> Any:
    """请一名操作员批准申报（申报是法律行为），然后继续办理。

    Ask a person to approve declaring a prepared truck (a legal act), then go on with it.

    Args:
        shipment: 车次编号、总运单号或车牌。Number, master waybill or plate of the shipment.
    """
    question = decisions.approval_question(shipment)
    if question is None:
        return Completed(name="Nothing to approve", message="没有等待批准的内容 nothing waits for approval")
    answer = suspend_flow_run(
        wait_for_input=Approval.with_initial_data(description=question), timeout=7 * 86400, key="approval"
    )
    decisions.decide(shipment, answer.answer, answer.name, answer.note)
    clear_shipment(shipment=shipment)
    return Completed(name="Approved" if answer.answer == "declare" else "Held")
