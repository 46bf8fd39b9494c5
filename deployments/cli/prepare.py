"""`tongguan prepare FOLDER --out DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from deployments.cli.common import MOST, Json, PerSender, put_json, screen, table, told


def prepare(
    folder: Annotated[Path, typer.Argument(help="The files of one truck. 一车货物的资料文件夹", exists=True)],
    out: Annotated[Path, typer.Option("--out", help="Where messages and reports go. 输出文件夹", file_okay=False)],
    per_sender: PerSender = False,
    as_json: Json = False,
) -> None:
    """A dry run: every message that would be sent, report.json and faults.csv. 试运行，不联网、不申报

    As if nothing were rejected, with the times of the truck's plan. Needs no server and no network. faults.csv names
    every value in the clear, of all senders: it is readable by you alone. --per-sender writes what each may have.
    """
    from adapters import home as homes  # noqa: PLC0415
    from deployments import services  # noqa: PLC0415

    home = homes.read()
    if as_json:
        return put_json(services.prepare(folder, out, home, per_sender))
    with screen.status("处理中… Working."):
        report = services.prepare(folder, out, home, per_sender)
    show_report(report, out)
    return None


def show_report(report: dict[str, Any], out: Path) -> None:
    """What a dry run made, counted: parcels, why some wait, messages by type."""
    screen.print(f"[bold]{report['mainland_plate']} {report['master_waybill']}[/] → {out}")
    parcels = table("包裹 Parcels", "状态 state", "#数量 count")
    for state, count in report["parcels"].items():
        parcels.add_row(state, str(count))
    reasons = table("未申报原因 Why some wait", "代码 code", "#包裹 parcels")
    for code, count in report["reasons"].items():
        reasons.add_row(code, str(count))
    made = table("报文 Messages", "类型 type", "#文件 files", "#单证 documents")
    for kind in dict.fromkeys(m["type"] for m in report["messages"]):
        mine = [m["documents"] for m in report["messages"] if m["type"] == kind]
        made.add_row(kind, str(len(mine)), str(sum(mine)))
    screen.print(parcels, reasons, made)
    for fault in report["file_faults"][:MOST]:
        screen.print(f"[red]·[/] {escape(told(fault))}")
    for note in report["notes"]:
        screen.print(f"· {note}")
    screen.print("明细见 faults.csv、report.json。 Details: faults.csv, report.json.")
