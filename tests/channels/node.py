"""A RabbitMQ of the test's own, as a process: a node name, port and data folder that nobody else has."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pika
from pika.exceptions import AMQPError

from tests.channels.broker import required

PROGRAMS = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server")
SECONDS, TRIES = 60, 3


def program() -> str | None:
    """RabbitMQ's server as it is started without a service manager."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Node:
    """The node: stopped and started, its durable queues and messages stay in its folder."""

    def __init__(self, folder: Path, server: str) -> None:
        self.port, self._server, self._folder = _free_port(), server, folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "plugins").write_text("[].\n")
        self._environment = {
            **os.environ, "HOME": str(folder), "RABBITMQ_NODENAME": f"tongguan-{secrets.token_hex(4)}@localhost",
            "RABBITMQ_NODE_PORT": str(self.port), "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(_free_port()), "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"), "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_PID_FILE": str(folder / "pid"), "RABBITMQ_CONFIG_FILE": str(folder / "none"),
        }  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where we connect to."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/%2F"

    def start(self) -> None:
        """Start it and wait until it takes connections; RuntimeError where it does not."""
        with (self._folder / "out").open("ab") as out:
            self._process = subprocess.Popen(
                [self._server], env=self._environment, stdout=out, stderr=out, start_new_session=True
            )
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            try:
                pika.BlockingConnection(pika.URLParameters(self.address)).close()
            except (AMQPError, OSError):
                time.sleep(0.3)
            else:
                return
        raise RuntimeError(f"RabbitMQ did not start: {(self._folder / 'out').read_text()[-1500:]}")

    def stop(self) -> None:
        """Stop it as its service manager does, and wait until it is gone."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait(SECONDS)
            self._process = None


def started(folder: Path) -> Iterator[Node]:
    """A node, running; where there is no program the test is skipped with the reason."""
    server = program()
    if server is None:
        required("no rabbitmq-server is installed here")
    try:
        made = _running(folder, str(server))
    except RuntimeError as error:
        required(str(error))
    yield made
    made.stop()


def _running(folder: Path, server: str) -> Node:
    """One that runs; RuntimeError after the last try: a port that was free may be somebody else's by now."""
    for tried in range(1, TRIES + 1):
        made = Node(folder / str(tried), server)
        try:
            made.start()
        except RuntimeError:
            made.stop()
            if tried == TRIES:
                raise
        else:
            break
    return made
