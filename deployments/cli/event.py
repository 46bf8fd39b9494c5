"""`tongguan event SHIPMENT arrived|departed|crossed`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from deployments.cli.common import Json, Live, Reference, actor, installation, put_json, screen


class Kind(StrEnum):
    """What can happen to a truck."""

    arrived = "arrived"
    departed = "departed"
    crossed = "crossed"


def event(
    shipment: Reference,
    kind: Annotated[Kind, typer.Argument(help="arrived at the yard 运抵, departed 离境, crossed 过境")],
    at: Annotated[
        str, typer.Option("--at", help="When, ISO 8601; China's time without a zone; now by default. 时间")
    ] = "",
    live: Live = False,
    as_json: Json = False,
) -> None:
    """Tells what happened to the truck; what waited for it goes on. 报告车辆运抵、离境或过境"""
    home = installation(live)
    from deployments import services  # noqa: PLC0415

    office = services.office(home)
    ident = services.resolve(office, shipment)
    new = services.event(office, ident, kind.value, services.local(at) if at else None, actor())
    if as_json:
        return put_json({"shipment": ident, "event": kind.value, "recorded": new})
    screen.print("已记录。 Noted." if new else "此前已记录。 Known already.")
    return None
