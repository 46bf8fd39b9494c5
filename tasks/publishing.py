"""What an operator sees of a shipment in Prefect: artifacts, progress, tags, questions and the run's end state."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from httpx import codes
from prefect import get_run_logger, runtime
from prefect.artifacts import create_progress_artifact, create_table_artifact, update_progress_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.deployments import run_deployment
from prefect.exceptions import MissingContextError, ObjectNotFound, PrefectHTTPStatusError
from prefect.states import Cancelled, Completed, Failed

from adapters.ledger import applications
from adapters.ledger.conversions import conversions
from adapters.ledger.faults import faults
from mappings.canonical.model import Truck
from mappings.clock import stopwatch
from mappings.engine import spec
from tasks import artifact, shown
from tasks.applications import outcomes
from tasks.clearing.standing import Standing, port_of
from tasks.inbox import Waiting
from tasks.office import office
from tasks.receipts import alarm
from tasks.reporting.declared import redeclared
from tasks.reporting.faults import screen_table
from tasks.reporting.money import books
from tasks.reporting.people import people
from tasks.reporting.summary import conversion_table, fault_counts, local, quality, state_text, summary, timeline

APPLY = ("approve-applications/approve-applications", "批准申请 approve applications")
APPROVE, CORRECT = ("approve/approve", "批准 approve"), ("correct-parcels/correct-parcels", "更正 correct")
Put = Callable[[artifact.Content, str, str, str], str]
Start = Callable[[str, dict[str, Any], str, str], bool]
ASK = {"awaiting_approval": APPROVE, "awaiting_correction": CORRECT, "list_refused": CORRECT, "released": CORRECT}


def key(master_waybill: str, what: str) -> str:
    """The artifact's key: the same for every run of a truck, so that its page shows them one after the other."""
    return re.sub(r"[^a-z0-9]+", "-", f"{master_waybill}-{what}".lower()).strip("-")


def _put(content: artifact.Content, key: str, description: str, artifact_id: str) -> str:
    """An artifact of this run."""
    with get_client(sync_client=True) as client:

        def call(method: Any, path: Any, body: dict[str, Any]) -> Any:
            try:
                answer = client.request(method, path, json=body)
            except PrefectHTTPStatusError as error:
                if error.response.status_code == codes.NOT_FOUND:
                    raise LookupError(path) from error
                raise
            return answer.json() if answer.content else None

        return artifact.put(call, str(runtime.flow_run.id or ""), content, key, description, artifact_id)


def publish(standing: Standing, again: bool = True, put: Put = _put, run_id: str = "") -> None:
    """The shipment's summary, timeline, faults, senders' quality and conversion record as artifacts of this run.

    Without `again` only those that differ from what was shown last: their pages have the others. `put` is who makes
    an artifact of the run `run_id` (here this one), or changes the one whose id it is given, and says its id: a text,
    or rows of a table; its key; its description; and that id ('' for none, UNSURE where it may be there). A page of
    Prefect's says when an artifact was made, and not when it was changed: its description says that.
    """
    run_id, as_of = run_id or str(runtime.flow_run.id or ""), f"· 截至 as of {local(standing.now)}"
    ledger, name = office().ledger, standing.label
    found = faults(ledger, standing.id)
    asked = applications.listing(ledger, standing.id)
    everything: dict[str, tuple[Any, str]] = {
        "summary": (summary(standing, found), f"{name} 概况 summary"),
        "timeline": (timeline(ledger, standing), f"{name} 时间线 timeline"),
        "applications": (outcomes.shown(asked), f"{name} 申请 applications: {outcomes.counted(asked)}"),
        "faults": (
            screen_table(found, people=people(ledger, standing.id, found)),
            f"{name} 问题 faults: {fault_counts(found)}",
        ),
        "quality": (quality(ledger, standing.id), f"{name} 来源质量 sender quality"),
        "books": (books(ledger, standing), f"{name} 担保与库存 guarantee and stock"),
        "redeclared": (redeclared(ledger, standing), f"{name} 重新申报 declared anew"),
        "conversion": (conversion_table(conversions(ledger, standing.id)), f"{name} 转换记录 conversion record"),
    }
    with shown.of(ledger, standing.id, again) as seen:
        for what, (content, description) in everything.items():
            if content and seen.differs(what, content, description):
                called, before = key(standing.shipment.master_waybill, what), seen.artifact(what, run_id)
                if not before:
                    seen.stands(what, run_id, artifact.UNSURE)  # until it is answered
                seen.stands(what, run_id, put(content, called, f"{description} {as_of}", before))


