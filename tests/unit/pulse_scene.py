"""The scene of tests of the pulse: one shipment that looks as the test says; a desk and runs that are stood in for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from adapters.ledger import touches
from deployments import agenda, noticed, showing, waking
from deployments.showing import STEADY
from deployments.waking import Waker
from tasks import looks, stages
from tasks import office as offices

BEAT = 0.1


@dataclass
class At:
    """The desk: it has done what it is handed by the next beat."""

    in_hand: dict[int, float] = field(default_factory=dict)
    had: list[int] = field(default_factory=list)
    full: bool = False
    turned_away: set[int] = field(default_factory=set)
    shut_out: bool = False  # somebody else has every shipment

    def has_room(self, begins: bool = False) -> bool:
        return not self.full

    def hand(self, shipment_id: int, begins: bool = False) -> None:
        self.in_hand[shipment_id] = 0.0
        self.had.append(shipment_id)

    def done(self) -> set[int]:
        found = set(self.in_hand)
        self.turned_away |= found if self.shut_out else set()
        self.in_hand.clear()
        return found


@dataclass
class Pool(Waker):
    """A waker whose runs wait in a lane until the test ends them."""

    ordered: list[int] = field(default_factory=list)
    out: set[int] = field(default_factory=set)
    no_worker: bool = False

    def full(self, lane: str) -> bool:
        return self.no_worker

    def running(self) -> Iterable[int]:
        return self.out

    def start(self, shipment_id: int) -> None:
        self.ordered.append(shipment_id)
        self.out.add(shipment_id)


class Scene:
    """One shipment that looks as the test says, and the pulse that looks at it."""

    def __init__(self, shipment_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.id, self.now, self.number, self.noted, self.over = shipment_id, 1000.0, 0, "", False
        self.looked, self.takes = 0, 0.0  # how often it was looked at, and how long each look takes
        self.found = looks.look(shipment_id)._replace(left=True)
        for module in (agenda, noticed, waking, showing):
            monkeypatch.setattr(module, "stopwatch", lambda: self.now)
        monkeypatch.setattr(looks, "look", lambda _, **_left: self.look())
        self.begin()

    def begin(self) -> None:
        """The pulse begins, with nothing in mind; a former one is gone with its desk."""
        self.desk = At()
        self.waker = Pool(desk=self.desk)  # type: ignore[arg-type]

    def look(self) -> looks.Look:
        self.looked += 1
        self.now += self.takes
        return self.found._replace(mark=f"m{self.number}", noted=self.noted, limit=None, over=self.over)

    def change(self, what: str = "") -> None:
        """Something happens to it, and says so (touches.HEARD: receipts came)."""
        self.number += 1
        touches.touch(offices.office().ledger, [self.id], what)

    def beats(self, seconds: float) -> int:
        """The pulse beats for so long; how many runs it ordered."""
        before = len(self.waker.ordered)
        for _ in range(round(seconds / BEAT)):
            self.waker.beat()
            self.now += BEAT
        return len(self.waker.ordered) - before

    def run(self, ends: bool = True) -> None:
        """The run that is out looks, notes what it saw, and ends."""
        self.noted = self.look().mark
        if ends:
            self.end()

    def end(self) -> None:
        self.waker.out.clear()
        self.waker._now([self.id])


S = TypeVar("S", bound=Scene)


def opened(kind: type[S], shipment_id: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[S]:
    """A scene whose shipment the pulse has looked at, shown as it is."""
    offices.office.cache_clear()
    made = kind(shipment_id, monkeypatch)
    made.noted = made.look().mark
    assert made.beats(2 * STEADY) == 0
    assert stages.touched() == {}
    made.desk.had.clear()
    yield made
    offices.office.cache_clear()
