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

    def each(self, kind: str = "cpu") -> list[float]:
        """What all stages of each round took together."""
        return [sum(parts) for parts in zip(*getattr(self, kind).values(), strict=True)]

    def total(self, kind: str = "cpu") -> float:
        """The median over the rounds of all stages together."""
        return statistics.median(self.each(kind))


def shares(of: Rounds, to: Rounds, kind: str = "cpu") -> float:
    """The median over pairs of rounds of what `of` takes as a share of `to`.

    The rounds of a pair followed each other: a machine that changes its speed meanwhile changes both.
    """
    pairs = zip(of.each(kind), to.each(kind), strict=True)
    return statistics.median(one / other for one, other in pairs)


def repeated(times: int, *works: Callable[[Rounds], Any]) -> list[Rounds]:
    """Each of `works` in turn, `times` times over, after one round to warm up, which is not counted. Rounds of each."""
    for work in works:
        work(Rounds())
    found = [Rounds() for _ in works]
    for _ in range(times):
        for work, rounds in zip(works, found, strict=True):
            gc.collect()
            work(rounds)
    return found
