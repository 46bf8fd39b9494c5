"""The sandbox's yard and trucks: by plan, or once a truck has waited for it; an old plan drives no truck away."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from adapters.sandbox.world import __main__ as world
from adapters.sandbox.world.__main__ import World

NOW = datetime.fromisoformat("2026-11-28T10:00:00+08:00")


class Scene:
    """A truck as the gateway shows it, and what is told of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
        self.now, self.told = NOW, list[str]()
        self.world = World("http://gateway", "token", "http://hk")
        names = ("arrival_at_yard", "departure", "crossing")
        planned = {name: (NOW + timedelta(hours=hours + nth)).isoformat() for nth, name in enumerate(names)}
        self.status: dict[str, Any] = {"id": 1, "planned": planned, "events": ["arrived", "departed", "crossed"]}
        monkeypatch.setattr(world.clock, "now", lambda: self.now)
        monkeypatch.setattr(self.world, "_drive", lambda _: None)
        monkeypatch.setattr(self.world, "_tell", self.tell)

    def tell(self, ident: int, kind: str) -> None:
        self.told.append(kind)
        self.world.told[ident, kind] = self.now

    def after(self, seconds: float, state: str) -> list[str]:
        """What has been told so many seconds later, of a truck in that state meanwhile."""
        for _ in range(2):
            self.world._act({**self.status, "state": state})
            self.now += timedelta(seconds=seconds / 2)
        self.world._act({**self.status, "state": state})
        return self.told


def test_a_truck_keeps_to_its_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, 1)
    assert scene.after(3500, "declaring") == []
    assert scene.after(200, "declaring") == ["arrived"]
    assert scene.after(3600, "declaring") == ["arrived", "departed"], "whatever customs has said by then"
    assert scene.after(3600, "declaring") == ["arrived", "departed", "crossed"]


def test_a_plan_that_was_over_when_the_truck_was_heard_of_drives_it_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, -100)
    assert scene.after(9000, "declaring") == []
    assert scene.after(119, "awaiting_arrival") == []
    assert scene.after(2, "awaiting_arrival") == ["arrived"]
    assert scene.after(301, "awaiting_departure") == ["arrived", "departed"]
    assert scene.after(2701, "awaiting_crossing") == ["arrived", "departed", "crossed"]


@pytest.mark.parametrize("state", ["held", "awaiting_approval", "nothing_to_declare"])
def test_who_may_not_go_waits(monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    assert Scene(monkeypatch, 0.1).after(9000, state) == []
