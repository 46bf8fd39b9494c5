"""`tongguan up` and `tongguan down`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console

from adapters import home as homes
from deployments import settings
from deployments.cli.common import Live, installation, screen
from deployments.settings import GATEWAY_PORT, PREFECT_PORT, Running
from mappings import clock
from mappings.errors import ConfigurationError

BACKGROUND_SECONDS = 180.0
SPEED, EARLY = 120.0, timedelta(hours=2)  # of the sandbox's clock, when a command starts it for one truck


def up(
    live: Live = False,
    port: Annotated[int, typer.Option(help="Prefect's UI and API; a free one when taken. 界面端口")] = PREFECT_PORT,
    gateway_port: Annotated[int, typer.Option(help="The HTTP gateway. 网关端口")] = GATEWAY_PORT,
    speed: Annotated[float, typer.Option(help="How fast the sandbox's clock runs. 沙箱时钟倍速", min=1)] = 1.0,
    at: Annotated[str, typer.Option("--at", help="Where the sandbox's clock starts (ISO 8601). 时钟起点")] = "",
    play: Annotated[bool, typer.Option(help="The sandbox plays yard and truck. 沙箱扮演场站与车辆")] = True,
) -> None:
    """Runs everything in the foreground: Prefect with its UI, sandboxes, gateway, deployments. 启动全部服务

    Ctrl-C stops all of it cleanly; trucks wait in the ledger and go on next time.
    """
    home = installation(live)
    set_clock(home, speed, at)
    from deployments.up import started, watch  # noqa: PLC0415

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    screen.print("启动中，首次约需 20 秒… Starting; the first time takes about 20 seconds.")
    tell = lambda child: screen.print(f"  [green]✓[/] {child.name}")  # noqa: E731
    with started(home, port, gateway_port, tell, play) as (now, children):
        show_addresses(screen, now)
        screen.print("Ctrl-C 结束。 Ctrl-C stops.")
        watch(children, stop)
        screen.print("正在停止… Stopping.")


def down(live: Live = False) -> None:
    """Stops what `tongguan up` runs. 停止全部服务"""
    home = installation(live)
    now = settings.running(home.path)
    if now is None:
        screen.print("没有在运行。 Nothing runs.")
        return
    os.kill(now.pid, signal.SIGTERM)
    while settings.running(home.path):
        time.sleep(0.2)
    screen.print("已停止。 Stopped.")


def set_clock(home: homes.Home, speed: float, at: str) -> None:
    """Sets this process's clock, and so its children's. Raises ConfigurationError: live time is never made up."""
    if speed == 1.0 and not at:
        return
    if home.mode == "live":
        raise ConfigurationError("正式环境不得更改时钟。The clock of a live installation is the real one.")
    from deployments.services import local  # noqa: PLC0415

    start = local(at) if at else clock.now()
    os.environ[clock.VARIABLE] = clock.starting(start, speed).variable()


def show_addresses(console: Console, now: Running) -> None:
    """The addresses of what runs."""
    rows = {
        "Prefect 界面": now.prefect,
        "Gateway 网关": f"{now.gateway}/docs",
        "Clock 时钟": f"{clock.now():%F %T} UTC",
    }
    for name, value in {**rows, **now.authorities}.items():
        console.print(f"  {name}: {value}", soft_wrap=True)  # an address in one piece, so that it can be clicked


def running_or_start(home: homes.Home, arrival: datetime | None = None) -> Running:
    """What runs on this home; where nothing does, `tongguan up` is started in the background and waited for.

    In the sandbox its clock then starts shortly before the planned `arrival` of a truck, and runs fast.
    """
    now = settings.running(home.path)
    if now:
        return now
    if settings.written(home.path):
        return _wait(home, None)
    screen.print(
        "服务未运行，正在后台启动（`tongguan down` 可停止）。 Nothing runs yet: starting it in the background."
    )
    logs = home.path / "logs"
    logs.mkdir(parents=True, exist_ok=True, mode=0o700)
    clocked = [] if arrival is None else ["--at", (arrival - EARLY).isoformat(), "--speed", str(SPEED)]
    options = ["--live"] if home.mode == "live" else clocked
    if arrival is not None and home.mode == "sandbox":
        screen.print(
            f"沙箱时钟从 {arrival - EARLY:%F %H:%M %Z} 起，以 {SPEED:g} 倍速运行。 The sandbox's clock starts there."
        )
    command = [sys.executable, "-m", "deployments.cli", "up", *options]
    with (logs / "up.log").open("ab") as out:
        child = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603
    return _wait(home, child)


def _wait(home: homes.Home, child: subprocess.Popen[bytes] | None) -> Running:
    """Waits until what is starting is ready. Raises ConfigurationError when it ends, or is not in time."""
    end = clock.stopwatch() + BACKGROUND_SECONDS
    while clock.stopwatch() < end and (child is None or child.poll() is None):
        now = settings.running(home.path)
        if now:
            settings.share_clock(now)
            return now
        time.sleep(0.3)
    logs = home.path / "logs"
    raise ConfigurationError(f"后台启动失败。It did not start: see {logs / 'up.log'}")
