"""The steps as Prefect tasks: thin wrappers. Prefect sees counts and our own numbers, nothing of a payment."""

from __future__ import annotations

from typing import Any

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.states import Completed, Failed

from adapters.ledger.leases import lease
from mappings import clock
from tasks.office import office
from tasks.payment_data import answer, receive
from tasks.stages import LOCAL, SENDING

LEASE, SECONDS = "payment-data", 300.0
KEY = "payment-data-requests"


@task(task_run_name="read what was left unread", **LOCAL)
def read_waiting() -> int:
    """Requests that were stored and not read."""
    return receive.read_waiting(office())


@task(task_run_name="open refused ones again", **LOCAL)
def reopen(session: str) -> int:
    """Refused requests of a session, to be answered anew."""
    return answer.reopen(office(), session)


@task(task_run_name="gather payment data", **LOCAL)
def gather() -> dict[str, int]:
    """Uploads prepared, and requests whose data is incomplete."""
    return dict(answer.prepare_waiting(office()))


@task(task_run_name="upload payment data", **SENDING)
def upload() -> dict[str, int]:
    """Uploads by outcome."""
    with lease(office().ledger, LEASE, office().worker, SECONDS) as mine:
        return dict(answer.upload_waiting(office())) if mine else {}


def standing() -> answer.Standing:
    """How the requests stand; what is overdue has been alarmed."""
    return answer.standing(office())


def publish(at: answer.Standing) -> None:
    """The alarmed requests as a table: our number, state, fields that lack, when it is due."""
    rows = [
        {
            "request 请求": row.id,
            "state 状态": row.state,
            "reason 原因": row.reason,
            "due 期限": row.due_at.astimezone(clock.CHINA).strftime("%Y-%m-%d %H:%M"),
        }
        for row in at.alarmed
    ]
    if rows:
        create_table_artifact(rows, KEY, "未答复的支付数据请求 requests for payment data that need a person")


def ended(at: answer.Standing, missed: list[str]) -> Any:
    """How the run ends: failed where a person is needed, so that an automation can tell."""
    told = f"{at.waiting} 个未答复 not answered, {len(at.alarmed)} 个告警 alarmed"
    if at.alarmed:
        return Failed(name="Payment data needs a person", message=told)
    if missed:
        return Completed(name="Authority unavailable", message=f"{told}; 海关无法连接 {'; '.join(missed)}")
    return Completed(name="Waiting" if at.waiting else "All answered", message=told)
