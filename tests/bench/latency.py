"""`python -m tests.bench.latency` (make latency): how long single shipments and pushed receipts take while trucks run.

The installation is that of tests/scale: PostgreSQL, Redis, one worker with a slot for each lane, gateway, pulse, both
sandboxes, all on this machine; the clock runs at real speed. In the background trucks are declared one after the other.
Writes docs/latency.md.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import func, select

from adapters.cn_ecommerce import envelope
from adapters.ledger import messages, shipments
from adapters.ledger.tables import message, shipment
from deployments import demo_truck, settings, up
from deployments.dispatch import CLEAR
from deployments.processes import free_ports
from mappings import clock
from mappings.identity import Identities
from tasks.capture import read_folder
from tasks.clearing import intake
from tests.bench import latency_report
from tests.bench.latency_report import Figures, Series, Waits
from tests.bench.yardstick import Yardstick
from tests.scale.cluster import Cluster, Worker, cluster
from tests.scale.fleet import Fleet, made
from tests.unit.customs import key_fields, receipt

PAGE = Path(__file__).parents[2] / "docs" / "latency.md"
RELEASED = "| released | 1 |"  # a line of the summary (tasks/reporting/summary.py)
PATIENCE = 240.0  # real seconds: on a machine with other work a figure may be bad, but it is a figure


@dataclass
class Desk:
    """What the measurements share."""

    cluster: Cluster
    fleet: Fleet
    gateway: str
    token: dict[str, str]
    seed: int = 100
    stop: threading.Event = field(default_factory=threading.Event)
    declared: int = 0

    def single(self, approved: bool = True) -> int:
        """A shipment of one parcel, taken in."""
        self.seed += 1
        folder = demo_truck.write(made(self.cluster, 1, self.seed), self.cluster.folder / "single" / str(self.seed))
        found = read_folder(folder).truck
        assert found is not None
        self.cluster.ensure_keys(found)
        office = self.fleet.office
        ident = intake.receive_files(office, intake.folder_files(folder), "", "bench").shipment_id
        if approved:
            shipments.approve(office.ledger, ident, "bench")
        return ident

    def first_out(self, ident: int) -> datetime | None:
        """When the shipment's first message had left."""
        with self.fleet.office.ledger.read() as tx:
            return tx.execute(select(func.min(message.c.sent_at)).where(message.c.shipment_id == ident)).scalar()

    def waited(self, found: Callable[[], Any], pause: float = 0.02) -> Any:
        """What there is as soon as it is there. Raises TimeoutError."""
        end = time.monotonic() + PATIENCE
        while not (what := found()):
            if time.monotonic() > end:
                raise TimeoutError(self.fleet.logs())
            time.sleep(pause)
        return what


def by_prefect(desk: Desk) -> float:
    """A run started through Prefect's API, until the first message had left; seconds."""
    ident, began = desk.single(), clock.now()
    desk.cluster.api().start(CLEAR, {"shipment": str(ident)})
    return float((desk.waited(lambda: desk.first_out(ident)) - began).total_seconds())


def by_gateway(desk: Desk) -> float:
    """Approved through the gateway, which starts a run; seconds until the first message had left."""
    ident, began = desk.single(approved=False), clock.now()
    answer = requests.post(f"{desk.gateway}/shipments/{ident}/approve", json={}, headers=desk.token, timeout=30)
    answer.raise_for_status()
    return float((desk.waited(lambda: desk.first_out(ident)) - began).total_seconds())


def pushed(desk: Desk, ident: int) -> tuple[float, float, float]:
    """Customs releases by push: seconds until the ledger has it, until the gateway shows it, and until Prefect does."""
    document = next(d for d in messages.documents(desk.fleet.office.ledger, ident) if d.type == "CEB603Message")
    row = {
        "returnStatus": "800",
        "returnInfo": "[Code:2600;Desc:放行]",
        **key_fields(document.type, document.business_key),
    }
    truck = shipments.get(desk.fleet.office.ledger, ident).truck
    to = truck["parties"]["agent"]["dxp_id"]
    body = envelope.write(
        receipt("CEB604Message", [row]), "CEB604Message", "DXPEDCCEB0000003", to, Identities().guid(), clock.now()
    )
    token = settings.tokens(desk.cluster.home)["push"]
    began, seen = time.perf_counter(), datetime.now(UTC)  # Prefect's clock is the machine's
    where = f"{desk.gateway}/authorities/cn_ecommerce/push"
    requests.post(where, body, params={"token": token}, timeout=30).raise_for_status()
    kept = time.perf_counter() - began
    desk.waited(lambda: _shows(desk, ident))
    shown = time.perf_counter() - began
    try:
        told = (desk.waited(lambda: _told(desk, ident), 0.1) - seen).total_seconds()
    except TimeoutError:  # its lane is longer than our patience: that long, at least
        told = PATIENCE
    return kept, shown, told


def _shows(desk: Desk, ident: int) -> bool:
    got = requests.get(f"{desk.gateway}/shipments/{ident}", headers=desk.token, timeout=30).json()
    return set(got["parcels"]) == {"released"}


