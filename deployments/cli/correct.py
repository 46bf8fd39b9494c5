"""`tongguan correct SHIPMENT FILE...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deployments.cli.common import Json, Live, Reference, actor, installation, put_json, screen
from deployments.cli.status import show


def correct(
    shipment: Reference,
    files: Annotated[
        list[Path], typer.Argument(help="Corrected files, whole or only the changed rows. 更正后的文件", exists=True)
    ],
    live: Live = False,
    as_json: Json = False,
) -> None:
    """Takes in corrected or late files: a new version of their rows. 接收更正或补充的文件

    Held parcels rejoin the truck, rejected ones are declared anew; what is declared and changed asks for a decision.
    """
    home = installation(live)
    from deployments import services  # noqa: PLC0415

    office = services.office(home)
    ident = services.resolve(office, shipment)
    services.receive_files(office, [(f.name, f.read_bytes()) for f in files], f"correct by {actor()}", str(ident))
    if as_json:
        return put_json({"shipment": ident, "files": [f.name for f in files]})
    screen.print("已接收。 Taken in.")
    return show(services.status(office, ident))
