"""`python -m tests.bench` (make bench): measures, prints, and writes docs/performance.md.

--short measures a few hundred parcels once and writes nothing; --no-sandbox leaves the whole way out.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from deployments import demo_truck
from tasks.office import collect_less
from tests.bench import report
from tests.bench.floor import floor
from tests.bench.path import parts_of_path, whole_path
from tests.bench.sandbox_way import Way, peak_megabytes, whole_way

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
REAL = Path(__file__).parents[3] / "shared" / "data" / "export_truck"


def measure(name: str, folder: Path, work: Path, times: int) -> report.Truck:
    """One truck, in a process of its own: path, its parts, its peak memory; then the floor for the same bytes."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    collect_less()
    path = whole_path(folder, work / "path", times)
    peak = peak_megabytes()
    parts, messages = parts_of_path(folder, work / "parts")
    found = floor(messages, work, times)
    documents, size = sum(len(m.documents) for m in messages), sum(len(m.body) for m in messages) / 1e6
    return report.Truck(name, path, parts, found, documents, size, peak)


def _apart(call: object, *args: object) -> object:
    """Call it in a fresh process, so that memory and speed are its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(call, *args).result()  # type: ignore[arg-type]


def bench(work: Path, times: int, parcels: int, sandbox: bool, real: bool = True) -> list[report.Truck]:
    """All trucks."""
    folders = {
        f"made up, {parcels:,} parcels of 2.5 lines": demo_truck.write(
            demo_truck.make_truck(parcels, 2.5), work / "made"
        )
    }
    if real and REAL.is_dir():
        folders["real order lines, 1,900 orders"] = REAL
    trucks = []
    for at, (name, folder) in enumerate(folders.items()):
        sys.stdout.write(f"{name} ...\n")
        sys.stdout.flush()
        truck = _apart(measure, name, folder, work / f"truck{at}", times)
        assert isinstance(truck, report.Truck)
        way = _apart(whole_way, folder, work / f"way{at}") if sandbox else None
        trucks.append(report.Truck(**{**vars(truck), "way": way if isinstance(way, Way) else None}))
    return trucks


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--parcels", type=int, default=3200)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--no-sandbox", action="store_true")
    given = parser.parse_args(arguments)
    times, parcels = (1, 300) if given.short else (given.times, given.parcels)
    with tempfile.TemporaryDirectory() as work:
        trucks = bench(Path(work), times, parcels, not (given.no_sandbox or given.short), not given.short)
    page = report.text(trucks, os.cpu_count() or 1, platform.python_version(), times)
    sys.stdout.write(page)
    if not given.short and not given.no_sandbox:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
