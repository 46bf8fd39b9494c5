"""The files of a day at the bridge, made up before it begins: what companies make costs this product nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from deployments import demo_truck
from deployments.demo_truck import MadeTruck
from tests.scale.cluster import Cluster
from tests.scale.fleet import made

REJECTED = "33"  # how the numbers of orders end that customs turns down once: 1 in 100
SHEET = "truck.json"
Waybills = dict[str, dict[str, Any]]  # by order


class Ready(NamedTuple):
    """A truck's own folder, and, by order, the waybills that customs will turn down once."""

    folder: Path
    refused: Waybills


class Wave(NamedTuple):
    """Trucks whose orders and payments come together: the folder of those files, and the trucks."""

    day: Path
    trucks: list[Ready]


def make_waves(running: Cluster, seeds: Sequence[int], parcels: int, size: int) -> list[Wave]:
    """The files of these trucks, so many trucks' orders and payments in one."""
    waves, apart = [], running.folder / "trucks"
    for first in range(0, len(seeds), size):
        mine = seeds[first : first + size]
        day = running.folder / "days" / str(mine[0])
        day.mkdir(parents=True)
        folders = [written_apart(made(running, parcels, seed), apart / str(seed), day) for seed in mine]
        waves.append(Wave(day, [Ready(folder, refused_of(folder)) for folder in folders]))
    return waves


def written_apart(truck: MadeTruck, folder: Path, day: Path) -> Path:
    """A truck's files: its own into its folder, orders and payments appended to the day's."""
    demo_truck.write(truck, folder)
    for name in ("orders.csv", "payments.csv"):
        rows = (folder / name).read_bytes()
        there = (day / name).exists()
        with (day / name).open("ab") as file:
            file.write(rows.partition(b"\n")[2] if there else rows)
        (folder / name).unlink()
    (folder / "goods_master.xlsx").replace(day / "goods_master.xlsx")
    return folder


def refused_of(folder: Path) -> Waybills:
    """A truck's waybills that customs will turn down once, by order."""
    rows = map(json.loads, (folder / "waybills.jsonl").read_text("utf-8").splitlines())
    return {row["orderRef"]: row for row in rows if row["orderRef"].endswith(REJECTED)}
