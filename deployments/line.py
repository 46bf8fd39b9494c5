"""A line of shipments at a warm process: who comes next, however often it is handed in, and whoever takes it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import count
from typing import Any

from mappings.clock import stopwatch


class Line:
    """The shipments that wait, each with what was handed in with it last. Several threads may take from it.

    One of a higher `rank` comes before those of a lower one, but before none that has let `passed` others pass for each
    rank between the two. One that is handed in again keeps the better of its places. Nobody gets one that another
    thread has.
    """

    def __init__(self, passed: int) -> None:
        self.over = False
        self._passed, self._numbers = passed, count()
        self._waiting: dict[int, tuple[tuple[int, int], int, tuple[Any, ...]]] = {}  # place, rank, what was handed in
        self._taken: dict[int, float] = {}
        self._changed = threading.Condition()

    def put(self, rank: int, given: tuple[Any, ...]) -> None:
        """Another, or one of those that wait."""
        with self._changed:
            number = next(self._numbers)
            place = number - self._passed * rank, number
            before = self._waiting.get(given[0], (place, rank))
            self._waiting[given[0]] = min(place, before[0]), max(rank, before[1]), given
            self._changed.notify_all()  # who waits for those of a rank may not be the one that is woken

    def take(self, hear: Callable[[], None], least: int = 0) -> tuple[Any, ...] | None:
        """The first, as soon as there is one, of those that one can `hear` of, too; it is to be given `back`.

        Of those of the `least` rank or a higher one. None where nobody is to take any more.
        """
        hear()
        with self._changed:
            while not self.over:
                if free := [i for i, (_, rank, _) in self._waiting.items() if rank >= least and i not in self._taken]:
                    ident = min(free, key=lambda one: self._waiting[one][0])
                    self._taken[ident] = stopwatch()
                    return self._waiting.pop(ident)[2]
                self._changed.wait()
        return None

    def back(self, shipment_id: int) -> None:
        """It is done with."""
        with self._changed:
            del self._taken[shipment_id]
            self._changed.notify_all()

    def longest(self) -> float:
        """For how many real seconds somebody has had one."""
        with self._changed:
            return max((stopwatch() - since for since in self._taken.values()), default=0.0)

    def end(self) -> None:
        """Nobody is to take any more: what waits is left."""
        with self._changed:
            self.over = True
            self._changed.notify_all()
