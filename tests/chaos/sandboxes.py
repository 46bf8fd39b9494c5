"""Both sandbox authorities as processes of their own, on one fast clock: told to misbehave, stopped, started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

from mappings import clock

SPEED = 1200.0
START = datetime.fromisoformat("2026-11-23T20:00:00+08:00")
PROGRAMS = {"cn_ecommerce": "adapters.sandbox.cn_customs", "hk_road": "adapters.sandbox.hk_customs"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Sandboxes:
    """The two authorities; their books outlive a stop, as a real authority's would."""

    def __init__(self, folder: Path, speed: float = SPEED) -> None:
        self.folder = folder
        self.clock = clock.starting(START, speed)
        self.ports = {name: _free_port() for name in PROGRAMS}
        self.more: dict[str, list[str]] = {}  # what else a program is told when it starts
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def addresses(self) -> dict[str, str]:
        """Where each authority listens."""
        return {name: f"http://127.0.0.1:{port}" for name, port in self.ports.items()}

    def pid(self, name: str) -> int:
        """The process of a running authority."""
        return self._running[name].pid

    def start(self, *names: str) -> None:
        """Start the named authorities (all, if none) and wait until they answer."""
        for name in names or tuple(PROGRAMS):
            home = self.folder / name
            home.mkdir(parents=True, exist_ok=True)
            command = [sys.executable, "-m", PROGRAMS[name], "--port", str(self.ports[name]), "--home", str(home)]
            with (home / "log").open("ab") as log:
                self._running[name] = subprocess.Popen(
                    [*command, "--seed", "1", *self.more.get(name, [])],
                    stdout=log,
                    stderr=log,
                    env={**os.environ, clock.VARIABLE: self.clock.variable()},
                )
        for name in names or tuple(PROGRAMS):
            self._await(name)

    def _await(self, name: str) -> None:
        for _ in range(300):
            try:
                requests.get(f"{self.addresses[name]}/admin/health", timeout=2).raise_for_status()
            except requests.RequestException:
                time.sleep(0.1)
            else:
                return
        raise RuntimeError(f"The sandbox {name} did not start: {(self.folder / name / 'log').read_text()[-2000:]}")

    def stop(self, *names: str, how: int = signal.SIGTERM) -> None:
        """Stop the named authorities (all, if none): politely, or with SIGKILL."""
        for name in names or tuple(self._running):
            process = self._running.pop(name)
            process.send_signal(how)
            process.wait(timeout=30)

    def reset(self) -> None:
        """Empty both authorities' books and rules."""
        for name in PROGRAMS:
            self.call(name, "DELETE", "/admin/behaviour")
            self.call(name, "POST", "/admin/reset")

    def call(self, name: str, method: str, path: str, body: Any = None) -> Any:
        """An admin call's answer."""
        answer = requests.request(method, self.addresses[name] + path, json=body, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def behave(self, name: str, *rules: dict[str, Any]) -> None:
        """Rules of misbehaviour for one authority."""
        self.call(name, "POST", "/admin/behaviour", {"rules": list(rules)})

    def second_receipts(self) -> dict[str, int]:
        """How many documents each authority received a second time without a mark: 0 is good."""
        audits = {name: self.call(name, "GET", "/admin/books/audit") for name in PROGRAMS}
        return {name: int(found["count"] if "count" in found else found["unmarked"]) for name, found in audits.items()}

    def received(self, name: str, **match: str) -> list[dict[str, Any]]:
        """The rows of an authority's books in which these fields have these values."""
        rows = self.call(name, "GET", "/admin/books?limit=1000")["rows"]
        return [row for row in rows if all(row.get(key) == value for key, value in match.items())]
