"""`python -m tests.scale` (make scale): parcels a second with 1 to 4 workers, and which resource is full.

Trucks are taken in and approved, and cleared to their end by workers of one slot each; yard and road are played. The
table goes into docs/scale.md, between its markers. Needs PostgreSQL and Redis; ends only what it started.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg
import sqlalchemy as sa

from tests.scale.busy import Busy
from tests.scale.cluster import POSTGRES, Cluster, cluster, tree
from tests.scale.fleet import Fleet

PAGE = Path(__file__).parents[2] / "docs" / "scale.md"
BEGIN, END = "<!-- written by make scale -->", "<!-- end of what make scale writes -->"
FULL = 0.9
SECONDS = 900.0
GROUPS = ("workers", "PostgreSQL", "sandboxes", "Prefect", "pulse", "intake")


@dataclass(frozen=True)
class Round:
    """One number of workers: what was cleared, how long it took, and who used the processors meanwhile."""

    workers: int
    parcels: int
    wall: float
    used: dict[str, float]
    share: float

    @property
    def full(self) -> str:
        """The resource that is full, and who uses most of it; or that there was waiting."""
        most = max(GROUPS, key=lambda name: self.used.get(name, 0.0))
        return f"CPU, {most} most" if self.share >= FULL else "none: runs wait for each other's beats"

    def row(self) -> str:
        """Its line of the table."""
        each = " | ".join(f"{self.used.get(name, 0.0) * 1000 / self.parcels:.1f}" for name in GROUPS)
        rate = self.parcels / self.wall
        head = f"{self.workers} | {self.parcels:,} | {self.wall:.0f} | {rate:.0f}"
        return f"| {head} | {each} | {self.share:.0%} | {self.full} |"


def backends(databases: Iterable[str]) -> list[int]:
    """The server processes behind these databases of this machine's PostgreSQL."""
    query = "SELECT pid FROM pg_stat_activity WHERE datname = ANY(%s)"
    return [row[0] for row in _asking().execute(query, [list(databases)])]


@cache
def _asking() -> psycopg.Connection:
    """One connection for all these questions: one a question would be half of what the bench itself costs."""
    url = sa.make_url(POSTGRES).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(url, autocommit=True)


def groups(running: Cluster) -> dict[str, Iterable[int]]:
    """Which processes count as what."""
    names = [str(sa.make_url(running.ledger).database), running.prefect_database]
    children = {child.name: child.process.pid for child in running.children.started if child.process}
    return {
        "workers": [pid for worker in running.workers for pid in worker.pids()],
        "PostgreSQL": backends(names),
        "sandboxes": [process.pid for process in running.sandboxes._running.values()],
        "Prefect": [children["prefect"]],
        "pulse": tree(children["pulse"]),
        "intake": [os.getpid()],
    }


def measure(folder: Path, workers: int, trucks: int, parcels: int) -> Round:
    """So many workers, so many trucks. Raises Absent, TimeoutError."""
    with cluster(folder) as running:
        office = running.office()
        fleet = Fleet(running, office)
        fleet.take_in(workers, 1, first_seed=900)  # small ones first: every worker has then loaded everything
        for _ in range(workers):
            running.start_worker(express=1 if not running.workers else 0, trucks=1)
        fleet.until_closed(SECONDS)
        fleet = Fleet(running, office)
        with Busy(lambda: groups(running)) as busy:
            fleet.take_in(trucks, parcels, first_seed=1)
            fleet.until_closed(SECONDS)
        wrong = fleet.findings()
        if wrong or fleet.outcome()["parcels"] != {"closed": fleet.parcels}:
            raise RuntimeError(f"not in order: {fleet.outcome()} {wrong[:5]}")
        office.ledger.close()
        return Round(workers, fleet.parcels, busy.wall, busy.used, busy.share)


def table(rounds: list[Round], cores: int) -> str:
    """What goes between the markers."""
    head = ["workers", "parcels", "wall, s", "parcels a second", *(f"{name}, CPU ms a parcel" for name in GROUPS)]
    head += ["CPU in use", "what is full"]
    told = (
        f"Machine: {cores} cores for everything, load average at the end {os.getloadavg()[0]:.1f}; a worker has one\n"
        "slot for trucks. CPU in use is the machine's, whoever used it: others' work on it takes its part away.\n"
    )
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join(["---:"] * (len(head) - 1) + ["---"]) + " |"]
    return "\n".join([BEGIN, "", told, *lines, *(one.row() for one in rounds), "", END])


def written(page: str, made: str, begin: str = BEGIN, end: str = END) -> str:
    """The page with the part between the markers replaced. Raises ValueError where it has no markers."""
    before, _, rest = page.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"{PAGE.name} has no markers")
    return before + made + after


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.scale", description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--trucks", type=int, default=8)
    parser.add_argument("--parcels", type=int, default=800, help="of a truck")
    parser.add_argument("--no-page", action="store_true", help="write no page")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # all that was started ends with it
    rounds = []
    for workers in given.workers:
        with tempfile.TemporaryDirectory() as work:
            rounds.append(measure(Path(work), workers, given.trucks, given.parcels))
        sys.stdout.write(rounds[-1].row() + "\n")
    made = table(rounds, os.cpu_count() or 1)
    if not given.no_page:
        PAGE.write_text(written(PAGE.read_text("utf-8"), made), "utf-8")
    sys.stdout.write(made + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
