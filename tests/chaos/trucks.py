"""Trucks, homes and workers for the chaos tests: a small made-up truck whose plan lies ahead on the fast clock."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from adapters import home as homes
from adapters.ledger import audit, events, shipments
from adapters.ledger.fingerprint import fingerprint
from deployments import demo_truck
from deployments.demo_flaws import Flaw
from deployments.demo_truck import MadeTruck
from mappings import clock
from mappings.canonical.model import Truck
from tasks import decisions
from tasks.capture import read_folder
from tasks.clearing import intake
from tasks.office import Office, office, open_office
from tests.chaos.sandboxes import Sandboxes
from tests.chaos.worker import Order, work

PARCELS = 25
AHEAD = {"arrival_at_yard": 30, "departure": 40, "crossing": 48}  # hours on the clock
DONE = {
    "approved",
    "arrived",
    "departed",
    "crossed",
    "received",
    "correction",
    "hong_kong_lodge",
    "hong_kong_bundle",
    "closed",
}
_workers = multiprocessing.get_context("forkserver")
_workers.set_forkserver_preload(["tests.chaos.worker"])


def made(
    sandboxes: Sandboxes, parcels: int = PARCELS, seed: int = 1, flaws: Mapping[str, Flaw] | None = None
) -> MadeTruck:
    """A truck whose plan lies ahead; `flaws` says which orders are made wrong, and how."""
    truck = demo_truck.make_truck(parcels, 2.0, seed)
    for order, flaw in (flaws or {}).items():
        truck = flaw(truck, order)
    now = sandboxes.clock.now().replace(microsecond=0)
    planned = {name: (now + timedelta(hours=hours)).isoformat() for name, hours in AHEAD.items()}
    return replace(truck, truck={**truck.truck, "planned": planned})


class Yard:
    """A home with one truck's folder beside it, and the workers that clear it."""

    def __init__(self, folder: Path, sandboxes: Sandboxes, template: Path, truck: MadeTruck) -> None:
        self.sandboxes, self.home = sandboxes, folder / "home"
        shutil.copytree(template, self.home)
        self.folder = demo_truck.write(truck, folder / "files")
        os.environ[clock.VARIABLE] = sandboxes.clock.variable()

    def office(self) -> Office:
        """The office of this home, in the test's own process."""
        return open_office(homes.read(self.home))

    def order(self, **more: Any) -> Order:
        """An order for a worker of this home."""
        return Order(str(self.home), self.sandboxes.clock.variable(), str(self.folder), **more)

    def start(self, **more: Any) -> ForkServerProcess:
        """A worker, running."""
        worker = _workers.Process(target=work, args=(self.order(**more),))
        worker.start()
        return worker

    def run(self, **more: Any) -> int:
        """A worker from start to end; its exit code (-9: killed)."""
        worker = self.start(**more)
        worker.join(120)
        if worker.exitcode is None:
            worker.kill()
        return worker.exitcode if worker.exitcode is not None else 1

    @contextmanager
    def at_desk(self) -> Iterator[Office]:
        """The office, for what a person does between two runs."""
        os.environ[homes.VARIABLE] = str(self.home)
        office.cache_clear()
        here = office()
        yield here
        here.ledger.close()
        office.cache_clear()

    def happens(self, kind: str) -> None:
        """Something physical is told."""
        with self.at_desk() as here:
            events.record(here.ledger, 1, kind, clock.now(), "yard", once=True)

    def hold(self) -> None:
        """A person holds the truck."""
        with self.at_desk() as here:
            shipments.hold(here.ledger, 1, "chaos", "a person")

    def resume(self) -> None:
        """A person lets it go on."""
        with self.at_desk() as here:
            shipments.resume(here.ledger, 1, "a person")

    def correct(self, orders: Sequence[str], action: str) -> int:
        """A person's answer to the form; how many parcels it concerned."""
        with self.at_desk():
            return decisions.correct("1", orders, action, "", "", "chaos")

    def deliver(self, name: str, body: bytes) -> None:
        """One more file comes in."""
        with self.at_desk() as here:
            intake.receive_files(here, [(name, body)], "1", "carrier")

    def waybill(self, order: str, **changes: Any) -> bytes:
        """The carrier's record of an order with other values, as a file."""
        records = map(json.loads, (self.folder / "waybills.jsonl").read_text("utf-8").splitlines())
        found = next(record for record in records if record["orderRef"] == order)
        return (json.dumps({**found, **changes}, ensure_ascii=False) + "\n").encode()

    def outcome(self) -> dict[str, Any]:
        """What the ledger says of the truck, but for ids and times; of its events what was done, not waited for."""
        here = self.office()
        found = fingerprint(here.ledger, 1)
        found["event"] = [kind for kind in found["event"] if kind in DONE]
        found["counts"].pop("event", None)
        found["document"] = sorted((d[0], d[1], _plain(d[1], d[2]), *d[3:]) for d in found["document"])
        here.ledger.close()
        return found

    def told(self) -> list[str]:
        """The kinds of event of the truck, as they were told."""
        here = self.office()
        kinds = [event.kind for event in events.timeline(here.ledger, 1)]
        here.ledger.close()
        return kinds

    def audit(self) -> list[str]:
        """What our own audit finds."""
        here = self.office()
        found = [finding.message_en for finding in audit.audit(here.ledger)]
        here.ledger.close()
        return found


def _plain(kind: str, key: str) -> str:
    """A business key without the number that Hong Kong drew."""
    return "|".join(part for i, part in enumerate(key.split("|")) if not (kind == "HKRoadBundle" and i == 1))


def _truck(folder: Path) -> Truck:
    found = read_folder(folder).truck
    if found is None:
        raise ValueError(f"{folder} holds no truck")
    return found


def template(folder: Path, sandboxes: Sandboxes) -> Path:
    """A home with ledger and keys of the truck's companies, to be copied."""
    os.environ[clock.VARIABLE] = sandboxes.clock.variable()
    homes.write(homes.Home(folder, authorities=sandboxes.addresses))
    here = open_office(homes.read(folder))
    here.ensure_keys(_truck(demo_truck.write(made(sandboxes, 2), folder.parent / "first")))
    here.ledger.close()
    return folder
