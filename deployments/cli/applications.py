"""`tongguan cancel`, `return`, `summarise` and `redeclare`: what is asked for after a declaration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from deployments.cli.common import Json, Live, Reference, actor, installation, put_json, screen, table

FILE_HELP = (
    "CSV or XLSX with a heading 订单编号 order_no (or 运单号 waybill_no), and where wished 商品序号 gnum, "
    "数量 quantity, 原因 reason. 包裹清单文件"
)
WHY_HELP = (
    "wrong_data, buyer_cancel, not_loaded, duplicate, buyer_return, damaged, undelivered, wrong_goods; or words for "
    "the message. 原因代码或文字"
)
Parcels = Annotated[
    list[str] | None, typer.Argument(help="Order or waybill numbers. 订单号或运单号", metavar="[PARCEL]...")
]
File = Annotated[
    Path | None,
    typer.Option("--file", help=FILE_HELP, exists=True, dir_okay=False),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Approve without asking. 直接批准，不再询问")]
Request = Annotated[
    str, typer.Option(help="What tells this request from an earlier one like it. 申请标识，区分相同的再次申请")
]
Why = Annotated[str, typer.Option("--reason", help=WHY_HELP)]


def _wanted(parcels: list[str] | None, file: Path | None, reason: str, request: str = "") -> Any:
    from deployments import applications  # noqa: PLC0415

    if file and parcels:
        raise typer.BadParameter("名单文件与包裹号不能同时给出。 Name the parcels, or a file of them, not both.")
    if file:
        return applications.of_path(file, reason, request)
    return applications.of_text(" ".join(parcels or ()), reason, request)


def _ask(
    shipment: str, kind: str, wanted: Any, yes: bool, live: bool, as_json: bool, detail: dict[str, str] | None = None,
    after: str = "",
) -> None:  # fmt: skip
    home = installation(live)
    from deployments import applications, services  # noqa: PLC0415

    office = services.office(home)
    ident = services.resolve(office, shipment)
    told = applications.request(office, ident, kind, wanted, actor(), yes, detail, after)
    _go_on(office, [told], yes, as_json)


def _go_on(office: Any, told: list[dict[str, Any]], yes: bool, as_json: bool) -> None:
    """Shows what came of it, asks for approval where a person is there, and wakes the shipments."""
    from deployments import applications, services  # noqa: PLC0415

    waiting = [a["id"] for one in told for a in one["applications"] if a["state"] == "asked"]
    if not as_json:
        show(told)
    if waiting and not yes and not as_json and screen.is_terminal and _sure(len(waiting)):
        applications.approve(office, waiting, actor())
    runs = [services.wake(office, one["shipment"]) for one in told if one["applications"]]
    if as_json:
        put_json([{**one, "applications": applications.listing(office, one["shipment"])} for one in told])
    elif runs:
        screen.print(*[run for run in runs if run] or ["tongguan up 运行后发送。 It is sent when `tongguan up` runs."])


def _sure(count: int) -> bool:
    return typer.confirm(f"批准 {count} 项申请？ Approve these applications?")


def show(told: list[dict[str, Any]]) -> None:
    """Which parcels are asked for, and why the others are not."""
    made = table("申请 Applications", "包裹 parcel", "编号 number", "结果 outcome", "海关 customs")
    for a in (a for one in told for a in one["applications"]):
        said = f"{a['state_zh']} {a['state_en']}"
        made.add_row(a["order_no"] or "-", a["number"], said, f"{a['customs_zh']} {a['customs_en']}")
    refused = table("未通过 Refused", "包裹 parcel", "代码 code", "位置 place", "原因 why", "处理 remedy")
    for r in (r for one in told for r in one["refused"]):
        place = " / ".join(str(r[n]) for n in ("file", "row", "column") if r[n])
        refused.add_row(r["order_no"], r["code"], place, f"{r['message_zh']}\n{r['message_en']}",
                        f"{r['remedy_zh']}\n{r['remedy_en']}")  # fmt: skip
    for shown in (made, refused):
        if shown.row_count:
            screen.print(shown)
    if not made.row_count and not refused.row_count:
        screen.print("没有可申请的包裹。 There is nothing to ask for.")


def cancel(
    shipment: Reference,
    parcels: Parcels = None,
    file: File = None,
    reason: Why = "wrong_data",
    declare_anew: Annotated[
        bool, typer.Option("--declare-anew", help="Then declare them anew. 撤销后重新申报")
    ] = False,
    yes: Yes = False,
    request: Request = "",
    live: Live = False,
    as_json: Json = False,
) -> None:
    """Asks customs to cancel the inventories of chosen parcels (none named: of all that wait for it). 撤销清单

    Everything that cannot be cancelled is told at once, with what to do instead; the others go on once approved.
    """
    after = "again" if declare_anew else ""
    _ask(shipment, "cancel", _wanted(parcels, file, reason, request), yes, live, as_json, after=after)


def give_back(
    shipment: Reference,
    parcels: Parcels = None,
    file: File = None,
    reason: Why = "buyer_return",
    tally: Annotated[bool, typer.Option("--tally", help="The goods are there: tally them (215). 退货到货理货")] = False,
    location: Annotated[str, typer.Option(help="Where tallied goods lie. 库位")] = "",
    vehicle: Annotated[str, typer.Option(help="What brings them back. 退运车辆")] = "",
    voyage: Annotated[str, typer.Option(help="Its voyage number. 退运航次")] = "",
    bill: Annotated[str, typer.Option(help="Its bill number. 退运提运单号")] = "",
    yes: Yes = False,
    request: Request = "",
    live: Live = False,
    as_json: Json = False,
) -> None:
    """Asks for the return of chosen parcels, or of single goods lines (--file). 退货

    Windows and quantities are checked first. What comes back by another vehicle says so.
    """
    way = {"location": location, "vehicle": vehicle, "voyage_no": voyage, "bill_no": bill}
    kind = "tally" if tally else "return"
    _ask(shipment, kind, _wanted(parcels, file, reason, request), yes, live, as_json, way)


def summarise(
    month: Annotated[str, typer.Argument(help="YYYY-MM; last month by default. 年月，默认上个月")] = "",
    declarant: Annotated[str, typer.Option(help="Only this declarant's code. 仅此申报企业")] = "",
    yes: Yes = False,
    live: Live = False,
    as_json: Json = False,
) -> None:
    """Asks for the monthly summary (701) of closed inventories with statisticsFlag B. 汇总申报"""
    home = installation(live)
    from deployments import applications, services  # noqa: PLC0415

    office = services.office(home)
    _go_on(office, applications.summarise(office, month, actor(), declarant, yes), yes, as_json)


def redeclare(
    shipment: Reference, parcels: Parcels = None, file: File = None, live: Live = False, as_json: Json = False
) -> None:
    """Declares rejected or cancelled parcels anew (none named: all that were rejected). 重新申报"""
    home = installation(live)
    from deployments import applications, services  # noqa: PLC0415

    office = services.office(home)
    ident = services.resolve(office, shipment)
    told = applications.anew(office, ident, _wanted(parcels, file, ""), actor())
    if told["parcels"]:
        services.wake(office, ident)
    if as_json:
        return put_json(told)
    show([{"applications": [], **told}])
    return screen.print(f"重新申报 {told['parcels']} 个包裹。 Declared anew: {told['parcels']}.")
