"""Measuring trucks, each in a process of its own, so that memory and speed are its own."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from deployments import demo_truck
from tasks.office import collect_less
from tests.bench import alternatives, report, stages
from tests.bench.floor import floor
from tests.bench.path import WholePath, parts_of_path
from tests.bench.sandbox_way import peak_megabytes, whole_way
from tests.bench.stopwatch import Rounds, repeated

REAL = Path(__file__).parents[3] / "shared" / "data" / "export_truck"
T = TypeVar("T")
WARM = 3  # rounds after which a process has grown as large as it gets


def measure(name: str, folder: Path, work: Path, times: int) -> report.Truck:
    """One truck, in a process of its own: peak memory, parts; then path and floor for the same bytes, in turn."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    collect_less()
    path = WholePath(folder, work / "path")
    for _ in range(WARM):
        gc.collect()
        path(Rounds())
    peak = peak_megabytes()
    parts, messages = parts_of_path(folder, work / "parts")
    ours, least = repeated(times, path, floor(messages, work))
    path.here.ledger.close()
    documents, size = sum(len(m.documents) for m in messages), sum(len(m.body) for m in messages) / 1e6
    return report.Truck(name, path.measured(ours), parts, least, documents, size, peak)


def _apart(call: Callable[..., T], *args: object) -> T:
    """Call it in a fresh process, so that memory and speed are its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(call, *args).result()


def sized(work: Path, sizes: list[int]) -> list[stages.Sized]:
    """What every stage costs: of the real truck, and at these numbers of parcels; each in a process and a ledger."""
    found = []
    if REAL.is_dir():
        found.append(_apart(stages.measure, work / "real", 0, stages.TRUCK, REAL))
    for parcels in sizes:
        sys.stdout.write(f"{parcels:,} parcels through every stage ...\n")
        sys.stdout.flush()
        found.append(_apart(stages.measure, work / f"sized{parcels}", parcels, min(parcels, stages.TRUCK)))
    return found


def compared(work: Path) -> dict[str, alternatives.Cost]:
    """What a user would otherwise pick, for the documents of a small truck."""
    return _apart(_alternatives, work / "alternatives")


def _alternatives(work: Path) -> dict[str, alternatives.Cost]:
    work.mkdir()
    folder = demo_truck.write(demo_truck.make_truck(220, stages.LINES), work / "made")
    _, messages = parts_of_path(folder, work / "parts")
    return {
        "a loop: lxml elements and signxml for each document": alternatives.loop(messages, work),
        "the same in Prefect: a flow a parcel, a task a document": alternatives.flow_a_parcel(messages, work),
    }


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
        way = _apart(whole_way, folder, work / f"way{at}") if sandbox else None
        trucks.append(replace(truck, way=way))
    return trucks
