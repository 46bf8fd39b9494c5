"""The page of the latencies: p50, p95, p99 of each, beside its aim."""

from __future__ import annotations

import os
from dataclasses import dataclass

HEAD = """# Latency

Written by `make latency` (`python -m tests.bench.latency`); nothing here is typed by hand. Machine: {cores} cores,
which Prefect, PostgreSQL, Redis, both sandboxes, gateway, pulse and worker share; load average at the end {load:.1f}.
The clock runs at real speed. Meanwhile {declared:,} parcels in trucks of {parcels:,} came in to be declared.
{speed}

| seconds | n | p50 | p95 | p99 | aim |
| --- | ---: | ---: | ---: | ---: | --- |
"""
TAIL = """
How it works: whatever changes a shipment leaves a row in the ledger, in the same transaction. The pulse reads these
rows ten times a second and hands a shipment of few parcels to a warm process, its *desk*, which advances it without
asking Prefect, until nothing changes any more. When it has been quiet for half a second, or after five seconds of
steady change, another warm process, the *board*, shows all that happened meanwhile on the page of its last run, without
a run; that the shipment or a parcel stands otherwise waits for no quiet, and passes what does not. A run that somebody
starts in Prefect is told to the pulse by the worker that sees it first; workers hear of runs by Prefect's events. So
the first four rows wait for no run to begin; the last one holds that half second, some calls to Prefect's server, and
the line before the board
(decisions [0012](decisions/0012-small-shipments-before-their-run.md), [0020](decisions/0020-shown-without-a-run.md),
[0029](decisions/0029-news-first.md)).

A waiting shipment costs no process: {waits.shipments} came that wait for a person, one parcel each; the installation
had {waits.before} processes before and {waits.after} after, and the ledger was larger by {waits.each:,.0f} bytes for
each of them (pages of the database, indices included). At the end of the measurement {waiting:,} shipments waited.
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


@dataclass(frozen=True)
class Waits:
    """What `shipments` cost that wait for a person: processes before and after they came, bytes of each."""

    shipments: int = 0
    before: int = 0
    after: int = 0
    each: float = 0.0


@dataclass
class Figures:
    """Everything measured; `background` is parcels that came in meanwhile and parcels a truck."""

    series: list[Series]
    waits: Waits = Waits()
    waiting: int = 0
    background: tuple[int, int] = (0, 0)


def text(figures: Figures, cores: int, speed: str = "") -> str:
    """The page."""
    declared, parcels = figures.background
    head = HEAD.format(cores=cores, load=os.getloadavg()[0], declared=declared, parcels=parcels, speed=speed)
    rows = "\n".join(series.row() for series in figures.series)
    tail = TAIL.format(waiting=figures.waiting, waits=figures.waits)
    return f"{head}{rows}\n{tail}"
