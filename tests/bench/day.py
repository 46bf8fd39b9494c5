"""`python -m tests.bench.day` (make bench-day): a day at the bridge, each truck a Prefect flow run.

The installation is that of tests/scale: Prefect and ledger on PostgreSQL (databases of their own, made and dropped),
Redis, warm workers on a work pool, pulse, both sandboxes, on this machine and one fast clock. The platform's orders and
the payments come in files of many trucks, into the pool; a truck brings its sheet and its waybills. One parcel in fifty
is inspected; one in a hundred is turned down, and goes on with a corrected file of its carrier. Every truck has a Hong
Kong plate and tells Hong Kong. Yard and road are played here. Writes docs/day.md.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import func, select

from adapters.ledger import audit, shipments
from adapters.ledger.tables import document, fault, parcel, shipment
from deployments import beside
from tasks.capture import read_files
from tasks.clearing import intake, settling
from tasks.clearing.standing import parcel_claims
from tasks.office import Office
from tasks.pool import take_in
from tasks.receipts.explain import stage
from tests.bench import day_report
from tests.bench.day_files import REJECTED, SHEET, Ready, Wave, Waybills, make_waves
from tests.bench.day_report import Day, Went
from tests.bench.yardstick import Yardstick
from tests.chaos.worker import HAPPENS, drive, world
from tests.scale.__main__ import backends, written
from tests.scale.busy import Busy
from tests.scale.cluster import Cluster, cluster, tree

PAGE = Path(__file__).parents[2] / "docs" / "day.md"
INSPECTED = "*[05]7"  # how order numbers end: 2 in 100
MOVES = ("awaiting_arrival", "awaiting_departure", "awaiting_crossing")
TURNED_DOWN = stage("cn_ecommerce")  # of the faults that a carrier is sent
WARM_SEEDS, MOST = 990, 900
LOOK = 1.0  # real seconds between two looks of the bench at all trucks
SEEN = 10.0  # and of yard, road and carrier at one of them


@dataclass
class Bridge:
    """The day as it goes: trucks on their way, those that crossed, and what the bench itself did."""

    cluster: Cluster
    office: Office
    patience: float
    trucks: dict[int, Path] = field(default_factory=dict)  # on their way: shipment -> its folder
    done: list[int] = field(default_factory=list)
    refused: dict[int, Waybills] = field(default_factory=dict)  # those that a rule turns down, not corrected yet
    corrected: int = 0
    seen: dict[int, float] = field(default_factory=dict)  # when yard and road looked at a truck
    told: dict[int, str] = field(default_factory=dict)  # the state of a truck in which the yard told what happened
    asked: dict[int, float] = field(default_factory=dict)  # and when its carrier asked what was turned down
    rules: dict[Path, list[int]] = field(default_factory=dict)  # of customs, by the truck's folder
    went: dict[str, float] = field(default_factory=lambda: defaultdict(float))  # real seconds of what is done here

    def take_wave(self, wave: Wave) -> list[Ready]:
        """The files of so many trucks into the pool; the trucks, not handed in yet."""
        began = time.perf_counter()
        for name in ("goods_master.xlsx", "orders.csv", "payments.csv"):
            take_in.take_file(self.office, wave.day / name)
        self.went["into the pool"] += time.perf_counter() - began
        return list(wave.trucks)

    def hand_in(self, truck: Ready) -> None:
        """One truck's own files, approved, and the rule that turns some of its parcels down once."""
        began, (folder, refused) = time.perf_counter(), truck
        found = read_files([(SHEET, (folder / SHEET).read_bytes())]).truck
        if found is None:
            raise ValueError(f"{folder.name} holds no truck")
        if not self.trucks and not self.done:
            self.cluster.ensure_keys(found)
        if refused:
            order = f"{next(iter(refused))[:9]}*{REJECTED}"
            rule = {"match": {"type": "CEB603Message", "order_no": order}, "action": "reject"}
            self.behave({**rule, "code": "1300", "times": len(refused)}, folder)
        ident = intake.receive_files(self.office, intake.folder_files(folder), "", "day").shipment_id
        shipments.approve(self.office.ledger, ident, "day")
        self.trucks[ident], self.refused[ident] = folder, dict(refused)
        self.went["trucks handed in"] += time.perf_counter() - began

    def behave(self, rule: dict[str, Any], folder: Path) -> None:
        """A rule of customs that goes with the truck: a rule is looked at for every document."""
        body = {"rules": [rule]}
        self.rules[folder] = self.cluster.sandboxes.call("cn_ecommerce", "POST", "/admin/behaviour", body)["ids"]

    def look(self) -> None:
        """One look at what is on its way: yard and road, corrected files, and who is at the end."""
        now = time.perf_counter()
        with self.office.ledger.read() as tx:
            query = select(shipment.c.id, shipment.c.state).where(shipment.c.id.in_(list(self.trucks)))
            states = {int(ident): str(state) for ident, state in tx.execute(query)}
            moves = [i for i, state in states.items() if self._moves(i, state, now)]
            asking = [i for i in states if self.refused[i] and now >= self.asked.get(i, 0.0) + SEEN]
            self.asked |= dict.fromkeys(asking, now)
            f, p = fault.c, parcel.c
            sent = (
                select(f.shipment_id, f.order_no)
                .join(parcel, p.id == f.parcel_id)
                .where(f.shipment_id.in_(asking), f.stage == TURNED_DOWN, f.current, p.state == "rejected")
            )
            rejected: dict[int, set[str]] = {}
            for ident, order in tx.execute(sent):
                rejected.setdefault(int(ident), set()).add(str(order))
            held = select(p.shipment_id).where(p.shipment_id.in_(moves), p.state == "rejected").distinct()
            stays = set(tx.execute(held).scalars())
        for ident, orders in rejected.items():
            self.correct(ident, orders)
        for ident, state in states.items():
            if ident in moves and ident not in stays:
                self.seen[ident] = now
                self.told[ident] = self.move(ident, state)
            elif state == "closed":
                for rule in self.rules.pop(self.trucks.pop(ident), []):
                    self.cluster.sandboxes.call("cn_ecommerce", "DELETE", f"/admin/behaviour/{rule}")
                self.done.append(ident)

    def move(self, ident: int, state: str) -> str:
        """Yard and road do what the truck's state lets them; returns that state, where it counts as it is now."""
        if state not in HAPPENS:
            with self.office.ledger.read() as tx:
                row = shipments.get(tx, ident)
            drive(self.office, ident, row.truck["hk_plate"])
            return state
        standing = settling.settle_shipment(self.office, ident)  # not as a run left it: who leaves, leaves parcels
        world(self.office, standing)
        return str(standing.shipment.state)

    def _moves(self, ident: int, state: str, now: float) -> bool:
        """Whether yard or road are to look at a truck: what happens in the yard happens once, the bridge is tried."""
        happened = state == self.told.get(ident) and state in HAPPENS
        return state in MOVES and not happened and now >= self.seen.get(ident, 0.0) + SEEN

    def correct(self, ident: int, orders: set[str]) -> None:
        """The carrier weighs the parcels that were turned down again, and sends them again."""
        again = [self.refused[ident].pop(order) for order in [*self.refused[ident]] if order in orders]
        if not again:
            return
        rows = ({**r, "grossWeight": r["grossWeight"] + 0.01} for r in again)
        body = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        intake.receive_files(
            self.office, [(f"waybills-{self.corrected}.jsonl", body.encode())], str(ident), "carrier"
        )  # fmt: skip
        self.corrected += len(again)

    def run(self, trucks: list[Ready], at_once: int) -> None:
        """Hands the trucks in, so many on their way at once, until there are none left. Raises TimeoutError."""
        moved = time.perf_counter()
        while trucks or len(self.trucks) >= at_once:
            before = len(self.done)
            while trucks and len(self.trucks) < at_once:
                self.hand_in(trucks.pop(0))
            self.look()
            moved = self._waited(moved, len(self.done) > before)

    def finish(self) -> None:
        """Until every truck is at its end. Raises TimeoutError."""
        moved = time.perf_counter()
        while self.trucks:
            before = len(self.done)
            self.look()
            moved = self._waited(moved, len(self.done) > before)

    def _waited(self, moved: float, news: bool) -> float:
        now = time.perf_counter()
        if now - moved > self.patience and not news:
            logs = "\n".join(f"--- {child.name}\n{child.tail(8)}" for child in self.cluster.children.started)
            raise TimeoutError(f"no truck ended in {self.patience:.0f} s: {sorted(self.trucks)}\n{logs}")
        time.sleep(LOOK)
        return now if news else moved


