"""What every stage costs, from files to receipts settled: our process and the sandbox's, at any number of parcels.

Many trucks go into one ledger, one after the other, each by the product's own functions; receipts are heard after each
truck, and at the end until every declaration has its answer. The clock runs fast, so that no time is spent waiting for
customs. Lists, departure and Hong Kong are no part of it.
"""

from __future__ import annotations

import os
import sqlite3
import time
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree
from sqlalchemy import func, select

from adapters import home as homes
from adapters.cn_ecommerce import ChinaEcommerce
from adapters.ledger import at_once, raws, receipts, shipments, stories
from adapters.ledger.tables import document, parcel, raw, story
from deployments import demo_truck
from mappings import clock
from tasks.capture import files_of_folder, read_folder
from tasks.clearing import declaring, hearing, intake, steps
from tasks.office import Office, collect_less, open_office
from tasks.receipts import reading
from tasks.submission import seal, submit
from tests.bench.meter import Cost, Meter
from tests.bench.sandbox_way import planned_ahead
from tests.bench.yardstick import Pace
from tests.chaos.sandboxes import Sandboxes

TRUCK, LINES, CHINA, PATIENCE = 3200, 2.5, "cn_ecommerce", 120.0
REST = "ledger"  # storing, and what goes round the others
PARTS = {
    "capture": ((intake, "_read"),),
    "clean": ((intake, "clean"),),
    "match": ((intake, "match"), (intake, "hold_misfits")),
    "convert": ((declaring, "declarations"),),
    "validate": ((seal, "check"),),
    "sign": ((declaring, "seal_messages"),),
    "claim": ((submit.Group, "next"), (submit.Group, "close")),
    "send": ((ChinaEcommerce, "send"),),
    "receive": ((hearing, "fetch"), (reading, "read_all"), (stories, "keep"), (at_once, "_add")),
    "settle": ((hearing, "apply"), (hearing, "read_stored")),
}
ORDER = (*PARTS, REST)
UNANSWERED = ("ready", "declared")


@dataclass
class Sized:
    """One size measured: what each stage has cost, the floor of the receipts, and how much it was."""

    parcels: int
    trucks: int
    receipts: int
    costs: dict[str, Cost]
    wall: float
    floor: dict[str, float] = field(default_factory=dict)
    real: bool = False
    pace: float = 0.0  # CPU seconds of a fixed piece of work meanwhile

    @property
    def name(self) -> str:
        """What it was."""
        return f"real order lines, {self.parcels:,} parcels" if self.real else f"{self.parcels:,} parcels"

    def micro(self, name: str, other: bool = False) -> float:
        """Microseconds of CPU a parcel of a stage: ours, or the sandbox's."""
        cost = self.costs.get(name, Cost())
        return 1e6 * (cost.other if other else cost.cpu) / self.parcels

    def total(self, other: bool = False) -> float:
        """The same of all stages."""
        return sum(self.micro(name, other) for name in self.costs)

    def at_pace_of(self, other: Sized) -> float:
        """Our microseconds a parcel, had the machine been as fast as it was at another size."""
        return self.total() * other.pace / self.pace if self.pace and other.pace else self.total()


def at_desk(work: Path, sandboxes: Sandboxes) -> Office:
    """An office that knows the sandbox."""
    os.environ[clock.VARIABLE], os.environ[homes.VARIABLE] = sandboxes.clock.variable(), str(work / "home")
    homes.write(homes.Home(work / "home", authorities={CHINA: sandboxes.addresses[CHINA]}))
    collect_less()
    return open_office(homes.read(work / "home"))


def made(work: Path, sandboxes: Sandboxes, parcels: int, seed: int) -> Path:
    """The folder of a made-up truck, planned ahead on the fast clock."""
    folder = demo_truck.write(demo_truck.make_truck(parcels, LINES, seed), work / f"made{seed}")
    return planned_ahead(folder, work / f"files{seed}", sandboxes)


def declare(here: Office, folder: Path) -> int:
    """One truck from its files to its declarations sent. Returns its shipment."""
    ident = intake.receive_files(here, list(files_of_folder(folder))).shipment_id
    intake.work_up(here, ident)
    shipments.approve(here.ledger, ident, "bench")
    steps.take(here, ident, "declare")
    return ident


def unanswered(here: Office) -> int:
    """How many parcels are declared, or to be, and have no final answer of the review."""
    with here.ledger.read() as tx:
        waiting = select(func.count()).select_from(parcel).where(parcel.c.state.in_(UNANSWERED))
        return int(tx.execute(waiting).scalar_one())


