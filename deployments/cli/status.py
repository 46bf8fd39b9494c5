"""`tongguan status [SHIPMENT]`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.cli.common import Json, Live, PerSender, installation, put_json, screen, table

if TYPE_CHECKING:
    from deployments.services import Status


def status(
    shipment: Annotated[
        str, typer.Argument(help="Its id, master waybill or plate; none lists all. 不填则列出全部")
    ] = "",
    to: Annotated[
        Path | None,
        typer.Option(
            "--faults",
            metavar="FILE.csv",
            dir_okay=False,
            help="Write its faults there, values in the clear, of all senders. 导出故障明细（含明文，仅本人可读）",
        ),
    ] = None,
    per_sender: PerSender = False,
    live: Live = False,
    as_json: Json = False,
) -> None:
    """Where a shipment stands: parcels, documents, faults, timeline; without one, all shipments. 查看货运状态"""
    home = installation(live)
    from deployments import services  # noqa: PLC0415

    office = services.office(home)
    if to and not shipment:
        raise typer.BadParameter("name the shipment whose faults are meant 请指明车次")
    if per_sender and not to:
        raise typer.BadParameter("--per-sender goes with --faults FILE.csv 请与 --faults 一起使用")
    if shipment:
        ident = services.resolve(office, shipment)
        if to:
            services.write_faults(office, ident, to, per_sender)
        one = services.status(office, ident)
        return put_json(one.as_json()) if as_json else show(one)
    found = services.listing(office)
    return put_json([s.as_json() for s in found]) if as_json else show_all(found)


def show_all(found: list[Status]) -> None:
    """All shipments, one a line."""
    made = table(
        "货运 Shipments", "#id", "总运单 master waybill", "车牌 plate", "状态 state", "#包裹 parcels", "#故障 faults"
    )
    for s in found:
        state = f"{s.state_zh} {s.state_en}"
        counts = (str(sum(s.parcels.values())), str(sum(s.faults.values())))
        made.add_row(str(s.id), s.master_waybill, s.plate, state, *counts)
    screen.print(made)


def show(s: Status) -> None:
    """One shipment."""
    from mappings import faults  # noqa: PLC0415

    held = " [red](已暂停 held)[/]" if s.held else ""
    screen.print(f"[bold]{s.plate} {s.master_waybill}[/] · {s.state_zh} {s.state_en}{held}")
    parcels = table("包裹 Parcels", "状态 state", "#数量 count")
    for state, count in sorted(s.parcels.items()):
        parcels.add_row(state, str(count))
    documents = table("单证 Documents", "报文 type", "状态 states")
    for kind, states in sorted(s.documents.items()):
        documents.add_row(kind, ", ".join(f"{state} {count}" for state, count in sorted(states.items())))
    screen.print(parcels, documents)
    if s.redeclared:
        screen.print(f"重新申报或修改 declared anew or changed: {s.redeclared}")
    if s.bills:
        screen.print("税单 tax bills: " + ", ".join(f"{state} {count}" for state, count in sorted(s.bills.items())))
    if s.applications:
        asked = table("申请 Applications", "种类 kind", "状态 states")
        for kind, states in sorted(s.applications.items()):
            asked.add_row(kind, ", ".join(f"{state} {count}" for state, count in sorted(states.items())))
        screen.print(asked)
    if s.faults:
        kinds = faults.table()
        made = table("故障 Faults", "代码 code", "#数量 count", "级别 severity", "由谁处理 owner", "处理 remedy")
        for code, count in sorted(s.faults.items(), key=lambda item: -item[1]):
            fault = kinds[code]
            made.add_row(code, str(count), fault.severity, fault.owner, f"{fault.remedy_zh}\n{fault.remedy_en}")
        screen.print(made)
    timeline = table("时间线 Timeline", "时间 UTC", "事件 event", "由谁 by")
    for entry in s.timeline[-20:]:
        timeline.add_row(entry["at"][:19].replace("T", " "), entry["kind"], entry["actor"])
    screen.print(timeline)
