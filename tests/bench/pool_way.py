"""`python -m tests.bench.pool_way`: what a day's files cost on their way into the pool, and a truck on its way out.

Each measurement is a process of its own; memory is the most it ever held (ru_maxrss). SQLite, or what
TONGGUAN_LEDGER names.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from adapters import home as homes
from deployments import demo_truck
from tasks.clearing import intake
from tasks.office import open_office
from tasks.pool import take_in
from tests.bench.day_files import written_apart

TRUCK, LINES = 3200, 1.0


def make(folder: Path, rows: int) -> Path:
    """A day's files of about so many order rows, and the folder of the last truck."""
    day, truck = folder / "day", folder
    day.mkdir()
    for seed in range(1, max(rows // TRUCK, 1) + 1):
        made = demo_truck.make_truck(min(TRUCK, rows), LINES, seed)
        truck = written_apart(made, folder / f"truck{seed}", day)
    return truck


def once(what: str, home: Path, path: Path) -> dict[str, float]:
    """One measurement, in this process: a file into the pool, or a truck out of it."""
    office = open_office(homes.Home(home))
    before, wall, cpu = peak(), time.perf_counter(), time.process_time()
    if what == "take":
        count = take_in.take_file(office, path).rows
    else:
        ident = intake.receive_files(office, intake.folder_files(path), "", "bench").shipment_id
        changes = (intake.work_up(office, ident) or intake.Intake(ident)).changes
        count = len(changes.new) if changes else 0
    return {"rows": count, "wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "mib": peak(),
            "mib before": before}  # fmt: skip


def peak() -> float:
    """The most memory that this process ever held, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def apart(what: str, home: Path, path: Path) -> dict[str, float]:
    """One measurement in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.pool_way", "--only", what, str(home), str(path)]
    told = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ}).stdout
    found: dict[str, float] = json.loads(told.splitlines()[-1])
    return found


def row(name: str, found: dict[str, float]) -> str:
    """A line of the table."""
    each = found["cpu"] * 1e6 / max(found["rows"], 1)
    counted = f"{found['rows']:,.0f} | {found['wall']:.1f} | {found['cpu']:.1f} | {each:.0f} | {found['mib']:,.0f}"
    return f"| {name} | {counted} |"


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pool_way", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.only:
        sys.stdout.write(json.dumps(once(given.only[0], Path(given.only[1]), Path(given.only[2]))) + "\n")
        return 0
    with tempfile.TemporaryDirectory() as work:
        truck, home = make(Path(work), given.rows), Path(work) / "home"
        told = [
            "| | rows | wall, s | CPU, s | CPU µs a row | most memory, MiB |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
        ]
        for name in ("goods_master.xlsx", "payments.csv", "orders.csv"):
            told.append(row(f"{name} into the pool", apart("take", home, truck.parent / "day" / name)))
        told.append(row("a truck out of the pool", apart("join", home, truck)))
    sys.stdout.write("\n".join(told) + f"\nload average {os.getloadavg()[0]:.1f}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
