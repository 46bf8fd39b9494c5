"""Errands with shipments: a warm process beside this one is handed their numbers, and says of each when it is done."""

from __future__ import annotations

import heapq
import logging
import math
import os
from collections.abc import Callable, Iterator
from itertools import count
from multiprocessing.connection import Connection
from typing import Any

from deployments.beside import Beside
from mappings.clock import stopwatch

GRACE = 6.0  # real seconds for the shipment that it is at, when it is told to stop
log = logging.getLogger("tongguan.pulse")


def serve(ours: Connection, errand: Callable[..., Any], passed: int) -> None:
    """The process: takes numbers of shipments, says each with what its errand gave, and ends with the pipe.

    What was handed in with a number is the errand's, too. One that is `first` comes before those that are not, but
    before none that has let `passed` others pass.
    """
    os.setsid()  # a signal to the pulse's group is not for the shipment that it is at
    waiting: list[tuple[int, tuple[Any, ...]]] = []
    numbers = count()
    try:
        while True:
            while not waiting or ours.poll():
                first, given = ours.recv()
                heapq.heappush(waiting, (next(numbers) - passed * first, given))
            given = heapq.heappop(waiting)[1]
            ours.send((given[0], errand(*given)))
    except (EOFError, ConnectionError):
        return


class Errands(Beside):
    """The process as the pulse sees it. `in_hand`: the shipments there, and since when.

    One that has had something in hand, and said nothing, for `patience` real seconds hangs: it is killed.
    """

    def __init__(self, target: Callable[[Connection], None], name: str, patience: float = math.inf) -> None:
        super().__init__(target)
        self.in_hand: dict[int, float] = {}
        self._name, self._patience, self._said = name, patience, stopwatch()

    def hand(self, shipment_id: int, first: bool = False, *more: Any) -> None:
        """Hands it a shipment, for after those that it has; one that is `first`, for before those that are not."""
        if not self.in_hand:
            self._said = stopwatch()
        self.in_hand[shipment_id] = stopwatch()
        try:
            self.pipe.send((first, (shipment_id, *more)))
        except OSError:  # it is gone: `answers` starts another, and the pulse looks at what it had
            log.warning("the %s is gone", self._name)

    def answers(self) -> Iterator[tuple[int, Any]]:
        """The shipments that it is done with since last time, and what it said; None for all where its process died."""
        try:
            while self.pipe.poll():
                shipment_id, said = self.pipe.recv()
                self.in_hand.pop(shipment_id, None)
                self._said = stopwatch()
                yield shipment_id, said
            if self.in_hand and stopwatch() - self._said > self._patience:
                log.warning("the %s hangs", self._name)
                self.process.kill()
                raise EOFError
        except (EOFError, OSError):
            self.process.join(1.0)
            log.warning("the %s ended with %s; another begins", self._name, self.process.exitcode)
            self.pipe.close()
            had, self.in_hand = list(self.in_hand), {}
            self.begin()
            for shipment_id in had:
                yield shipment_id, None

    def end(self, grace: float = GRACE) -> None:
        """Ends it after the shipment that it is at; after `grace` seconds it is killed."""
        super().end(grace)
