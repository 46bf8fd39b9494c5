"""Measuring trucks, each in a process of its own, so that memory and speed are its own."""

from __future__ import annotations

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
from tests.bench import report
from tests.bench.floor import floor
from tests.bench.path import parts_of_path, whole_path
from tests.bench.sandbox_way import peak_megabytes, whole_way

REAL = Path(__file__).parents[3] / "shared" / "data" / "export_truck"
T = TypeVar("T")


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


def _apart(call: Callable[..., T], *args: object) -> T:
    """Call it in a fresh process, so that memory and speed are its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(call, *args).result()


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
