"""Child processes: started with a log each, waited for until healthy, stopped by their ids."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import requests

from mappings import clock
from mappings.errors import ConfigurationError

PAUSE = 0.1
GRACE = 8.0


def free_ports(*preferred: int) -> list[int]:
    """As many different ports as asked for: each the preferred one when nobody has it, else (or for 0) any free one."""
    with ExitStack() as held:
        return [_free_port(held, port) for port in preferred]


def _free_port(held: ExitStack, preferred: int) -> int:
    for port in (preferred, 0):
        probe = held.enter_context(socket.socket())  # stays bound until all are chosen, so that none is given twice
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return int(probe.getsockname()[1])
    raise ConfigurationError("没有可用端口。This machine has no free port.")


@dataclass
class Child:
    """One program: its command, and the address that answers 200 when it is ready ('' for none)."""

    name: str
    command: Sequence[str]
    health: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    log: Path = Path()

    def start(self, logs: Path) -> None:
        """Starts it in a process group of its own, so that a Ctrl-C here does not reach it before we stop it."""
        logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.log = logs / f"{self.name}.log"
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(  # noqa: S603 - our own programs
                list(self.command), stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True,
                env={**os.environ, **self.environment},
            )  # fmt: skip

    def alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    def ready(self) -> bool:
        """Whether it answers. Raises ConfigurationError when it has ended."""
        if not self.alive():
            raise ConfigurationError(f"{self.name} 未能运行。{self.name} does not run:\n{self.tail()}")
        if not self.health:
            return True
        try:
            return requests.get(self.health, timeout=2).ok
        except requests.RequestException:
            return False

    def tail(self, lines: int = 12) -> str:
        """The last lines of its log."""
        if not self.log.is_file():
            return ""
        return "\n".join(self.log.read_text("utf-8", errors="replace").splitlines()[-lines:])

    def stop(self, grace: float = GRACE) -> None:
        """Asks it to end, and ends its whole group when it does not."""
        if self.process is None:
            return
        _signal(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(grace)
        except subprocess.TimeoutExpired:
            _signal(self.process.pid, signal.SIGKILL)
            self.process.wait(grace)
        _signal(self.process.pid, signal.SIGKILL)  # what it started and did not stop
        self.process = None


def _signal(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return


class Children:
    """Several programs as one: all start together, all are stopped, the last started first."""

    def __init__(self, logs: Path) -> None:
        self.logs, self.started = logs, list[Child]()

    def __enter__(self) -> Children:
        return self

    def __exit__(self, *_: object) -> None:
        for child in reversed(self.started):
            child.stop()

    def start(self, *children: Child) -> None:
        """Starts them, not waiting for any."""
        for child in children:
            child.start(self.logs)
            self.started.append(child)

    def wait(self, *children: Child, seconds: float = 90, tell: Callable[[Child], None] = lambda _: None) -> None:
        """Waits until all of them answer. Raises ConfigurationError when one ends or takes too long."""
        waiting, end = list(children), clock.stopwatch() + seconds
        while waiting:
            for child in [c for c in waiting if c.ready()]:
                waiting.remove(child)
                tell(child)
            if waiting and clock.stopwatch() > end:
                late = waiting[0]
                raise ConfigurationError(f"{late.name} 启动超时。{late.name} took too long to start:\n{late.tail()}")
            time.sleep(PAUSE if waiting else 0)

    def dead(self) -> Child | None:
        """One that has ended by itself, or None."""
        return next((child for child in self.started if not child.alive()), None)