def by_name(program: str, pid: int) -> dict[str, list[int]]:
    """A program's processes by what they call themselves (deployments.beside); its own is the program's."""
    found: dict[str, list[int]] = {program: []}
    for one in tree(pid):
        with suppress(OSError):  # it has ended meanwhile
            called = Path(f"/proc/{one}/comm").read_text("utf-8").strip()
            kind = f"{program}: {called[3:]}" if called.startswith(beside.called("")) else program
            found.setdefault(kind, []).append(one)
    return found


def groups(running: Cluster) -> dict[str, Iterable[int]]:
    """Which processes count as what."""
    children = {child.name: child.process.pid for child in running.children.started if child.process}
    return {
        "workers": [pid for worker in running.workers for pid in worker.pids()],
        "PostgreSQL, ledger": backends([str(sa.make_url(running.ledger).database)]),
        "PostgreSQL, Prefect": backends([running.prefect_database]),
        "Prefect server": [children["prefect"]],
        "sandbox China": [running.sandboxes._running["cn_ecommerce"].pid],
        "sandbox Hong Kong": [running.sandboxes._running["hk_road"].pid],
        **by_name("pulse", children["pulse"]),
        "bench: files, pool, yard": [os.getpid()],
    }


def outcome(office: Office, ids: list[int]) -> Went:
    """What became of the trucks' parcels and documents, and what the audit finds."""
    d = document.c
    with office.ledger.read() as tx:
        mine = parcel.c.shipment_id.in_(ids)
        states = dict(tx.execute(select(parcel.c.state, func.count()).where(mine).group_by(parcel.c.state)).all())
        theirs = d.shipment_id.in_(ids)
        kinds = dict(tx.execute(select(d.type, func.count()).where(theirs).group_by(d.type)).all())
        second = select(func.count()).where(theirs, d.type == "CEB603Message", d.attempt > 1)
        again = int(tx.execute(second).scalar_one())
    return Went(states, kinds, again, [f.message_en for f in audit.audit(office.ledger, parcel_claims())])


