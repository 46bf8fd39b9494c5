"""The deployments of served.yaml on a work pool: any number of workers, on any number of hosts, take their runs.

A pool has two lanes (work queues). What a person or a program starts goes to EXPRESS; schedules and trucks of many
parcels go to TRUCKS, so that a single shipment never waits behind a batch. A worker serves one lane, or both.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from deployments.serve import deployment, entries

EXPRESS, TRUCKS = "express", "trucks"
VARIABLE = "TONGGUAN_POOL"  # the pool to which a process hands runs; without one the pulse runs trucks by itself
FEW = 200  # parcels up to which a shipment may use the express lane: about half a second of work
KIND = "process"
# What can be set of a run's process. Prefect's template for this kind has three times as much, and its server checks
# the schema itself whenever a run is made: that was half of what making one cost it (3.8.8).
TEMPLATE: dict[str, Any] = {
    "job_configuration": {"env": "{{ env }}", "working_dir": "{{ working_dir }}"},
    "variables": {
        "type": "object",
        "properties": {
            "env": {"title": "环境变量 environment", "type": "object"},
            "working_dir": {"title": "工作目录 folder", "type": ["string", "null"], "default": None},
        },
    },
}


def pool() -> str:
    """The work pool of this process, '' without one."""
    return os.environ.get(VARIABLE, "")


def lane(parcels: int) -> str:
    """Where a run about a shipment of so many parcels goes."""
    return EXPRESS if parcels <= FEW else TRUCKS


def deploy(name: str) -> list[str]:
    """Makes the pool where it is missing and registers every deployment there; returns their names. Harmless again."""
    from prefect.client.orchestration import get_client  # noqa: PLC0415 - a second that only this needs
    from prefect.client.schemas.actions import WorkPoolCreate  # noqa: PLC0415
    from prefect.exceptions import ObjectAlreadyExists  # noqa: PLC0415

    with get_client(sync_client=True) as client, suppress(ObjectAlreadyExists):
        client.create_work_pool(WorkPoolCreate(name=name, type=KIND, base_job_template=TEMPLATE))
    return [_registered(entry, name) for entry in entries()]


def _registered(entry: dict[str, Any], name: str) -> str:
    made = deployment(entry, pool=name, lane=entry.get("lane", EXPRESS))
    made.apply()
    return str(made.full_name)
