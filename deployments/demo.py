"""The demo: `python -m deployments.demo [--keep]`. A made-up truck, from its files to its end, on a fast clock.

The sandbox plays yard and truck: it tells of arrival, departure and crossing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import requests

from adapters import home as homes
from deployments import services, settings, up
from deployments.cli.clear import watch
from deployments.cli.common import screen, show_error, table
from deployments.cli.status import show
from deployments.cli.up import show_addresses
from deployments.demo_flaws import demo_truck
from deployments.demo_truck import MadeTruck, write
from deployments.errors import SHOWN
from deployments.prefect_api import Prefect
from mappings import clock
from tasks.office import Office

HOME = Path(".demo")
SPEED = 360.0  # six minutes of a truck's night a second
PLAN = {  # from when everything runs; the sandbox's truck goes as soon as it may, the plan leaves a slow machine time
    "arrival_at_yard": timedelta(hours=4),
    "departure": timedelta(hours=20),
    "crossing": timedelta(hours=24),
}
PATIENCE = 300.0  # real seconds
GAVE_UP = 1
Over = Callable[[services.Status], bool]


def fresh(folder: Path, made: MadeTruck) -> homes.Home:
    """A new installation in `folder`, its clock fast and set to the truck's day."""
    return fresh_at(folder, datetime.fromisoformat(made.truck["planned"]["arrival_at_yard"]))


def fresh_at(folder: Path, start: datetime) -> homes.Home:
    """A new installation in `folder`, its clock fast and set to `start`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    os.environ[homes.VARIABLE] = str(folder.absolute())
    os.environ[clock.VARIABLE] = clock.starting(start, SPEED).variable()
    return homes.Home(folder.absolute())


def plan(made: MadeTruck) -> None:
    """Plans the truck's night from now on."""
    now = clock.now().astimezone(clock.CHINA).replace(microsecond=0)
    made.truck["planned"] = {name: (now + later).isoformat() for name, later in PLAN.items()}


def night(office: Office, shipment: int, over: Over = lambda now: now.final) -> Iterator[services.Status]:
    """The truck's night: its status each second until it is over; the sandbox plays yard and truck."""
    end = clock.stopwatch() + PATIENCE
    while True:
        now = services.status(office, shipment)
        yield now
        if over(now) or clock.stopwatch() > end:
            return
        threading.Event().wait(1.0)


def clear(home: homes.Home, made: MadeTruck) -> int:
    """Clears the truck from its files to its end, and shows how every parcel ended; returns the exit code."""
    office = services.office(home)
    plan(made)
    folder = write(made, home.path / "truck")
    for address in home.authorities.values():
        requests.post(f"{address}/admin/behaviour", json={"rules": made.behaviour}, timeout=10)
    screen.print(f"{len(made.orders())} 个订单的文件 files of a made-up truck: {folder}")
    shipment = handed_in(office, folder)
    last = watch(night(office, shipment))
    show(last)
    outcomes(office, made.flaws, shipment)
    return judged(office, last.final)


def handed_in(office: Office, folder: Path) -> int:
    """Hands a folder in as an operator would, approves it and starts its first run; the shipment's id."""
    shipment = services.receive_files(office, services.files_in(folder), "demo")
    services.work_up(office, shipment)
    services.approve(office, shipment, "demo operator")
    page = services.wake(office, shipment)
    screen.print(f"界面 look at it: {page}", soft_wrap=True)
    return shipment


def judged(office: Office, ended: bool) -> int:
    """Shows what the audit finds; the exit code."""
    found = [f for f in services.audit(office) if f.severity == "error"]
    for finding in found:
        screen.print(f"[red]✗[/] {finding.message_zh} {finding.message_en}")
    screen.print("[green]✓[/] 核对无误 audit: all in order" if not found else "[red]✗[/] audit")
    return 0 if ended and not found else GAVE_UP


def outcomes(office: Office, flaws: Mapping[str, str], shipment: int) -> None:
    """What became of the orders that were made wrong, kind by kind."""
    ended = {row.order_no: (row.state, row.reason) for row in services.parcels(office, shipment)}
    made_table = table(
        "人为设置的情形 What was put in, and what became of it", "情形 kind", "#订单 orders", "结果 outcome"
    )
    for kind in dict.fromkeys(flaws.values()):
        mine = [ended.get(order, ("missing", "")) for order, flaw in flaws.items() if flaw == kind]
        told = ", ".join(sorted({f"{state} {reason}".strip() for state, reason in mine}))
        made_table.add_row(kind, str(len(mine)), told)
    screen.print(made_table)


def pages(now: settings.Running, keep: bool) -> None:
    """Where to look, now or after KEEP=1."""
    show_addresses(screen, now)
    for deployment in Prefect(now.prefect).deployments():
        address = f"{now.prefect}/deployments/deployment/{deployment['id']}"
        screen.print(f"  {deployment['name']}: {address}", highlight=False, soft_wrap=True)
    if keep:
        screen.print("Ctrl-C 结束。 Ctrl-C stops.")
    else:
        screen.print(
            "演示结束。make demo KEEP=1 保持运行。 This demo ends now; KEEP=1 leaves it running, to look at its pages."
        )


def stoppable() -> None:
    """Ends the demo cleanly on either signal; a shell starts what runs in its background with Ctrl-C ignored."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def main() -> int:
    """The demo; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave everything running, 保持运行")
    parser.add_argument("--parcels", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--home", type=Path, default=HOME)
    given = parser.parse_args()
    made = demo_truck(given.parcels, given.seed)
    return run(fresh(given.home, made), lambda home: clear(home, made), given.keep)


def run(home: homes.Home, act: Callable[[homes.Home], int], keep: bool) -> int:
    """Starts everything in `home`, acts, and stops it all (or waits for Ctrl-C); returns the exit code."""
    screen.print("启动 Prefect、沙箱与网关… Starting Prefect, the sandboxes and the gateway.")
    stoppable()
    try:
        with up.started(home, tell=lambda c: screen.print(f"  [green]✓[/] {c.name}")) as (now, children):
            code = act(homes.read())
            pages(now, keep)
            if keep:
                up.watch(children, threading.Event())
    except SHOWN as error:
        return show_error(error)
    except KeyboardInterrupt:
        screen.print("正在停止… Stopping.")
        return 0
    return code


if __name__ == "__main__":
    raise SystemExit(main())
