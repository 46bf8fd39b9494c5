"""`tongguan prepare FOLDER --out DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deployments.cli.common import Json, put_json, screen, table


def prepare(
    folder: Annotated[Path, typer.Argument(help="The files of one truck. 一车货物的资料文件夹", exists=True)],
    out: Annotated[Path, typer.Option("--out", help="Where messages and reports go. 输出文件夹", file_okay=False)],
    as_json: Json = False,
) -> None:
    """A dry run: every message that would be sent, report.json and faults.csv. 试运行，不联网、不申报

    As if nothing were rejected, with the times of the truck's plan. Needs no server and no network. faults.csv names
    every value in the clear, for its sender: it is readable by you alone.
    """
    from adapters import home as homes  # noqa: PLC0415
    from deployments import services  # noqa: PLC0415

    home = homes.read()
    if as_json:
        return put_json(services.prepare(folder, out, home))
    with screen.status("处理中… Working."):
        report = services.prepare(folder, out, home)
    made = table(f"试运行 Dry run → {out}", "项目 item", "#数量 count")
    for name, value in report.items():
        if isinstance(value, int | float | str):
            made.add_row(name, str(value))
        elif isinstance(value, dict):
            for key, count in value.items():
                made.add_row(f"{name} · {key}", str(count))
    screen.print(made)
    return None
