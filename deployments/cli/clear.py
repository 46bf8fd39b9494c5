"""`tongguan clear FOLDER`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from adapters import home as homes
from deployments.cli.common import Json, Live, actor, installation, put_json, screen
from deployments.cli.status import show
from deployments.cli.up import running_or_start
from deployments.errors import INTERRUPTED
from mappings import clock

if TYPE_CHECKING:
    from deployments.services import Status
    from tasks.office import Office

STAGES = (  # what a bar counts: title, the parcel states that have come this far
    ("已申报 declared", ("declared", "rejected", "stored", "reviewed", "inspection", "detained", "released", "closed")),
    ("海关已受理 at customs", ("stored", "reviewed", "inspection", "released", "closed")),
    ("已放行 released", ("released", "closed")),
    ("已结关 closed", ("closed",)),
)
OUT = ("held", "excluded")


def clear(
    folder: Annotated[Path, typer.Argument(help="The files of one truck. 一车货物的资料文件夹", exists=True)],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Declare without asking. 直接申报，不再询问")] = False,
    follow: Annotated[bool, typer.Option(help="Stay until it is closed or waits for a person. 持续跟踪")] = True,
    live: Live = False,
    as_json: Json = False,
) -> None:
    """Clears a truck: takes its files in, asks for approval, declares, follows it to the end. 清关一车货物

    Ctrl-C leaves it running; the same folder again goes on with it. Parcels with a fault wait; the truck goes on.
    """
    running_or_start(installation(live), planned_arrival(folder))
    from deployments import services  # noqa: PLC0415

    office = services.office(installation(live))
    with screen.status("接收文件… Taking the files in."):
        shipment = services.receive_files(office, services.files_in(folder), f"clear {folder.name}")
        services.work_up(office, shipment)
    if not yes and not as_json and screen.is_terminal:
        yes = ask(services.status(office, shipment))
    if yes:
        services.approve(office, shipment, actor())
    page = services.wake(office, shipment)
    if not as_json:
        screen.print(f"货运 shipment {shipment}  {page}", soft_wrap=True)
    last = _followed(office, shipment, as_json) if follow else services.status(office, shipment)
    if as_json:
        put_json(last.as_json())
    else:
        show(last)


def planned_arrival(folder: Path) -> datetime | None:
    """When the folder's truck is planned to arrive; None where the files do not say."""
    from tasks.capture import read_folder  # noqa: PLC0415

    truck = read_folder(folder, installation_profiles()).truck if folder.is_dir() else None
    return truck.planned.arrival_at_yard if truck else None


def installation_profiles() -> Path | None:
    """The folder of the user's own profiles."""
    return homes.read().profiles


def ask(status: Status) -> bool:
    """Shows what would be declared, and asks. Nobody is asked where that is over."""
    if status.state != "awaiting_approval":
        return False
    show(status)
    return typer.confirm(f"批准申报 {status.parcels.get('ready', 0)} 个包裹？ Declare these parcels?")


def _followed(office: Office, shipment: int, quiet: bool) -> Status:
    from deployments import services  # noqa: PLC0415

    try:
        return watch(services.follow(office, shipment), quiet)
    except KeyboardInterrupt:
        screen.print(f"\n继续在后台运行。 It goes on: tongguan status {shipment}")
        raise typer.Exit(INTERRUPTED) from None


def watch(statuses: Iterable[Status], quiet: bool = False) -> Status:
    """Bars of how far the parcels have come, until the statuses end; returns the last one."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen, disable=quiet or not screen.is_terminal) as progress:
        bars = [progress.add_task(title, total=None) for title, _ in STAGES]
        line, before = progress.add_task("", total=1), ""
        for status in statuses:
            going = sum(n for state, n in status.parcels.items() if state not in OUT)
            for bar, (_, states) in zip(bars, STAGES, strict=True):
                progress.update(bar, total=going or None, completed=sum(status.parcels.get(s, 0) for s in states))
            told = f"{status.state_zh} {status.state_en}"
            progress.update(line, description=f"{told} · {clock.now():%F %H:%M} UTC")
            if not (screen.is_terminal or quiet or told == before):
                screen.print(f"  {clock.now():%F %H:%M} UTC {told} · {_counted(status)}")
            before = told
    return status


def _counted(status: Status) -> str:
    return ", ".join(f"{state} {count}" for state, count in sorted(status.parcels.items()))
