"""Serves every deployment of served.yaml from one process: `python -m deployments.serve`. Prefect 3.8.8."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import timedelta
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from mappings import clock, yamls
from mappings.errors import ConfigurationError

FILE = Path(__file__).parent / "served.yaml"
AT_ONCE = 3  # flow runs in parallel, each a process of its own


def entries(file: Path = FILE) -> list[dict[str, Any]]:
    """The deployments as they are listed."""
    found: list[dict[str, Any]] = yamls.load(file.read_text("utf-8"))["deployments"]
    return found


@lru_cache
def labels(file: Path = FILE) -> dict[str, str]:
    """What the forms call a parameter, in both languages."""
    found: dict[str, str] = yamls.load(file.read_text("utf-8"))["labels"]
    return found


def _labelled(made: Any) -> Any:
    """The deployment, its form's fields called as people call them."""
    for name, field in made._parameter_openapi_schema.properties.items():
        field["title"] = labels().get(name, name)
    return made


def interval(entry: dict[str, Any]) -> timedelta | None:
    """How often it runs by itself, in real time; None for what only a person or a program starts."""
    if "every" not in entry:
        return None
    return timedelta(seconds=max(entry["at_least"], clock.clock().real_seconds(entry["every"])))


def flow_of(entry: dict[str, Any]) -> Any:
    """The flow of an entry. Raises ConfigurationError when it is not there."""
    module, _, name = entry["flow"].partition(":")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"没有流程 {entry['flow']}。There is no flow {entry['flow']}: {error}") from error


def deployment(entry: dict[str, Any], pool: str = "", lane: str = "") -> Any:
    """One entry as Prefect serves it, found again by its module, wherever the process stands; or for a work pool."""
    from prefect.client.schemas.objects import (  # noqa: PLC0415 - a second that only the server needs
        ConcurrencyLimitConfig,
        ConcurrencyLimitStrategy,
    )
    from prefect.types.entrypoint import EntrypointType  # noqa: PLC0415

    cancel = ConcurrencyLimitStrategy.CANCEL_NEW
    limit = ConcurrencyLimitConfig(limit=entry["limit"], collision_strategy=cancel) if "limit" in entry else None
    made = flow_of(entry).to_deployment(
        entry["name"],
        interval=interval(entry),
        parameters=entry.get("parameters", {}),
        tags=entry["tags"],
        description=entry["text"],
        concurrency_limit=limit,
        entrypoint_type=EntrypointType.MODULE_PATH,
        work_pool_name=pool or None,
        work_queue_name=lane or None,
    )
    return _labelled(made)


def main(arguments: Iterable[str] = ()) -> None:
    """Serves them until it is stopped; schedules stay on when it stops."""
    from prefect import serve  # noqa: PLC0415

    file = next((Path(a) for a in arguments), FILE)
    made = [deployment(entry) for entry in entries(file)]
    serve(*made, limit=AT_ONCE, pause_on_shutdown=False, print_starting_message=False)


if __name__ == "__main__":
    main(sys.argv[1:])