def measure(folder: Path, given: argparse.Namespace) -> Day:
    """The day. Raises Absent, TimeoutError, RuntimeError where it did not end in order."""
    with cluster(folder, given.speed) as running:
        office = running.office()
        inspect = {"match": {"type": "CEB603Message", "order_no": INSPECTED}, "action": "inspect", "result": "800"}
        running.sandboxes.behave("cn_ecommerce", inspect)
        for n in range(given.workers):
            running.start_worker(express=0 if n else 1, trucks=1)
        warm = Bridge(running, office, given.patience)
        for wave in make_waves(running, range(WARM_SEEDS, WARM_SEEDS + given.workers), 2, given.workers):
            warm.run(warm.take_wave(wave), given.at_once)
        warm.finish()
        bridge = Bridge(running, office, given.patience)
        began = time.perf_counter()
        waves = make_waves(running, range(1, given.trucks + 1), given.parcels, given.wave)
        bridge.went["files made up, before the day"] = time.perf_counter() - began
        before = day_report.prefect_said(running.prefect_database)
        load = os.getloadavg()[0]
        with Busy(lambda: groups(running)) as busy:
            for wave in waves:
                bridge.run(bridge.take_wave(wave), given.at_once)
            bridge.finish()
        said = day_report.prefect_said(running.prefect_database)
        found, database = outcome(office, bridge.done), day_report.database_said(running.prefect_database)
        office.ledger.close()
        return Day(
            given.trucks, given.trucks * given.parcels, given.workers, given.speed, busy.wall, busy.used, busy.share,
            load, said - before, dict(bridge.went), found, bridge.corrected, database,
        )  # fmt: skip


def arguments_of(arguments: list[str] | None) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.day", description=__doc__)
    parser.add_argument("--trucks", type=int, default=500)
    parser.add_argument("--parcels", type=int, default=3200, help="of a truck")
    parser.add_argument("--workers", type=int, default=2, help="each with one slot for trucks")
    parser.add_argument("--at-once", type=int, default=60, help="trucks on their way at a time")
    parser.add_argument("--wave", type=int, default=25, help="trucks whose orders come in one file")
    parser.add_argument("--speed", type=float, default=60.0, help="of the clock: 60 is a minute a second")
    parser.add_argument("--patience", type=float, default=900.0, help="real seconds in which some truck must end")
    parser.add_argument("--no-page", action="store_true", help="write no page")
    given = parser.parse_args(arguments)
    if not 0 < given.trucks <= MOST:
        parser.error(f"--trucks is 1 to {MOST}: order numbers of made-up trucks repeat after that")
    return given


def main(arguments: list[str] | None = None) -> int:
    """The command; 1 where the day did not end in order."""
    given = arguments_of(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # all that was started ends with it
    speed = Yardstick()
    with tempfile.TemporaryDirectory() as work:
        day = measure(Path(work), given)
    made_page = day_report.page(day, os.cpu_count() or 1, speed.line())
    if not given.no_page:
        PAGE.write_text(written(PAGE.read_text("utf-8"), made_page, day_report.BEGIN, day_report.END), "utf-8")
    sys.stdout.write(made_page + "\n")
    return 0 if day.in_order else 1


if __name__ == "__main__":
    raise SystemExit(main())
