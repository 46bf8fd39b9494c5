"""Trucks for a cluster: made up, taken in and approved; yard and road played until every one is closed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from adapters.ledger import audit, shipments
from deployments import demo_truck
from deployments.demo_truck import MadeTruck
from tasks.capture import read_folder
from tasks.clearing import intake
from tasks.clearing.standing import load_standing, parcel_claims
from tasks.office import Office
from tests.chaos.trucks import AHEAD
from tests.chaos.worker import world
from tests.scale.cluster import Cluster

LOOK, AGAIN = 0.3, 1.5


def made(cluster: Cluster, parcels: int, seed: int) -> MadeTruck:
    """A truck of its own: other waybill, plates and order numbers than every other seed's."""
    truck = demo_truck.make_truck(parcels, 2.0, seed)
    now = cluster.sandboxes.clock.now().replace(microsecond=0)
    planned = {name: (now + timedelta(hours=hours)).isoformat() for name, hours in AHEAD.items()}
    return replace(truck, truck={**truck.truck, "planned": planned})


@dataclass
class Fleet:
    """The trucks of one test; `ids` are their shipments."""

    cluster: Cluster
    office: Office
    ids: list[int] = field(default_factory=list)
    parcels: int = 0
    looked: dict[int, float] = field(default_factory=dict)

    def take_in(self, trucks: int, parcels: int, first_seed: int = 1) -> None:
        """The files of so many trucks come in, and each is approved."""
        for seed in range(first_seed, first_seed + trucks):
            truck = made(self.cluster, parcels, seed)
            folder = demo_truck.write(truck, self.cluster.folder / "files" / str(seed))
            found = read_folder(folder).truck
            assert found is not None
            self.cluster.ensure_keys(found)
            ident = intake.receive_files(self.office, intake.folder_files(folder), "", "fleet").shipment_id
            shipments.approve(self.office.ledger, ident, "fleet")
            self.ids.append(ident)
            self.parcels += parcels

    def states(self) -> dict[int, str]:
        """Each truck's state."""
        return {ident: str(shipments.get(self.office.ledger, ident).state) for ident in self.ids}

    def until_closed(self, seconds: float, between: Callable[[], Any] = lambda: None) -> float:
        """Plays yard and road until every truck is closed; the wall seconds it took. Raises TimeoutError."""
        started = time.perf_counter()
        while set(self.states().values()) != {"closed"}:
            passed = time.perf_counter() - started
            if passed > seconds:
                raise TimeoutError(f"after {passed:.0f} s: {self.states()}\n{self.logs()}")
            between()
            for ident, state in self.states().items():
                moves = state in ("awaiting_arrival", "awaiting_departure", "awaiting_crossing")
                if moves and self._due(ident):
                    world(self.office, load_standing(self.office.ledger, ident))
            time.sleep(LOOK)
        return time.perf_counter() - started

    def _due(self, ident: int) -> bool:
        """Whether the yard looks at a truck now: a look costs what the ledger's reading of it costs."""
        due = time.perf_counter() - self.looked.get(ident, -AGAIN) >= AGAIN
        if due:
            self.looked[ident] = time.perf_counter()
        return due

    def logs(self) -> str:
        """The last lines of everything that runs."""
        return "\n".join(f"--- {child.name}\n{child.tail(6)}" for child in self.cluster.children.started)

    def findings(self) -> list[str]:
        """What the audit of the ledger finds."""
        return [finding.message_en for finding in audit.audit(self.office.ledger, parcel_claims())]

    def outcome(self) -> dict[str, Counter[str]]:
        """Parcels by state, and documents by type, of all trucks."""
        parcels: Counter[str] = Counter()
        documents: Counter[str] = Counter()
        for ident in self.ids:
            at = load_standing(self.office.ledger, ident)
            parcels.update(state for state, _ in at.parcels.values())
            documents.update({kind: len(found) for kind, found in at.documents.items()})
        return {"parcels": parcels, "documents": documents}