def _told(desk: Desk, ident: int) -> datetime | None:
    """When the summary in Prefect first said "released": of whichever run."""
    waybill = shipments.get(desk.fleet.office.ledger, ident).master_waybill
    key = re.sub(r"[^a-z0-9]+", "-", f"{waybill}-summary".lower()).strip("-")
    query = {"artifacts": {"key": {"any_": [key]}}, "sort": "CREATED_DESC", "limit": 50}
    found = desk.cluster.api()._call("POST", "/artifacts/filter", query)
    told = [artifact["updated"] for artifact in found if RELEASED in str(artifact["data"])]
    return datetime.fromisoformat(min(told)) if told else None


def background(desk: Desk, trucks: int, parcels: int) -> None:
    """Trucks to declare, one after the other, until it is told to stop."""
    for number in range(trucks):
        if desk.stop.is_set():
            return
        desk.fleet.take_in(1, parcels, first_seed=10_000 + number)
        desk.declared += parcels
        desk.stop.wait(parcels / 800)


def measure(folder: Path, times: int, trucks: int, parcels: int) -> Figures:
    """All of it. Raises tests.scale.cluster.Absent without the servers."""
    os.environ[clock.VARIABLE] = ""
    with cluster(folder, speed=1.0) as made_:
        [port] = free_ports(0)
        gateway = up.gateway(made_.environment, port)
        made_.children.start(gateway)
        made_.start_worker()
        made_.children.wait(gateway)
        token = {"Authorization": f"Bearer {settings.tokens(made_.home)['api']}"}
        desk = Desk(made_, Fleet(made_, made_.office()), f"http://{up.HOST}:{port}", token)
        by_prefect(desk)  # the first run finds its worker still loading
        waits = _waits(desk, few=max(min(times, 10), 1))
        loading = threading.Thread(target=background, args=(desk, trucks, parcels), daemon=True)
        loading.start()
        try:
            figures = _figures(desk, times)
        finally:
            desk.stop.set()
            loading.join(120)
        figures.waits, figures.waiting = waits, _waiting(desk)
        figures.background = (desk.declared, parcels)
        return figures


def _waits(desk: Desk, few: int) -> Waits:
    """What so many shipments cost that wait for a person: processes of the installation, and bytes in the ledger."""
    before, bytes_before = _processes(desk), _bytes(desk)
    idents = [desk.single(approved=False) for _ in range(few)]
    ledger = desk.fleet.office.ledger
    desk.waited(lambda: all(shipments.get(ledger, ident).state == "awaiting_approval" for ident in idents), 0.2)
    return Waits(few, before, _processes(desk), (_bytes(desk) - bytes_before) / few)


def _processes(desk: Desk) -> int:
    """Processes of gateway, pulse, worker and Prefect's server, and of all that these started."""
    return sum(len(Worker(child).pids()) for child in desk.cluster.children.started)


def _bytes(desk: Desk) -> int:
    """The ledger's size in PostgreSQL, indices included."""
    with desk.fleet.office.ledger.read() as tx:
        return int(tx.execute(select(func.pg_database_size(func.current_database()))).scalar_one())


def _waiting(desk: Desk) -> int:
    """Shipments that wait for something now."""
    with desk.fleet.office.ledger.read() as tx:
        return int(tx.execute(select(func.count()).where(shipment.c.state != "closed")).scalar_one())


def _figures(desk: Desk, times: int) -> Figures:
    api = [by_prefect(desk) for _ in range(times)]
    gate = [by_gateway(desk) for _ in range(times)]
    idents = [ident for ident in range(1, _last(desk) + 1) if _single(desk, ident)][-times:]
    pushes = [pushed(desk, ident) for ident in idents]
    return Figures([
        Series("a run through Prefect's API, until the first message had left", api, 95, 2.0),
        Series("approved through the gateway, until the first message had left", gate, 95, 2.0),
        Series("a pushed receipt, until it is in the ledger", [p[0] for p in pushes], 99, 0.2),
        Series("a pushed receipt, until the gateway shows its consequence", [p[1] for p in pushes], 95, 2.0),
        Series("a pushed receipt, until Prefect shows it", [p[2] for p in pushes], 95, 2.0),
    ])  # fmt: skip


def _last(desk: Desk) -> int:
    with desk.fleet.office.ledger.read() as tx:
        return int(tx.execute(select(func.max(shipment.c.id))).scalar_one())


def _single(desk: Desk, ident: int) -> bool:
    return ident not in desk.fleet.ids and desk.first_out(ident) is not None


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.latency", description=__doc__)
    parser.add_argument("--times", type=int, default=40)
    parser.add_argument("--trucks", type=int, default=40, help="in the background, at the most")
    parser.add_argument("--parcels", type=int, default=800, help="of each of them")
    parser.add_argument("--no-page", action="store_true", help="write no page")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # all that was started ends with it
    speed = Yardstick()
    with tempfile.TemporaryDirectory() as work:
        figures = measure(Path(work), given.times, given.trucks, given.parcels)
    page = latency_report.text(figures, os.cpu_count() or 1, speed.line())
    sys.stdout.write(page)
    if not given.no_page:
        PAGE.write_text(page, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
