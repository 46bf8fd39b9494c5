"""Child processes: waited for until they answer, stopped with what they started, their last words told."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

import pytest

from deployments.processes import Child, Children, free_ports
from mappings.errors import ConfigurationError

WEB = (
    "import sys, http.server as h;"
    "h.HTTPServer(('127.0.0.1', int(sys.argv[1])), h.SimpleHTTPRequestHandler).serve_forever()"
)
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"


def python(name: str, code: str, *arguments: str, health: str = "") -> Child:
    return Child(name, [sys.executable, "-c", code, *arguments], health)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"


def test_started_waited_for_and_stopped(tmp_path: Path) -> None:
    [port] = free_ports(0)
    child = python("web", WEB, str(port), health=f"http://127.0.0.1:{port}/")
    told: list[str] = []
    with Children(tmp_path) as children:
        children.start(child)
        children.wait(child, tell=lambda c: told.append(c.name))
        assert told == ["web"]
        assert children.dead() is None
        pid = child.process.pid if child.process else 0
    assert gone(pid)


def test_one_that_dies_tells_its_last_words(tmp_path: Path) -> None:
    child = python("broken", "raise SystemExit('the reason')")
    with Children(tmp_path) as children:
        children.start(child)
        if child.process:
            child.process.wait(10)
        assert children.dead() is child
        with pytest.raises(ConfigurationError, match="the reason"):
            children.wait(child)


def test_one_that_never_answers_is_given_up(tmp_path: Path) -> None:
    child = python("late", "import time; time.sleep(60)", health=f"http://127.0.0.1:{free_ports(0)[0]}/")
    with Children(tmp_path) as children, pytest.raises(ConfigurationError, match="too long"):
        children.start(child)
        children.wait(child, seconds=0.3)


def test_one_that_will_not_end_is_ended(tmp_path: Path) -> None:
    child = python("deaf", DEAF)
    child.start(tmp_path)
    while "deaf" not in child.tail():
        time.sleep(0.02)
    pid = child.process.pid if child.process else 0
    child.stop(grace=0.2)
    assert gone(pid)
    child.stop()  # again is harmless


def test_a_taken_port_gives_another_and_none_is_given_twice() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        chosen = free_ports(port, port, *[0] * 50)
    assert port not in chosen
    assert len(set(chosen)) == 52
    assert free_ports(port) == [port]
