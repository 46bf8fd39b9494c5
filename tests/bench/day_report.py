"""What the day at the bridge says: where the time went, by process and by stage, and what Prefect costs of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
import sqlalchemy as sa

from tests.scale.cluster import POSTGRES

BEGIN, END = "<!-- written by make bench-day -->", "<!-- end of what make bench-day writes -->"
PREFECT = ("PostgreSQL, Prefect", "Prefect server")
_SETTINGS = (
    "server_version", "shared_buffers", "huge_pages", "max_wal_size", "checkpoint_timeout", "wal_compression",
    "synchronous_commit", "fsync", "autovacuum",
)  # fmt: skip
_RUNS = (
    "SELECT count(*), coalesce(extract(epoch FROM sum(total_run_time)), 0) FROM flow_run "
    "WHERE end_time IS NOT NULL AND parent_task_run_id IS NULL"
)
_TASKS = (
    "SELECT name, count(*), coalesce(extract(epoch FROM sum(total_run_time)), 0) FROM task_run "
    "WHERE end_time IS NOT NULL AND id NOT IN "  # a run within a run has a task of its own, which is no stage
    "(SELECT parent_task_run_id FROM flow_run WHERE parent_task_run_id IS NOT NULL) GROUP BY name"
)


@dataclass(frozen=True)
class Said:
    """What Prefect's database says: runs and their seconds; of each stage how often and how many seconds."""

    runs: int
    seconds: float
    stages: Mapping[str, tuple[int, float]]

    def __sub__(self, before: Said) -> Said:
        none = (0, 0.0)
        stages = {
            name: (n - before.stages.get(name, none)[0], s - before.stages.get(name, none)[1])
            for name, (n, s) in self.stages.items()
        }
        return Said(self.runs - before.runs, self.seconds - before.seconds, stages)


@dataclass(frozen=True)
class Went:
    """How it ended: parcels by state, documents by type, inventories declared anew, the audit's findings."""

    parcels: Mapping[str, int]
    documents: Mapping[str, int]
    again: int
    findings: list[str]


@dataclass(frozen=True)
class Day:
    """One day, measured."""

    trucks: int
    parcels: int
    workers: int
    speed: float
    wall: float
    used: Mapping[str, float]
    share: float
    load: float
    said: Said
    here: Mapping[str, float]
    went: Went
    corrected: int = 0
    database: str = ""

    @property
    def in_order(self) -> bool:
        """Whether every parcel is closed, every rejected one was declared anew, and the audit finds nothing."""
        closed = dict(self.went.parcels) == {"closed": self.parcels}
        return closed and not self.went.findings and self.went.again == self.corrected

    @property
    def prefect_cpu(self) -> float:
        """CPU seconds of Prefect's server and of its database."""
        return sum(self.used.get(name, 0.0) for name in PREFECT)


def database_said(database: str) -> str:
    """What PostgreSQL is, and how it is set where that weighs on a day."""
    url = sa.make_url(POSTGRES).set(drivername="postgresql", database=database)
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        told = [f"{name} {connection.execute(f'SHOW {name}').fetchone()[0]}" for name in _SETTINGS]  # type: ignore[index]
    return f"PostgreSQL {told[0].split()[1]}: {', '.join(told[1:])}."


def prefect_said(database: str) -> Said:
    """What there is now in Prefect's database."""
    url = sa.make_url(POSTGRES).set(drivername="postgresql", database=database)
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        runs, seconds = connection.execute(_RUNS).fetchone() or (0, 0)
        stages = {name: (int(n), float(s)) for name, n, s in connection.execute(_TASKS)}
    return Said(int(runs), float(seconds), stages)


def page(day: Day, cores: int, speed: str = "") -> str:
    """What goes between the markers."""
    parts = [BEGIN, "", *_head(day, cores, speed), "", *_processes(day), "", *_stages(day), "", *_prefect(day), "", END]
    return "\n".join(parts)


def _head(day: Day, cores: int, speed: str) -> list[str]:
    documents = sum(day.went.documents.values())
    told = f"{day.parcels / day.wall:,.0f} parcels a second" if day.wall else ""
    ended = ", ".join(f"{state} {count:,}" for state, count in sorted(day.went.parcels.items()))
    order = "in order" if day.in_order else f"**not in order**: {'; '.join(day.went.findings[:3]) or ended}"
    return [
        f"{day.trucks:,} trucks, {day.parcels:,} parcels, {documents:,} documents: {day.wall:,.0f} s, {told}; "
        f"{day.workers} workers, clock {day.speed:g} times as fast.",
        f"Machine: {cores} cores for everything, {day.share:.0%} of them in use by whomever; load average at the start "
        f"{day.load:.1f}. {speed}".rstrip(),
        *filter(None, [day.database]),
        f"Parcels at the end: {ended}; {day.corrected:,} were turned down and declared anew after a corrected file. "
        f"The books are {order}.",
    ]


def _processes(day: Day) -> list[str]:
    every = sum(day.used.values()) or 1.0
    rows = [
        f"| {name} | {seconds:,.1f} | {seconds / every:.0%} | {seconds * 1000 / day.parcels:.2f} |"
        for name, seconds in sorted(day.used.items(), key=lambda item: -item[1])
    ]
    head = ["| processes | CPU, s | share | CPU ms a parcel |", "| --- | ---: | ---: | ---: |"]
    return [*head, *rows, f"| **all** | {every:,.1f} | 100% | {every * 1000 / day.parcels:.2f} |"]


def _stages(day: Day) -> list[str]:
    rows = [
        f"| {name} | {count:,} | {seconds:,.1f} | {seconds / count:.3f} |"
        for name, (count, seconds) in sorted(day.said.stages.items(), key=lambda item: -item[1][1])
        if count
    ]
    here = [f"| bench: {name} | | {seconds:,.1f} | |" for name, seconds in sorted(day.here.items())]
    return ["| stage | times | s, all workers | s each |", "| --- | ---: | ---: | ---: |", *rows, *here]


def _prefect(day: Day) -> list[str]:
    inside = sum(seconds for _, seconds in day.said.stages.values())
    runs, every = max(day.said.runs, 1), sum(day.used.values()) or 1.0
    return [
        f"Prefect: {day.said.runs:,} runs ({day.said.runs / day.trucks:.1f} a truck), "
        f"{day.said.seconds / runs:.2f} s each, of which {(day.said.seconds - inside) / runs:.2f} s outside all stages "
        "(Prefect's own work in the run, settling, publishing).",
        f"Its server and its database use {day.prefect_cpu:,.1f} s of CPU, {day.prefect_cpu / every:.0%} of all, "
        f"{day.prefect_cpu / runs:.2f} s a run; what it costs inside the workers is not in that share.",
    ]
