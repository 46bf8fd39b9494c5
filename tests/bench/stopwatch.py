"""Repeated measurements: CPU and wall seconds of a stage, medians over rounds."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Rounds:
    """Seconds of CPU and of wall time by stage, one entry a round."""

    cpu: dict[str, list[float]] = field(default_factory=dict)
    wall: dict[str, list[float]] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what happens inside."""
        cpu, wall = time.process_time(), time.perf_counter()
        yield
        self.cpu.setdefault(name, []).append(time.process_time() - cpu)
        self.wall.setdefault(name, []).append(time.perf_counter() - wall)

    def seconds(self, kind: str = "cpu") -> dict[str, float]:
        """The median of each stage."""
        return {name: statistics.median(found) for name, found in getattr(self, kind).items()}

    def total(self, kind: str = "cpu") -> float:
        """The median over the rounds of all stages together."""
        return statistics.median(sum(parts) for parts in zip(*getattr(self, kind).values(), strict=True))


def repeated(times: int, work: Callable[[Rounds], Any]) -> Rounds:
    """`work` done `times` times after one round to warm up, which is not counted."""
    work(Rounds())
    rounds = Rounds()
    for _ in range(times):
        gc.collect()
        work(rounds)
    return rounds
