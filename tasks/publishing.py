"""What an operator sees of a shipment in Prefect: artifacts, tags and the run's end state."""

from __future__ import annotations

import re
from typing import Any

from prefect import get_run_logger, runtime
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.client.orchestration import get_client
from prefect.states import Completed

from adapters.ledger.faults import faults
from mappings.engine import spec
from tasks.clearing.standing import Standing
from tasks.office import office
from tasks.reporting.faults import screen_table
from tasks.reporting.summary import quality, state_text, summary, timeline


def key(standing: Standing, what: str) -> str:
    """The artifact's key: the same for every run of a truck, so that its page shows the history."""
    return re.sub(r"[^a-z0-9]+", "-", f"{standing.shipment.master_waybill}-{what}".lower()).strip("-")


def publish(standing: Standing) -> None:
    """The shipment's summary, timeline, faults and senders' quality as artifacts of this run."""
    ledger, name = office().ledger, standing.truck.mainland_plate
    found = faults(ledger, standing.id)
    create_markdown_artifact(summary(standing, len(found)), key(standing, "summary"), f"{name} 概况 summary")
    create_markdown_artifact(timeline(ledger, standing), key(standing, "timeline"), f"{name} 时间线 timeline")
    if len(found):
        create_table_artifact(screen_table(found), key(standing, "faults"), f"{name} 问题 faults ({len(found)})")
    if scores := quality(ledger, standing.id):
        create_table_artifact(scores, key(standing, "quality"), f"{name} 来源质量 sender quality")


def tags(standing: Standing) -> set[str]:
    """Tags of a run: port, authorities, state."""
    authorities = {spec.load(kind).authority for kind in standing.documents}
    return {
        f"port:{standing.truck.exit_port}",
        f"state:{standing.shipment.state}",
        *(f"authority:{a}" for a in authorities),
    }


def tag_run(standing: Standing) -> None:
    """Put the tags on this run, beside those that it has."""
    run_id: Any = runtime.flow_run.id
    if run_id:
        with get_client(sync_client=True) as client:
            client.update_flow_run(run_id, tags=sorted({*runtime.flow_run.tags, *tags(standing)}))


def end(standing: Standing) -> Any:
    """The named state in which this run ends: what the shipment waits for now."""
    waiting = standing.procedure.waiting(standing.shipment.state)
    get_run_logger().info(
        "%s %s: %s", standing.truck.mainland_plate, standing.truck.master_waybill, state_text(standing)
    )
    return Completed(name=waiting.en, message=f"{standing.truck.mainland_plate} {state_text(standing)}")