def progress(shipment_id: int, step: str) -> Callable[[int, int], None]:
    """A callback (done, total) that shows how far a long step has come, now and then and at its end.

    One that takes less than a moment from its first part on shows nothing.
    """
    bar: list[UUID] = []
    last = math.nan

    def show(done: int, total: int) -> None:
        nonlocal last
        if math.isnan(last):
            last = stopwatch()
        if stopwatch() - last < (MOMENT if bar else GLANCE) and not (bar and done == total):
            return
        percent, last = 100.0 * done / total, stopwatch()
        if bar:
            update_progress_artifact(bar[0], percent)
        elif done < total:
            made: Any = create_progress_artifact(percent, f"shipment-{shipment_id}-{step}", f"{step}: 发送 sending")
            bar.append(made)

    return show


GLANCE, MOMENT = 1.0, 2.0  # real seconds until a step is worth a bar, and between two of its states


def tags(standing: Standing) -> set[str]:
    """Tags of a run: port, direction, authorities, state."""
    return tags_of(standing.truck, standing.shipment.state, (spec.load(kind).authority for kind in standing.documents))


def tags_of(truck: Truck, state: str, authorities: Iterable[str]) -> set[str]:
    """The same of a truck in that state, of which these authorities have been told."""
    said = {f"port:{port_of(truck)}", f"direction:{truck.direction}", f"state:{state}"}
    return said | {f"authority:{name}" for name in authorities}


def name_run(name: str) -> None:
    """Call this run so: a run that was started with a folder knows only now what it is about."""
    run_id: Any = runtime.flow_run.id
    if run_id:
        with get_client(sync_client=True) as client:
            client.update_flow_run(run_id, name=name)


def tag_run(standing: Standing) -> None:
    """Put the tags on this run, beside those that it has."""
    run_id: Any = runtime.flow_run.id
    wanted = tags_beside(runtime.flow_run.tags or [], standing)
    if run_id and wanted:
        with get_client(sync_client=True) as client:
            client.update_flow_run(run_id, tags=wanted)


def tags_beside(had: Collection[str], standing: Standing) -> list[str]:
    """The tags of a run that had these, the state's the present one only; none where they are the same."""
    wanted = {tag for tag in had if not tag.startswith("state:")} | tags(standing)
    return [] if wanted == set(had) else sorted(wanted)


def _ask(deployment: str, parameters: dict[str, Any], name: str, key: str) -> bool:
    """Starts a run that asks, once for each key; False where there is no such deployment."""
    try:
        run_deployment(
            deployment, parameters=parameters, timeout=0, as_subflow=False, idempotency_key=key, flow_run_name=name
        )
    except ObjectNotFound:
        return False
    return True


def ask(standing: Standing, again: bool = True, start: Start = _ask) -> None:
    """Where the shipment waits for a person's answer, start the run that asks (once for each version of the files).

    Without `again` Prefect is not asked for what it was asked last. `start` is who starts a run, as `_ask` does.
    """
    questions: list[tuple[str, str, str]] = []
    waiting = applications.listing(office().ledger, standing.id, states=(applications.ASKED,))
    if waiting:
        questions.append((*APPLY, f"applications:{standing.id}:{max(row.id for row in waiting)}"))
    state = standing.shipment.state
    if state in ASK and state in standing.procedure.waits_for_person:
        questions.append((*ASK[state], f"{state}:{standing.id}:{standing.received}"))
    with shown.of(office().ledger, standing.id, again) as seen:
        for deployment, name, question in questions:
            if seen.differs(f"ask:{deployment}", question):
                _start(standing, deployment, name, question, start)


def _start(standing: Standing, deployment: str, name: str, question: str, start: Start = _ask) -> None:
    """Start the run that asks, once for each question."""
    called = f"{name} {standing.label} {standing.truck.master_waybill}"
    if not start(deployment, {"shipment": str(standing.id)}, called, f"{deployment}:{question}"):
        _log().info("No deployment asks here 未部署 %s", deployment)


