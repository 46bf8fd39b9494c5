"""`tongguan books`: the buyers' quota, the tax guarantee, bonded stock; topping up and taking in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.cli.common import Json, Live, actor, installation, put_json, screen, table

if TYPE_CHECKING:
    from deployments.money import Shown
    from tasks.office import Office

books = typer.Typer(
    help="Imports: buyers' quota, tax guarantee, bonded stock. 进口账簿：个人额度、税款担保、保税库存",
    no_args_is_help=True,
)
HEADINGS = {
    "buyer": "订购人 buyer", "year": "年度 year", "limit": "#限额 limit", "assure_code": "担保企业 guarantor",
    "ems_no": "账册 account book", "item_record_no": "料号 item", "unit": "单位 unit", "total": "#总额 total",
    "reserved": "#预占 reserved", "taken": "#已用 taken", "free": "#可用 free", "item": "项 item",
    "time": "时间 time", "zh": "分录", "en": "entry", "order_no": "订单 order", "shipment": "#货运 shipment",
    "application": "凭据 cause", "reference": "经手 by",
}  # fmt: skip
Entries = Annotated[bool, typer.Option("--entries", help="Also every entry. 同时列出全部分录")]


def _office(live: bool) -> Office:
    home = installation(live)
    from deployments import services  # noqa: PLC0415

    return services.office(home)


def _put(title: str, shown: Shown, entries: bool, as_json: bool) -> None:
    """Accounts, and where asked for the entries that explain them."""
    from deployments import money  # noqa: PLC0415

    if as_json:
        return put_json(money.as_json(shown))
    for name, frame in zip((title, "分录 Entries"), shown[: 2 if entries else 1], strict=False):
        made = table(name, *(HEADINGS[column] for column in frame.columns))
        for row in frame.itertuples(index=False):
            made.add_row(*map(str, row))
        screen.print(made)
    return None


@books.command()
def quota(entries: Entries = False, live: Live = False, as_json: Json = False) -> None:
    """What of a buyer's yearly limit is used; asks for the identity number, which no screen keeps. 个人额度"""
    from deployments import money  # noqa: PLC0415

    office = _office(live)
    number = typer.prompt("订购人证件号码 Buyer's identity number", hide_input=sys.stdin.isatty(), err=True)
    _put("个人年度额度 Yearly quota", money.quota(office, number.strip()), entries, as_json)


@books.command()
def guarantee(
    company: Annotated[str, typer.Argument(help="Its code; none shows all. 企业代码，不填为全部")] = "",
    entries: Entries = False,
    live: Live = False,
    as_json: Json = False,
) -> None:
    """What of a guarantee is reserved, settled and free. 税款担保"""
    from deployments import money  # noqa: PLC0415

    _put("税款担保 Guarantee", money.guarantee(_office(live), company), entries, as_json)


@books.command()
def stock(
    ems_no: Annotated[str, typer.Argument(help="Account book; none shows all. 账册编号")] = "",
    item: Annotated[str, typer.Argument(help="Item record number. 备案料号")] = "",
    entries: Entries = False,
    live: Live = False,
    as_json: Json = False,
) -> None:
    """What lies in the bonded warehouse: in, reserved, out, free. 保税仓库存"""
    from deployments import money  # noqa: PLC0415

    _put("保税仓库存 Bonded stock", money.stock(_office(live), ems_no, item), entries, as_json)


@books.command("top-up")
def top_up(
    company: Annotated[str, typer.Argument(help="The guarantor's code. 担保企业代码")],
    amount: Annotated[str, typer.Argument(help="Yuan. 金额（元）")],
    reference: Annotated[str, typer.Option("--reference", help="The bank's or customs' number; counts once. 凭证号")],
    live: Live = False,
    as_json: Json = False,
) -> None:
    """Opens a guarantee, or adds to it; parcels that waited for it go on. 登记或增加担保"""
    from deployments import money  # noqa: PLC0415

    new, again = money.top_up(_office(live), company, amount, reference, actor())
    if as_json:
        return put_json({"company": company, "recorded": new, "shipments": again})
    screen.print("已记账。 Booked." if new else "此凭证号此前已记账。 This reference was booked before.")
    return _gone_on(again)


@books.command("stock-in")
def stock_in(
    file: Annotated[Path, typer.Argument(help="CSV: 账册编号, 备案料号, 数量, 单位.", exists=True, dir_okay=False)],
    arrival: Annotated[bool, typer.Option("--arrival", help="Goods that arrived, not opening stock. 新到货")] = False,
    live: Live = False,
    as_json: Json = False,
) -> None:
    """Takes opening stock (or an arrival) in; with a fault in the file nothing goes in. 登记期初库存或到货"""
    from deployments import money  # noqa: PLC0415

    rows, again = money.stock_in(_office(live), file, arrival, actor())
    if as_json:
        return put_json({"file": file.name, "rows": rows, "shipments": again})
    screen.print(f"入库 {rows} 行。 {rows} rows taken in." if rows else "此前已入库。 Taken in before.")
    return _gone_on(again)


def _gone_on(shipments: list[int]) -> None:
    if shipments:
        screen.print(f"继续办理 these go on: {', '.join(map(str, shipments))}")
