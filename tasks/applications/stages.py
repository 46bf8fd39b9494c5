"""Applications as Prefect tasks, and what an operator sees of them: artifacts, questions, the run's end state.

Only ids and order numbers go to Prefect; reasons of people's own stay in files, calls and the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prefect import task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.states import Completed

from adapters.ledger import applications as ledger
from adapters.ledger import shipments
from mappings.applications import rule
from mappings.canonical.model import Truck
from mappings.errors import ConfigurationError
from tasks.applications import outcomes, redeclare, summaries, wanted
from tasks.applications.asking import Asked, ask
from tasks.applications.redeclare import Redeclared
from tasks.applications.wanted import Wanted
from tasks.clearing.settling import settle_shipment
from tasks.office import office
from tasks.stages import LOCAL, find

MOST = 40


def chosen(parcels: str, file: str, reason: str) -> Wanted:
    """The parcels that a form names, or a file does. Raises ConfigurationError when there is no such file."""
    if not file:
        return wanted.of_text(parcels, reason)
    path = Path(file)
    if not path.is_file():
        raise ConfigurationError(f"There is no file {path.name} 文件不存在")
    return wanted.of_file(path.name, path.read_bytes(), reason)


@task(task_run_name="ask for a {kind}", **LOCAL)
def request(
    kind: str, shipment: str, parcels: str, file: str, reason: str, actor: str, detail: Mapping[str, str] | None = None,
    after: str = "",
) -> tuple[int, Asked]:  # fmt: skip
    """Ask for what a form or file names; the shipment's id, and what came of it."""
    ident = find(shipment)
    told = {name: value for name, value in (detail or {}).items() if value}
    asked = ask(office(), ident, kind, chosen(parcels, file, reason), actor, told, after)
    settle_shipment(office(), ident)
    return ident, asked


@task(task_run_name="ask for the summaries of {month}", **LOCAL)
def request_summaries(month: str, declarant: str, actor: str) -> dict[int, Asked]:
    """Ask for a month's summaries; by shipment what came of it."""
    found = summaries.ask_summaries(office(), month or summaries.last_month(), actor, declarant)
    for ident in found:
        settle_shipment(office(), ident)
    return found


@task(task_run_name="declare anew", **LOCAL)
def again(shipment: str, parcels: str, file: str, actor: str) -> tuple[int, Redeclared]:
    """Make rejected parcels ready again; the shipment's id, and what came of it."""
    ident = find(shipment)
    return ident, redeclare.redeclare(office(), ident, chosen(parcels, file, ""), actor)


@task(task_run_name="approve applications", **LOCAL)
def approve(asked: Asked, actor: str) -> int:
    """Note the approval that came with the call."""
    return int(ledger.approve(office().ledger, asked.ids, actor)) if asked.ids else 0


# ---- approval --------------------------------------------------------------------------------------------------------
def question(shipment: str) -> str | None:
    """What a person is asked before anything is sent, as Markdown; None when nothing waits for approval."""
    ident = find(shipment)
    rows = ledger.listing(office().ledger, ident, states=(ledger.ASKED,))
    if not rows:
        return None
    row = shipments.get(office().ledger, ident)
    table = outcomes.shown(rows[:MOST])
    heads = ("包裹 parcel", "申请 application")
    said = f"**{row.label}** {row.master_waybill}: **{len(rows)}** 项申请 applications"
    body = (f"| {r[heads[0]]} | {r[heads[1]]} |" for r in table)
    lines = [said, "", f"| {' | '.join(heads)} |", "|---|---|", *body]
    return "\n".join([*lines, *([f"\n… {len(rows) - MOST} more 更多"] if len(rows) > MOST else [])])


def decide(shipment: str, answer: str, name: str) -> int:
    """Write down a person's answer for all that waits: approved, or withdrawn. Returns how many."""
    ident = find(shipment)
    ids = [row.id for row in ledger.listing(office().ledger, ident, states=(ledger.ASKED,))]
    done = (ledger.approve if answer == "yes" else ledger.withdraw)(office().ledger, ids, name or "operator")
    settle_shipment(office(), ident)
    return int(done)


# ---- what is seen ----------------------------------------------------------------------------------------------------
def publish(shipment_id: int, asked: Asked) -> None:
    """The table of parcels with their outcome, and when each step was taken, as artifacts of this run."""
    rows, at = outcomes.rows_of(office(), asked), shipments.get(office().ledger, shipment_id)
    key = f"{at.master_waybill}-{asked.kind}".lower()
    clean = "".join(c if c.isascii() and c.isalnum() else "-" for c in key).strip("-")
    table = outcomes.shown(rows, asked.faults)
    if table:
        create_table_artifact(
            table, clean, f"{at.label} {outcomes.named(asked.kind)}: {_said(rows, len(asked.faults))}"
        )
    if rows:
        what = f"{outcomes.named(asked.kind)} 时间线 timeline"
        create_markdown_artifact(outcomes.timeline(rows), f"{clean}-timeline", f"{at.label} {what}")


def _said(rows: Sequence[Any], refused: int) -> str:
    """How many are in each state, and how many could not be asked for."""
    parts = (outcomes.counted(rows), f"{refused} 项未通过 refused" if refused else "")
    return "; ".join(part for part in parts if part)


def ended(kind: str, asked: list[Asked]) -> Any:
    """The named state in which a run about applications ends."""
    rows = [row for one in asked for row in outcomes.rows_of(office(), one)]
    bad = next((one.faults for one in asked if len(one.faults)), Asked(kind).faults)
    said = _said(rows, sum(len(one.faults) for one in asked))
    return Completed(name=outcomes.end(kind, rows, bad), message=said or "没有可申请的包裹 nothing to ask for")


def publish_lineage(shipment_id: int, done: Redeclared) -> None:
    """Every attempt of the parcels declared anew, and what was refused, as artifacts of this run."""
    at = shipments.get(office().ledger, shipment_id)
    clean = "".join(c if c.isascii() and c.isalnum() else "-" for c in f"{at.master_waybill}-anew".lower()).strip("-")
    about = rule("cancel", Truck.model_validate(at.truck).direction).about
    rows = outcomes.lineage(office(), shipment_id, done.seqs, about)
    if rows:
        create_table_artifact(rows, f"{clean}-lineage", f"{at.label} 申报沿革 lineage")
    if len(done.faults):
        create_table_artifact(outcomes.shown([], done.faults), clean, f"{at.label} 未通过 refused")


def ended_anew(done: Redeclared) -> Any:
    """The named state in which a run that declares anew ends."""
    name = "Declared anew" if done.seqs or done.known else "Refused" if len(done.faults) else "Nothing to declare anew"
    return Completed(name=name, message=f"{len(done.seqs)} 个包裹 parcels; {len(done.faults)} 项未通过 refused")
