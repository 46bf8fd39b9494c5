"""RabbitMQ for tests, under names of one's own, and a proxy before it that can be cut and opened again."""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

ADDRESS = os.environ.get("TONGGUAN_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672/%2F")


class Broker:
    """Queue names with a prefix that nobody else has."""

    def __init__(self, address: str = ADDRESS) -> None:
        self.address = address
        self.prefix = f"tongguan-test-{secrets.token_hex(5)}"
        self.out = f"{self.prefix}-OUT"
        self.used = {self.out}

    def inbox(self, dxp_id: str) -> str:
        """A company's receipt queue."""
        name = f"{self.prefix}-{dxp_id}_HZ"
        self.used |= {name, f"{name}_DEAD"}
        return name

    @property
    def receipt_queue(self) -> str:
        """The name with its placeholder, for settings."""
        return f"{self.prefix}-{{dxp_id}}_HZ"

    @contextmanager
    def line(self) -> Iterator[BlockingChannel]:
        """A channel of the test's own, straight to the broker."""
        connection = pika.BlockingConnection(pika.URLParameters(self.address))
        yield connection.channel()
        if connection.is_open:
            connection.close()

    def declare(self, *names: str) -> None:
        """Durable queues."""
        with self.line() as channel:
            for name in names:
                channel.queue_declare(name, durable=True)

    def put(self, queue: str, *bodies: bytes) -> None:
        """Messages into a queue."""
        with self.line() as channel:
            for body in bodies:
                channel.basic_publish("", queue, body)

    def taken(self, queue: str) -> list[tuple[pika.BasicProperties, bytes]]:
        """All messages of a queue, taken off it."""
        found = []
        with self.line() as channel:
            while (got := channel.basic_get(queue, auto_ack=True))[0] is not None:
                found.append((got[1], got[2]))
        return found

    def count(self, queue: str) -> int:
        """How many lie ready in a queue."""
        with self.line() as channel:
            return int(channel.queue_declare(queue, passive=True).method.message_count)

    def remove(self) -> None:
        """Delete every queue of this broker's names."""
        with self.line() as channel:
            for name in self.used:
                channel.queue_delete(name)


def required(reason: str) -> None:
    """Fail where servers are required, skip elsewhere."""
    if os.environ.get("TONGGUAN_REQUIRE_SERVERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def started() -> Iterator[Broker]:
    """A broker of one's own names."""
    try:
        pika.BlockingConnection(pika.URLParameters(ADDRESS)).close()
    except (AMQPError, OSError) as error:
        required(f"RabbitMQ cannot be reached: {error!r}")
    made = Broker()
    yield made
    made.remove()


class Proxy:
    """A line to the broker that can be cut, closed and opened; `swallow` keeps the broker's words from us."""

    def __init__(self) -> None:
        self._to = pika.URLParameters(ADDRESS)
        self._open: list[socket.socket] = []
        self._listening: socket.socket | None = None
        self.swallow = False
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = int(probe.getsockname()[1])
        self.open()

    @property
    def address(self) -> str:
        """Where we connect to."""
        user = self._to.credentials
        vhost = self._to.virtual_host.replace("/", "%2F")
        return f"amqp://{user.username}:{user.password}@127.0.0.1:{self.port}/{vhost}"

    def open(self) -> None:
        """Take connections."""
        self._listening = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def close(self) -> None:
        """Take none any more, and cut those that there are."""
        if self._listening is not None:
            with suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            self._listening = None
        self.cut()

    def cut(self) -> None:
        """Cut every connection."""
        mine, self._open = self._open, []
        for end in mine:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                near, _ = listening.accept()
                far = socket.create_connection((self._to.host, self._to.port))
            except OSError:
                return
            self._open += [near, far]
            threading.Thread(target=self._carry, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._carry, args=(far, near, True), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if not (answers and self.swallow):
                    target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
