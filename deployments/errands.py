"""Errands with shipments: a warm process beside this one is handed their numbers, and says of each when it is done."""

from __future__ import annotations

import logging
import math
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any

from deployments.beside import Beside
from deployments.line import Line
from mappings.clock import stopwatch

GRACE = 6.0  # real seconds for the shipment that it is at, when it is told to stop
LOOK = 1.0  # real seconds between two looks at how long an errand takes
log = logging.getLogger("tongguan.pulse")


def serve(
    ours: Connection, errand: Callable[..., Any], passed: int, hands: Sequence[int] = (0,), patience: float = math.inf
) -> None:  # fmt: skip
    """The process: takes numbers of shipments, says each with what its errand gave, and ends with the pipe.

    What was handed in with a number is the errand's, too. `hands`: of each that does errands, all at the same time, the
    least rank of what it takes from a Line. One that takes longer than `patience` real seconds hangs: then the process
    ends.
    """
    os.setsid()  # a signal to the pulse's group is not for the shipment that it is at
    line, hearing, saying = Line(passed), threading.Lock(), threading.Lock()

    def hear() -> None:
        """All that has been handed in by now is in the line."""
        try:
            with hearing:
                while ours.poll():
                    line.put(*ours.recv())
        except (EOFError, OSError):
            line.end()

    def work(least: int) -> None:
        while given := line.take(hear, least):
            said = given[0], errand(*given)
            try:
                with saying:
                    ours.send(said)
            except OSError:
                line.end()
            line.back(given[0])

    at_work = [threading.Thread(target=_or_end, args=(work, least), daemon=True) for least in hands]
    for one in at_work:
        one.start()
    while not line.over:
        if line.longest() > patience:
            log.error("an errand hangs")
            os._exit(1)
        if ours.poll(LOOK):
            hear()
    for one in at_work:
        one.join(None if math.isinf(patience) else patience)


def _or_end(work: Callable[[int], None], least: int) -> None:
    """Work in a thread; what it does not know ends the process, of which the pulse then begins another."""
    try:
        work(least)
    except BaseException:
        log.exception("a process of the pulse ends")
        os._exit(1)


class Errands(Beside):
    """The process as the pulse sees it. `in_hand`: the shipments there, and since when.

    One that has had something in hand, and said nothing, for `patience` real seconds hangs: it is killed.
    """

    def __init__(self, target: Callable[[Connection], None], name: str, patience: float = math.inf) -> None:
        super().__init__(target, name)
        self.in_hand: dict[int, float] = {}
        self._patience, self._said = patience, stopwatch()

    def hand(self, shipment_id: int, rank: int = 0, *more: Any) -> None:
        """Hands it a shipment, for after those of its `rank` that it has, and before those of a lower one."""
        if not self.in_hand:
            self._said = stopwatch()
        self.in_hand[shipment_id] = stopwatch()
        try:
            self.pipe.send((int(rank), (shipment_id, *more)))
        except OSError:  # it is gone: `answers` starts another, and the pulse looks at what it had
            log.warning("the %s is gone", self.name)

    def answers(self) -> Iterator[tuple[int, Any]]:
        """The shipments that it is done with since last time, and what it said; None for all where its process died."""
        try:
            while self.pipe.poll():
                shipment_id, said = self.pipe.recv()
                self.in_hand.pop(shipment_id, None)
                self._said = stopwatch()
                yield shipment_id, said
            if self.in_hand and stopwatch() - self._said > self._patience:
                log.warning("the %s hangs", self.name)
                self.process.kill()
                raise EOFError
        except (EOFError, OSError):
            self.process.join(1.0)
            log.warning("the %s ended with %s; another begins", self.name, self.process.exitcode)
            self.pipe.close()
            had, self.in_hand = list(self.in_hand), {}
            self.begin()
            for shipment_id in had:
                yield shipment_id, None

    def end(self, grace: float = GRACE) -> None:
        """Ends it after the shipment that it is at; after `grace` seconds it is killed."""
        super().end(grace)