def hear_out(here: Office, seconds: float = PATIENCE) -> None:
    """Hear until every parcel has its answer and nothing new comes. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while hearing.hear(here) or unanswered(here):
        if time.monotonic() > end:
            raise TimeoutError(f"{unanswered(here)} parcels without an answer after {seconds:.0f} s")
        time.sleep(0.3)


def measure(work: Path, parcels: int, truck: int = TRUCK, real: Path | None = None) -> Sized:
    """One size, in trucks of `truck` parcels, after a small one to warm up; or the truck of the folder `real`."""
    sandboxes = Sandboxes(work / "authorities", 600.0)
    sandboxes.start(CHINA)
    try:
        here = at_desk(work, sandboxes)
        declare(here, made(work, sandboxes, min(truck, 110), 999))
        hear_out(here)
        found = _measured(here, work, sandboxes, max(1, round(parcels / truck)), truck, real)
        found.floor = receipt_floor(here, work)
        here.ledger.close()
        return found
    finally:
        sandboxes.stop()


def _measured(
    here: Office, work: Path, sandboxes: Sandboxes, trucks: int, truck: int, real: Path | None = None
) -> Sized:
    meter, wall, before = Meter(sandboxes.pid(CHINA)), 0.0, _receipts(here)
    known, pace = _declared(here), Pace()
    for number in range(1 if real else trucks):
        # made as it is needed: files of a million parcels are no one's
        folder = _real(here, work, sandboxes, real) if real else made(work, sandboxes, truck, number)
        pace.take()
        started = time.perf_counter()
        with meter.inside(PARTS), meter.stage(REST):
            declare(here, folder)
            hearing.hear(here)
        wall += time.perf_counter() - started
    started = time.perf_counter()
    with meter.inside(PARTS), meter.stage(REST):
        hear_out(here, PATIENCE + trucks)
    wall += time.perf_counter() - started
    pace.take()
    parcels, told = _declared(here) - known, _receipts(here) - before
    return Sized(parcels, trucks, told, dict(meter.costs), wall, real=bool(real), pace=pace.mean)


def _real(here: Office, work: Path, sandboxes: Sandboxes, real: Path) -> Path:
    """A copy of the real truck's folder, planned ahead; its companies' keys are there, as after their first truck."""
    folder = planned_ahead(real, work / "real", sandboxes)
    if (truck := read_folder(folder).truck) is not None:
        here.ensure_keys(truck)
    return folder


def _declared(here: Office) -> int:
    """How many parcels were declared so far."""
    with here.ledger.read() as tx:
        told = select(func.count(document.c.parcel_id.distinct())).where(document.c.parcel_id.is_not(None))
        return int(tx.execute(told).scalar_one())


def _receipts(here: Office) -> int:
    with here.ledger.read() as tx:
        return sum(receipts.counts(tx, CHINA).values())


def receipt_floor(here: Office, work: Path, most: int = 300) -> dict[str, float]:
    """CPU seconds a receipt message of the least that can be done with the same bytes: libxml2, and two executemany."""
    with here.ledger.read() as tx:
        ids = (
            tx.execute(
                select(raw.c.id).where(
                    raw.c.authority == CHINA, raw.c.direction == raws.IN, raw.c.channel != raws.ANSWER
                )
            )
            .scalars()
            .all()
        )
        late = set(ids[-most:])
        trucks = tx.execute(select(story.c.shipment_id).where(story.c.raw_id.in_(late)).distinct()).scalars().all()
        said = [row for truck in trucks for row in receipts.of_shipment(tx, truck) if row.raw_id in late]
        known = tx.execute(select(document.c.id, document.c.type, document.c.state, document.c.business_key)).all()
    authority = here.authority(CHINA)
    bodies = [authority.open(body).business for body in raws.bodies(here.ledger, ids[-most:]).values()]
    keys, told = {row.id: row.business_key for row in known}, {row.document_id: row.status for row in said}
    rows = [(row.document_id, row.type, keys[row.document_id], row.status, row.guid) for row in said]
    seconds: dict[str, float] = {}
    started = time.process_time()
    for body in bodies:
        etree.fromstring(body)
    seconds["receive"] = time.process_time() - started
    with sqlite3.connect(work / "floor.sqlite") as database:
        database.execute("CREATE TABLE document (id INTEGER PRIMARY KEY, type, state)")
        database.execute(
            "CREATE TABLE receipt (document_id, type, key, status, guid, UNIQUE (type, key, status, guid))"
        )
        database.executemany("INSERT INTO document VALUES (?, ?, ?)", [tuple(row[:3]) for row in known])
        database.commit()
        started = time.process_time()
        database.executemany("INSERT OR IGNORE INTO receipt VALUES (?, ?, ?, ?, ?)", rows)
        database.executemany("UPDATE document SET state = ? WHERE id = ?", [(s, d) for d, s in told.items()])
        database.commit()
        seconds["settle"] = time.process_time() - started
    database.close()
    return {name: value / max(len(rows), 1) for name, value in seconds.items()}
