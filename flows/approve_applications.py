"""Approve applications: show a person what would be asked of customs (cancels, returns, summaries), ask, and go on."""

from __future__ import annotations

from typing import Any, Literal

from prefect import flow, runtime
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from prefect.states import Completed
from pydantic import Field

from flows.clear_shipment import clear_shipment
from tasks import stages
from tasks.applications import stages as applications


class Permission(RunInput):
    """The question to the operator."""

    answer: Literal["yes", "no"] = Field(  # nothing is chosen beforehand: what is asked for is a legal act
        title="决定 Decision", description="须选择 choose: yes 批准 / no 撤回"
    )
    name: str = Field("", title="批准人 Approved by", max_length=60)


def _name() -> str:
    return f"批准申请 approve applications {stages.run_name(runtime.flow_run.parameters.get('shipment', ''))}"


@flow(name="approve-applications", flow_run_name=_name, persist_result=False)
def approve_applications(shipment: str) -> Any:
    """请一名操作员批准撤销、退货或汇总申请（法律行为），然后继续办理。

    Ask a person to approve cancels, returns or summaries (legal acts), then go on.

    Args:
        shipment: 车次编号、总运单号或车牌。Number, master waybill or plate of the shipment.
    """
    question = applications.question(shipment)
    if question is None:
        return Completed(name="Nothing to approve", message="没有等待批准的申请 no application waits for approval")
    answer = suspend_flow_run(
        wait_for_input=Permission.with_initial_data(description=question), timeout=7 * 86400, key="permission"
    )
    done = applications.decide(shipment, answer.answer, answer.name)
    clear_shipment(shipment=shipment)
    return Completed(name="Approved" if answer.answer == "yes" else "Withdrawn", message=f"{done} 项申请 applications")
