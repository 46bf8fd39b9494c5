"""A Hong Kong sandbox over real HTTP in this process, and a company that talks to it by the real adapter."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import uvicorn

from adapters.contract import Answer, ReceiptRow
from adapters.hk_road import HongKongRoad, sender
from adapters.sandbox.hk_customs.app import create
from adapters.sandbox.hk_customs.store import Store
from mappings import clock
from mappings.canonical.batch import Batch
from mappings.identity import Identities, seeded
from tasks import hongkong
from tasks.conversion.messages import OutMessage
from tests.factory import START
from tests.unit.test_hk_items import truck_batch


class NoKeys:
    """A company without a code signs nothing."""

    def certificate(self, company_code: str) -> Any:
        raise AssertionError(company_code)

    def sign(self, company_code: str, data: bytes) -> bytes:
        raise AssertionError(company_code)


@dataclass
class World:
    """The sandbox, a truck, and the way between them; `at` moves the shared clock."""

    url: str
    patch: pytest.MonkeyPatch
    batch: Batch = field(default_factory=lambda: truck_batch(3))
    ids: Identities = field(default_factory=lambda: seeded(3))
    cursor: str = ""

    def __post_init__(self) -> None:
        self.road = HongKongRoad(self.url)
        self.party = self.batch.truck.parties["hk_agent"]

    @property
    def now(self) -> datetime:
        return clock.now()

    def at(self, moment: datetime) -> None:
        self.patch.setenv(clock.VARIABLE, clock.starting(moment).variable())

    def later(self, **time_: float) -> None:
        self.at(self.now + timedelta(**time_))

    def seal(self, message: OutMessage) -> bytes:
        return self.road.seal(message, self.party, NoKeys())

    def send(self, message: OutMessage, recovery: bool = False) -> Answer:
        return self.road.send(self.seal(message), message.guid, recovery)

    def notices(self) -> list[ReceiptRow]:
        polled = self.road.poll(sender(self.party), self.cursor)
        self.cursor = polled.next
        return [row for raw in polled.messages for row in self.road.receipts(self.road.open(raw).business)]

    def statuses(self) -> list[str]:
        return [row.status for row in self.notices()]

    def lodge(self, batch: Batch | None = None, attempt: int = 1) -> OutMessage:
        return hongkong.lodge(batch or self.batch, self.now, self.ids, attempt).messages[0]

    def lodged(self) -> str:
        """Lodge, wait, and give the CCRN."""
        self.send(self.lodge())
        self.later(minutes=1)
        [row] = self.notices()
        assert row.status == "CCR"
        return row.pre_no

    def bundle(self, ccrn: str, attempt: int = 1) -> OutMessage:
        return hongkong.bundle(self.batch.truck, ccrn, self.ids, attempt)

    def bundled(self) -> str:
        """Lodge and bundle; gives the CCRN."""
        ccrn = self.lodged()
        self.send(self.bundle(ccrn))
        self.later(minutes=1)
        assert self.statuses() == ["BND"]
        return ccrn

    def admin(self, method: str, path: str, **body: Any) -> requests.Response:
        return requests.request(method, f"{self.url}/admin/{path}", json=body or None, timeout=10)

    def rule(self, action: str, **match: Any) -> None:
        more = {k: match.pop(k) for k in ("code", "status", "times", "times_each") if k in match}
        self.admin("POST", "behaviour", rules=[{"action": action, "match": match, **more}]).raise_for_status()

    def event(self, kind: str, **subject: str) -> requests.Response:
        return self.admin("POST", "events", kind=kind, **(subject or {"vehicle": "TT1001"}))

    def errors(self) -> list[str]:
        return [error for row in self.notices() for error in _codes(row.info)]


def _codes(info: str) -> list[str]:
    return [part.split("]")[0] for part in info.split("[")[1:]]


@contextmanager
def serve(home: Path, seed: int = 1, **more: Any) -> Iterator[str]:
    """A sandbox over HTTP at a free port."""
    store = Store(home / "hk_customs.db")
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(create(store, seed, **more), log_level="error", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        store.close()


@contextmanager
def world(home: Path, patch: pytest.MonkeyPatch, **more: Any) -> Iterator[World]:
    """A world at the factory's start."""
    patch.setenv(clock.VARIABLE, clock.starting(START).variable())
    with serve(home, **more) as url:
        yield World(url, patch)