def _log() -> Any:
    """This run's log; outside of a run the process's."""
    try:
        return get_run_logger()
    except MissingContextError:
        return logging.getLogger(__name__)


def inbox_waits(waiting: Sequence[Waiting]) -> None:
    """The folders of the inbox that cannot start, each with its reason and its faults, as an artifact of this run."""
    rows = [row for one in waiting for row in _folder_rows(one)]
    create_table_artifact(rows, "inbox-waiting", f"{len(waiting)} 个文件夹等待 folders wait")


def _folder_rows(one: Waiting) -> list[dict[str, Any]]:
    told = {"文件夹 folder": one.folder.name, "原因 reason": one.reason}
    return [told | row for row in screen_table(one.faults)] or [told]


def waiting_text(waiting: Sequence[Waiting]) -> str:
    """The folders that wait, in a sentence: each with the codes of its errors, else with its reason."""
    said = []
    for one in waiting:
        codes = one.faults["code"][one.faults["severity"] == "error"].unique()
        said.append(f"{one.folder.name} ({', '.join(codes) or one.reason})")
    return f"{len(waiting)} 个文件夹等待 folders wait: {'; '.join(said)}"


def alarm_parked() -> str:
    """An artifact of the messages that came in and could not be read, and have not been told before; in a sentence."""
    rows = alarm.untold_parked(office().ledger)
    if not rows:
        return ""
    said = f"{len(rows)} 份收到的报文无法读取，已保存待查 messages received could not be read and are kept"
    shown = [
        {
            "编号 raw id": row.id,
            "主管机关 authority": row.authority,
            "通道 channel": row.channel,
            "时间 at": row.at.isoformat(),
            "原因 reason": row.reason,
        }
        for row in rows
    ]
    create_table_artifact(shown, "parked-messages", said)
    get_run_logger().warning("%s: %s", said, [row.id for row in rows])
    alarm.tell_parked(office().ledger, rows)
    return f"{said}: {', '.join(str(row.id) for row in rows[:20])}"


def heard(ran: Sequence[Any], message: str, missed: Sequence[str]) -> State[Any]:
    """How a run that heard the authorities ends: with an alarm, with who could not be reached, or with what came."""
    parked = alarm_parked()
    unreached = f"主管机关无法连接 {'; '.join(missed)}" if missed else ""
    name = "Parked messages" if parked else "Authority unavailable" if missed else None
    return ended(ran, "; ".join(part for part in (message, parked, unreached) if part), name)


def ended(ran: Sequence[Any], message: str, name: str | None = None) -> State[Any]:
    """How a run over several trucks ends: one that failed has stopped no other, and is told."""
    failed = sum(not state.is_completed() for state in ran)
    if failed:
        return Failed(name="Some failed", message=f"{message}; {failed} 个失败 failed")
    return Completed(name=name, message=message)


def cancelling() -> bool:
    """Whether a person has asked Prefect to cancel this run."""
    run_id: Any = runtime.flow_run.id
    if not run_id:
        return False
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(run_id).state
    return state is not None and state.is_cancelling()


def cancelled(standing: Standing) -> State[Any]:
    """How a run that a person cancelled ends: between two stages, with its truck free for the next."""
    return Cancelled(
        message=f"{standing.label} 已取消，下次运行继续 cancelled; the next run goes on: {state_text(standing)}"
    )


def end(standing: Standing, missed: list[str]) -> Any:
    """The named state in which this run ends: what the shipment waits for now, or that an authority was not reached."""
    if missed:
        told = f"{standing.label} 主管机关无法连接 {'; '.join(missed)}"
        return Completed(name="Authority unavailable", message=told)
    name, message = ending(standing)
    get_run_logger().info("%s %s: %s", standing.label, standing.truck.master_waybill, state_text(standing))
    return Completed(name=name, message=message)


def ending(standing: Standing) -> tuple[str, str]:
    """The name of the state in which a run ends that could do everything, and its message."""
    waiting = standing.procedure.waiting(standing.shipment.state)
    return waiting.en, f"{standing.label} {state_text(standing)}"
