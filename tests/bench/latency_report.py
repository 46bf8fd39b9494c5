"""The page of the latencies: p50, p95, p99 of each, beside its aim."""

from __future__ import annotations

import os
from dataclasses import dataclass

HEAD = """# Latency

Written by `make latency` (`python -m tests.bench.latency`); nothing here is typed by hand. Machine: {cores} cores,
which Prefect, PostgreSQL, Redis, both sandboxes, gateway, pulse and worker share; load average at the end {load:.1f}.
The clock runs at real speed. Meanwhile {declared:,} parcels in trucks of {parcels:,} came in to be declared.

| seconds | n | p50 | p95 | p99 | aim |
| --- | ---: | ---: | ---: | ---: | --- |
"""
TAIL = """
A run is started on a work pool; the worker's warm process of the express lane takes it ([scale.md](scale.md)).

A waiting shipment costs no process: at the end {waiting:,} shipments waited, and the worker had {processes} processes:
itself, what watches its shared memory, and a warm process for each lane. They were there before the first shipment.
"""


@dataclass(frozen=True)
class Series:
    """What one thing took, each time; the aim holds at `percent`."""

    name: str
    seconds: list[float]
    percent: int
    aim: float

    def at(self, percent: float) -> float:
        """The value that so many percent do not exceed (nearest rank)."""
        ordered = sorted(self.seconds)
        rank = max(1, -(-len(ordered) * percent // 100))
        return ordered[int(rank) - 1]

    @property
    def met(self) -> bool:
        """Whether the aim is met."""
        return self.at(self.percent) <= self.aim

    def row(self) -> str:
        """Its line of the table."""
        cells = (f"{self.at(p):.2f}" for p in (50, 95, 99))
        told = f"p{self.percent} ≤ {self.aim:g} s: {'met' if self.met else '**missed**'}"
        return f"| {self.name} | {len(self.seconds)} | {' | '.join(cells)} | {told} |"


@dataclass
class Figures:
    """Everything measured; `background` is parcels that came in meanwhile and parcels a truck."""

    series: list[Series]
    processes: int = 0
    waiting: int = 0
    background: tuple[int, int] = (0, 0)


def text(figures: Figures, cores: int) -> str:
    """The page."""
    declared, parcels = figures.background
    head = HEAD.format(cores=cores, load=os.getloadavg()[0], declared=declared, parcels=parcels)
    rows = "\n".join(series.row() for series in figures.series)
    return head + rows + "\n" + TAIL.format(waiting=figures.waiting, processes=figures.processes)
