"""`tongguan take-in FILE...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from deployments.cli.common import MOST, Json, Live, installation, put_json, screen, table, told


def take_in(
    files: Annotated[
        list[Path], typer.Argument(help="Files of many trucks. 不属于单一车次的文件", exists=True, dir_okay=False)
    ],
    platform: Annotated[
        str, typer.Option("--platform", help="Code of the platform whose order numbers they are. 平台企业代码")
    ] = "",
    live: Live = False,
    as_json: Json = False,
) -> None:
    """Takes a day's orders, payments or goods into the pool, from which trucks join theirs. 将整日文件收入订单池

    The same file again is nothing new; a changed row is a new version of it. Trucks that wait go on by themselves.
    """
    from deployments import services  # noqa: PLC0415

    office = services.office(installation(live))
    taken = []
    for path in files:
        with screen.status(f"读取 {escape(path.name)}… Reading."):
            taken.append(services.take_into_pool(office, path, platform))
    if as_json:
        put_json(taken)
        return
    shown = table(
        "订单池 The pool", "文件 file", "#行 rows", "#未变 unchanged orders", "#相关车次 trucks", "问题 faults"
    )
    for one in taken:
        found = ", ".join(f"{code} × {count}" for code, count in one["faults"].items())
        shown.add_row(escape(one["file"]), *(str(one[k]) for k in ("rows", "unchanged", "shipments")), found)
    screen.print(shown)
    for fault in _examples(taken)[:MOST]:
        screen.print(f"[red]·[/] {escape(told(fault))}")


def _examples(taken: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [fault for one in taken for fault in one["examples"]]
