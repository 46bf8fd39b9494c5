"""`tongguan event SHIPMENT arrived|departed|crossed|delivered`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from deployments.cli.common import Json, Live, Reference, actor, installation, put_json, screen


class Kind(StrEnum):
    """What can happen to a truck, or (delivered) to its parcels."""

    arrived = "arrived"
    departed = "departed"
    crossed = "crossed"
    delivered = "delivered"


def event(
    shipment: Reference,
    kind: Annotated[
        Kind, typer.Argument(help="arrived at the yard 运抵, departed 离境, crossed 过境, delivered to buyers 签收")
    ],
    at: Annotated[
        str, typer.Option("--at", help="When, ISO 8601; China's time without a zone; now by default. 时间")
    ] = "",
    waybill: Annotated[
        list[str] | None, typer.Option("--waybill", help="Of a delivery: a parcel's waybill number; repeatable. 运单号")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", metavar="FILE", dir_okay=False, exists=True, help="Waybill numbers, one a line. 运单号文件"
        ),
    ] = None,
    live: Live = False,
    as_json: Json = False,
) -> None:
    """Tells what happened to the truck or its parcels; what waited for it goes on. 报告运抵、离境、过境或签收"""
    home = installation(live)
    from deployments import services  # noqa: PLC0415

    office = services.office(home)
    ident = services.resolve(office, shipment)
    numbers = [*(waybill or []), *(services.waybills_in(file) if file else [])]
    new = services.event(office, ident, kind.value, services.local(at) if at else None, actor(), numbers)
    if as_json:
        return put_json({"shipment": ident, "event": kind.value, "recorded": new})
    screen.print("已记录。 Noted." if new else "此前已记录。 Known already.")
    return None
