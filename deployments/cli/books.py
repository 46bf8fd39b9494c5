"""`tongguan books`: the buyers' quota, the tax guarantee, bonded stock; topping up and taking in."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.cli.common import Json, Live, actor, installation, put_json, screen, table

if TYPE_CHECKING:
    import pandas as pd

    from deployments.money import Shown
    from tasks.office import Office

books = typer.Typer(
    help="Imports: buyers' quota, tax guarantee, bonded stock. 进口账簿：个人额度、税款担保、保税库存",
    no_args_is_help=True,
)
HEADINGS = {
    "buyer": "订购人 buyer", "year": "年度 year", "limit": "#限额 limit", "assure_code": "担保企业 guarantor",
    "ems_no": "账册 account book", "item_record_no": "料号 item", "unit": "单位 unit", "total": "#总额\ntotal",
    "reserved": "#预占\nreserved", "taken": "#已用\ntaken", "free": "#可用\nfree",
    "time": "项、时间\nitem, time", "entry": "分录 entry", "cause": "订单、凭据\ncause, by",
    "shipment": "#货运\nshipment",
}  # fmt: skip
# cells of an entry: several columns in one, so that a terminal of 80 columns shows them whole
ENTRY = {
    "time": ("item", "time"), "entry": ("zh", "en"), "cause": ("order_no", "application", "reference"),
    "shipment": ("shipment",), "total": ("total",), "reserved": ("reserved",), "taken": ("taken",),
}  # fmt: skip
DIGEST = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{56}\b")  # of a file; eight signs tell files apart
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
    _print(title, shown[0], {column: (column,) for column in shown[0].columns})
    if entries:
        _print("分录 Entries", shown[1], ENTRY)
    return None


def _print(title: str, frame: pd.DataFrame, columns: dict[str, tuple[str, ...]]) -> None:
    """A table whose cells hold some columns of a frame, a line each; what says nothing is left out."""
    made = table(title, *(HEADINGS[column] for column in columns))
    for row in frame.to_dict("records"):
        made.add_row(
            *("\n".join(DIGEST.sub(r"\1…", str(row[n])) for n in names if row[n]) for names in columns.values())
        )
    screen.print(made)


@books.command()
def quota(entries: Entries = False, live: Live = False, as_json: Json = False) -> None:
    """What of a buyer's yearly limit is used; asks for the identity number, which no screen keeps. 个人额度"""
    from deployments import money  # noqa: PLC0415

    office = _office(live)
    asked = "订购人证件号码 Buyer's identity number"
    number = typer.prompt(asked, hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()
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
    screen.print(f"入库 {rows} 行。 Rows taken in: {rows}." if rows else "此前已入库。 Taken in before.")
    return _gone_on(again)


def _gone_on(shipments: list[int]) -> None:
    if shipments:
        screen.print(f"继续办理 these go on: {', '.join(map(str, shipments))}")
