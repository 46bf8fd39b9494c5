"""The demo of an import: `python -m deployments.demo_import_run [--regime 1210]`, from files to released, with books.

Guarantee and opening stock are put in as a company does; the sandbox is told that it has them too, that a tax bill is
summed at once instead of after its days, and plays yard and truck.
"""

from __future__ import annotations

import argparse
from collections.abc import Hashable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests

from adapters import home as homes
from deployments import demo, money, services
from deployments.cli.clear import watch
from deployments.cli.common import screen, table
from deployments.cli.status import show
from deployments.demo_import import DAY, MadeImport
from deployments.demo_import_books import guarantor, open_ours, open_theirs
from deployments.demo_import_files import write
from deployments.demo_import_flaws import demo_import
from mappings import clock
from tasks.office import Office

CN = "cn_ecommerce"
PLAN = {"leaves": 2, "enters": 3, "atYard": 4, "leavesAt": 20}  # hours from when everything runs
ENDS = ("released", "closed")  # a parcel that customs turned down keeps the truck at "released"


def start() -> datetime:
    """When the demo's clock begins: in the evening of the made-up day."""
    return datetime(DAY.year, DAY.month, DAY.day, 18, tzinfo=clock.CHINA)


def plan(made: MadeImport) -> None:
    """Plans the journey from now on."""
    now = clock.now().astimezone(clock.CHINA).replace(microsecond=0, tzinfo=None)
    for part in ("journey", "batch"):
        sheet = made.truck.get(part, {})
        sheet.update(
            {name: (now + timedelta(hours=hours)).isoformat() for name, hours in PLAN.items() if name in sheet}
        )


def over(now: services.Status) -> bool:
    """Whether nothing more comes: all that customs let go is settled, and every tax bill summed."""
    billed = sum(now.parcels.get(state, 0) for state in ENDS)
    return now.state in ENDS and now.bills.get("summed", 0) == billed


def clear(home: homes.Home, made: MadeImport) -> int:
    """Clears the import, and shows how every parcel ended and what the books say; returns the exit code."""
    office = services.office(home)
    plan(made)
    folder = write(made, home.path / "import")
    open_ours(made, office, home.path)
    customs = home.authorities[CN]
    open_theirs(made, customs)
    put = requests.put(f"{customs}/admin/settings", json={"tax": {"summed_after_days": 0}}, timeout=10)
    put.raise_for_status()
    screen.print(f"{len(made.orders)} 个订单的文件 files of a made-up import: {folder}")
    shipment = demo.handed_in(office, folder)
    last = watch(demo.night(office, shipment, over))
    show(last)
    demo.outcomes(office, made.flaws, shipment)
    return demo.judged(office, over(last) and books(office, made, customs))


def books(office: Office, made: MadeImport, customs: str) -> bool:
    """Shows the books of both sides; whether they say the same.

    The sandbox takes a summed bill for paid; with us it stays settled until the payment is booked.
    """
    found = table("账簿 Books", "账簿 book", "项 item", "#我方 ours", "#海关沙箱 the sandbox's")
    rows = [("担保 guarantee", guarantor(made), *_guarantee(office, made, customs))]
    stock = money.stock(office)[0]
    theirs = _theirs(customs, "stock")
    for book, item, free in zip(stock["ems_no"], stock["item_record_no"], stock["free"], strict=True):
        rows.append(("库存 stock", item, Decimal(free), theirs[f"{book}|{item}"]))
    used = sum((Decimal(row["reserved"]) + Decimal(row["taken"]) for row in _quota(office, made)), Decimal(0))
    rows.append(("额度已用 quota used", "", used, sum(_theirs(customs, "quota").values(), Decimal(0))))
    for name, item, ours, other in rows:
        found.add_row(name, item, f"{ours:f}", f"{other:f}")
    screen.print(found)
    return all(ours == other for _, _, ours, other in rows)


def _guarantee(office: Office, made: MadeImport, customs: str) -> tuple[Decimal, Decimal]:
    account = money.guarantee(office, guarantor(made))[0].to_dict("records")[0]
    return Decimal(account["free"]) + Decimal(account["taken"]), _theirs(customs, "guarantee")[guarantor(made)]


def _quota(office: Office, made: MadeImport) -> list[dict[Hashable, Any]]:
    numbers = sorted({order["buyer"]["idNumber"] for order in made.orders} - {""})
    return [row for number in numbers for row in money.quota(office, number)[0].to_dict("records")]


def _theirs(customs: str, book: str) -> dict[str, Decimal]:
    answer = requests.get(f"{customs}/admin/accounts", params={"book": book}, timeout=30)
    answer.raise_for_status()
    return {row["account"]: Decimal(row["balance"]) for row in answer.json()["accounts"]}


def main() -> int:
    """The demo; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave everything running, 保持运行")
    parser.add_argument("--regime", choices=("9610", "1210"), default="9610")
    parser.add_argument("--parcels", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--home", type=Path, default=demo.HOME)
    given = parser.parse_args()
    made = demo_import(given.parcels, given.regime, given.seed)
    return demo.run(demo.fresh_at(given.home, start()), lambda home: clear(home, made), given.keep)


if __name__ == "__main__":
    raise SystemExit(main())
