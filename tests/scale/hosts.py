"""A host of its own on this machine: a network namespace with one cable, which can be pulled and put back.

What listens on 127.0.0.1 here is reached from there by forwarders on the cable's near end.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


class NotAllowed(Exception):
    """This machine lets nobody make a network namespace; the text says why."""


@dataclass
class Host:
    """A namespace; `near` is this machine as it is seen from there."""

    name: str
    near: str
    cable: str
    listening: list[socket.socket] = field(default_factory=list)

    @property
    def prefix(self) -> tuple[str, ...]:
        """What a command begins with that runs there."""
        return ("ip", "netns", "exec", self.name)

    def forward(self, port: int) -> int:
        """Lets a port of 127.0.0.1 be reached from there; the port at `near`."""
        door = socket.create_server((self.near, 0))
        self.listening.append(door)
        threading.Thread(target=_accept, args=(door, port), daemon=True).start()
        return int(door.getsockname()[1])

    def cut(self) -> None:
        """Pulls the cable: packets are lost both ways, and nobody is told."""
        _ip("link", "set", self.cable, "down")

    def mend(self) -> None:
        """Puts it back."""
        _ip("link", "set", self.cable, "up")


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False, timeout=20)
    if done.returncode != 0:
        raise NotAllowed(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


@contextmanager
def host() -> Iterator[Host]:
    """A namespace that is gone at the end. Raises NotAllowed."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        raise NotAllowed("network namespaces need root and the command ip")
    mark = secrets.token_hex(3)
    network = f"10.{200 + int(mark[:2], 16) % 50}.{int(mark[2:4], 16)}"
    made = Host(f"tg{mark}", f"{network}.1", f"tg{mark}a")
    _ip("netns", "add", made.name)
    try:
        _ip("link", "add", made.cable, "type", "veth", "peer", "name", f"tg{mark}b")
        _ip("link", "set", f"tg{mark}b", "netns", made.name)
        _ip("addr", "add", f"{made.near}/24", "dev", made.cable)
        _ip("link", "set", made.cable, "up")
        _ip("-n", made.name, "addr", "add", f"{network}.2/24", "dev", f"tg{mark}b")
        _ip("-n", made.name, "link", "set", f"tg{mark}b", "up")
        _ip("-n", made.name, "link", "set", "lo", "up")
        yield made
    finally:
        for door in made.listening:
            door.close()
        with suppress(NotAllowed):
            _ip("netns", "del", made.name)  # its end of the cable goes with it, and so the other


def _accept(door: socket.socket, port: int) -> None:
    with suppress(OSError):
        while True:
            near, _ = door.accept()
            far = socket.create_connection(("127.0.0.1", port))
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=(one, other), daemon=True).start()


def _pump(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)
