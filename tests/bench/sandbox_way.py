"""The whole way: from files to closed on both sides, against both sandboxes as processes on the same machine.

The clock runs fast, so that no time is spent waiting for customs; what is left is work, theirs and ours.
"""

from __future__ import annotations

import json
import os
import resource
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from adapters import home as homes
from adapters.ledger import shipments
from mappings import clock
from tasks.capture import files_of_folder, read_folder
from tasks.clearing import intake, steps
from tasks.office import collect_less, open_office
from tests.chaos.sandboxes import Sandboxes
from tests.chaos.worker import one_round

PAUSE = 0.2
AHEAD = {"arrival_at_yard": 300, "departure": 302, "crossing": 303}  # hours on the clock, within Hong Kong's 14 days
SPEED = 600.0


@dataclass(frozen=True)
class Way:
    """One truck's whole way: wall seconds to its declarations answered, to its end, and CPU seconds of our process."""

    parcels: int
    declared: float
    closed: float
    cpu: float
    state: str

    def a_second(self) -> float:
        """Parcels a second, files to closed."""
        return self.parcels / self.closed


def planned_ahead(folder: Path, into: Path, sandboxes: Sandboxes) -> Path:
    """A copy of the folder whose truck is planned ahead on the fast clock."""
    into.mkdir(parents=True)
    now = sandboxes.clock.now().replace(microsecond=0)
    for name, body in files_of_folder(folder):
        (into / name).write_bytes(body)
    told: dict[str, Any] = json.loads((into / "truck.json").read_text("utf-8"))
    told["planned"] = {key: (now + timedelta(hours=hours)).isoformat() for key, hours in AHEAD.items()}
    (into / "truck.json").write_text(json.dumps(told, ensure_ascii=False), "utf-8")
    return into


def whole_way(folder: Path, work: Path, seconds: float = 300.0) -> Way:
    """Clear the folder's truck. Raises TimeoutError when it does not close."""
    sandboxes = Sandboxes(work / "authorities", SPEED)
    sandboxes.start()
    try:
        return _clear(planned_ahead(folder, work / "files", sandboxes), work / "home", sandboxes, seconds)
    finally:
        sandboxes.stop()


def _clear(folder: Path, home: Path, sandboxes: Sandboxes, seconds: float) -> Way:
    os.environ[clock.VARIABLE], os.environ[homes.VARIABLE] = sandboxes.clock.variable(), str(home)
    homes.write(homes.Home(home, authorities=sandboxes.addresses))
    here = open_office(homes.read(home))
    truck = read_folder(folder).truck
    if truck is None:
        raise ValueError("The folder has no truck")
    here.ensure_keys(truck)
    collect_less()
    started, cpu, declared = time.perf_counter(), time.process_time(), 0.0
    ident = intake.receive_files(here, list(files_of_folder(folder))).shipment_id
    intake.work_up(here, ident)
    shipments.approve(here.ledger, ident, "bench")
    steps.take(here, ident, "declare")
    while True:
        standing = one_round(here, ident)
        passed = time.perf_counter() - started
        if not declared and not standing.in_state("ready", "declared"):
            declared = passed
        if standing.shipment.state == "closed":
            break
        if passed > seconds:
            raise TimeoutError(f"{standing.shipment.state} after {passed:.0f} s")
        time.sleep(PAUSE)
    parcels = len(standing.in_state("closed"))
    here.ledger.close()
    return Way(parcels, declared, passed, time.process_time() - cpu, standing.shipment.state)


def peak_megabytes() -> float:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
