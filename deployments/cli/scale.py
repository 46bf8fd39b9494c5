"""`tongguan deploy` and `tongguan work`: deployments on a work pool, and a warm worker of it."""

from __future__ import annotations

from typing import Annotated

import typer

from deployments import pools, work
from deployments.cli.common import Live, installation, screen

Pool = Annotated[str, typer.Option("--pool", help="The work pool, made when it is missing. 工作池")]


def deploy(pool: Pool = work.POOL, live: Live = False) -> None:
    """Registers every deployment on a work pool, for workers on any host. 在工作池上注册全部部署

    PREFECT_API_URL says which Prefect. `tongguan work` (warm) and `prefect worker start --pool` take the runs.
    """
    installation(live)
    for name in pools.deploy(pool):
        screen.print(f"  [green]✓[/] {name} → {pool}", highlight=False)


def worker(
    pool: Pool = work.POOL,
    express: Annotated[int, typer.Option(help="Runs at a time of single shipments. 单票并发数", min=0)] = 1,
    trucks: Annotated[int, typer.Option(help="Runs at a time of trucks and schedules. 整车并发数", min=0)] = 1,
    live: Live = False,
) -> None:
    """Works on a pool in the foreground: start as many as there are cores, on any host. 运行工作进程

    A host needs the same ledger, and the home folder's vault.key, keys and settings.
    """
    installation(live)
    work.start(pool, work.slots(express, trucks))
