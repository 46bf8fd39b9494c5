"""How many parcels a second, for as long as one likes: files to receipts settled, the sandbox on the same cores.

One process hears while the others declare truck after truck (one worker alone does both in turn), with all that a real
day has: encryption, claims, the audit's books, 3 % dirty parcels. At the end everything is heard out and audited.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from multiprocessing.context import SpawnProcess
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event, Semaphore
from pathlib import Path

from sqlalchemy import case, func, select

from adapters import home as homes
from adapters.ledger import audit
from adapters.ledger.tables import parcel, shipment
from deployments import demo_truck
from deployments.demo_flaws import KINDS
from deployments.demo_truck import MadeTruck
from deployments.listener import POLL, SPELL
from deployments.pools import FEW, TRUCKS
from deployments.work import NICENESS
from mappings import clock
from tasks.capture import read_folder
from tasks.clearing import hearing
from tasks.clearing.pace import Pace
from tasks.clearing.standing import parcel_claims
from tasks.office import Office, collect_less, open_office
from tests.bench.meter import cpu_of, memory_of
from tests.bench.sandbox_way import planned_ahead
from tests.bench.stages import CHINA, LINES, TRUCK, UNANSWERED, at_desk, declare, hear_out
from tests.chaos.sandboxes import Sandboxes

DIRTY, HELD, RATE = 33, "held", 3600  # one parcel in 33; trucks are made for this many parcels a second
_spawn = multiprocessing.get_context("spawn")


@dataclass
class Sustained:
    """A sustained run: answered parcels by window, CPU seconds and memory by process, and what the audit says."""

    seconds: float
    parcels: int = 0
    answered: int = 0
    held: int = 0
    unanswered: int = 0
    second: int = 0
    windows: list[tuple[float, int]] = field(default_factory=list)
    workers: int = 0
    worked: float = 0.0  # until the last worker had ended
    lasted: float = 0.0  # until everything was heard out
    cpu: dict[str, float] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)


def dirty(truck: MadeTruck) -> MadeTruck:
    """The truck with every 33rd order made wrong, by each kind of flaw in turn."""
    kinds = [make for make, _ in KINDS.values()]
    for place, order in enumerate(truck.orders()[::DIRTY]):
        truck = kinds[place % len(kinds)](truck, order)
    return truck


@dataclass(frozen=True)
class _Start:
    """Workers say that they are ready, and all begin at once: starting a process takes seconds on a busy machine."""

    ready: Semaphore
    go: Event
    seconds: float
    told: SimpleQueue[tuple[str, float, float]]  # of each worker its name, CPU seconds and most memory

    def end(self) -> float:
        """Waits for the start. Returns when to end."""
        self.ready.release()
        self.go.wait()
        return time.monotonic() + self.seconds


def _work(name: str, home: str, told: str, folders: list[str], start: _Start, declares: bool, hears: bool) -> None:
    """A worker process until the end; truck after truck, or as the pulse's ear what lies ready of receipts.

    It tells what it needed.
    """
    os.environ[clock.VARIABLE], os.environ[homes.VARIABLE] = told, home
    here = open_office(homes.read(Path(home)))
    collect_less()
    if declares and not hears:
        os.nice(NICENESS[TRUCKS])  # as a warm worker's slot for trucks has it, and the ear has not
    waiting, end, pace = list(folders), start.end(), Pace(FEW)  # as the pulse's ear has it
    before = time.process_time()
    while time.monotonic() < end and (waiting or not declares):
        if declares:
            declare(here, Path(waiting.pop(0)))
        if hears:
            hearing.hear(here, SPELL, pace)
            if not declares:
                time.sleep(POLL)
    here.ledger.close()
    start.told.put((name, time.process_time() - before, memory_of("self", "VmHWM")))


def run(
    work: Path,
    seconds: float,
    workers: int = 2,
    truck: int = TRUCK,
    window: float = 10.0,
    most: int | None = None,
    rate: int = RATE,
) -> Sustained:
    """The run: `most` trucks, or enough for `rate` parcels a second, are made first, outside the time."""
    sandboxes = Sandboxes(work / "authorities", 600.0)
    try:
        sandboxes.start(CHINA)
        here = at_desk(work, sandboxes)
        count = most or 1 + round(seconds * rate / truck)
        folders = [_made(here, work, sandboxes, truck, number) for number in range(count)]
        found = Sustained(seconds, workers=workers)
        start = _Start(_spawn.Semaphore(0), _spawn.Event(), seconds, _spawn.SimpleQueue())
        processes = _started(here, sandboxes, folders, start, workers)
        for _ in processes:
            if not start.ready.acquire(timeout=120):
                raise RuntimeError("a worker did not start")
        start.go.set()
        began = time.monotonic()
        sandbox = sandboxes.pid(CHINA)
        before = cpu_of(sandbox)
        _watch(here, found, window)
        for process in processes:
            process.join(120)
            if process.exitcode != 0:
                raise RuntimeError(f"a worker ended with {process.exitcode}")
        found.worked = time.monotonic() - began
        told = [
            ("sandbox", cpu_of(sandbox) - before, memory_of(sandbox, "VmHWM")),
            *(start.told.get() for _ in processes),
        ]
        found.cpu = {name: cpu for name, cpu, _ in sorted(told)}
        found.memory = {name: most for name, _, most in told}
        hear_out(here)
        found.lasted = time.monotonic() - began
        _judge(here, sandboxes, found)
        here.ledger.close()
        return found
    finally:
        sandboxes.stop()


def _made(here: Office, work: Path, sandboxes: Sandboxes, parcels: int, number: int) -> str:
    made = dirty(demo_truck.make_truck(parcels, LINES, number))
    folder = planned_ahead(demo_truck.write(made, work / f"made{number}"), work / f"files{number}", sandboxes)
    truck = read_folder(folder).truck
    if truck is not None:
        here.ensure_keys(truck)
    return str(folder)


def _started(here: Office, sandboxes: Sandboxes, folders: list[str], start: _Start, workers: int) -> list[SpawnProcess]:
    """One process that does both, or one that hears while the others declare, each with trucks of its own."""
    alone, many = workers == 1, max(1, workers - 1)
    roles = {f"declare {n}": (True, alone, folders[n::many]) for n in range(many)}
    roles |= {} if alone else {"hear": (False, True, [])}
    found = []
    for name, (declares, hears, mine) in roles.items():
        told = (name, str(here.home.path), sandboxes.clock.variable(), mine, start, declares, hears)
        found.append(_spawn.Process(target=_work, args=told, daemon=True))
        found[-1].start()
    return found


def _watch(here: Office, found: Sustained, window: float) -> None:
    """Count what is answered, window by window, while the workers run; of trucks that wait for something alone.

    A look at every parcel of the ledger took a second at its end, of the processors that are measured.
    """
    answered, start, whole = 0, time.monotonic(), dict[int, int]()
    while time.monotonic() - start < found.seconds:
        time.sleep(min(window, max(0.05, found.seconds - (time.monotonic() - start))))
        so_far = _by_truck(here, whole)
        whole |= {truck: done for truck, (done, waiting) in so_far.items() if not waiting}
        now = sum(whole.values()) + sum(done for done, waiting in so_far.values() if waiting)
        found.windows.append((time.monotonic() - start, now - answered))
        answered = now


def _by_truck(here: Office, without: Collection[int]) -> dict[int, tuple[int, int]]:
    """How many parcels of each truck, but for these, are answered, and how many wait for an answer."""
    waits, clean = parcel.c.state.in_(UNANSWERED), parcel.c.state != HELD
    counts = func.sum(case((~waits & clean, 1), else_=0)), func.sum(case((waits, 1), else_=0))
    with here.ledger.read() as tx:
        trucks = [ident for ident in tx.execute(select(shipment.c.id)).scalars() if ident not in without]
        query = select(parcel.c.shipment_id, *counts).where(parcel.c.shipment_id.in_(trucks))
        return {row[0]: (row[1], row[2]) for row in tx.execute(query.group_by(parcel.c.shipment_id)).all()}


def _states(here: Office) -> dict[str, int]:
    with here.ledger.read() as tx:
        return {row[0]: row[1] for row in tx.execute(select(parcel.c.state, func.count()).group_by(parcel.c.state))}


def _judge(here: Office, sandboxes: Sandboxes, found: Sustained) -> None:
    now = _states(here)
    found.parcels, found.held = sum(now.values()), now.get(HELD, 0)
    found.unanswered = sum(now.get(state, 0) for state in UNANSWERED)
    found.answered = found.parcels - found.held - found.unanswered
    found.findings = [finding.message_en for finding in audit.audit(here.ledger, parcel_claims())]
    told = sandboxes.call(CHINA, "GET", "/admin/books/audit")
    found.second = int(told["count"] if "count" in told else told["unmarked"])
