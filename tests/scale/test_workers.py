"""Workers as processes on one ledger: all trucks close, whatever becomes of one of the workers."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.ledger import leases
from tasks.clearing.alone import name_of
from tests.scale.cluster import Absent, Cluster, Worker, cluster, runs
from tests.scale.fleet import Fleet

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(420)]
TRUCKS, PARCELS = 3, 20
SECONDS = 180.0


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Everything but the workers; skipped with a reason where a server is missing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TONGGUAN_CLOCK", "")
        patch.delenv("TONGGUAN_LEDGER", raising=False)
        try:
            with cluster(tmp_path_factory.mktemp("scale")) as made:
                yield made
        except Absent as absent:
            if os.environ.get("TONGGUAN_REQUIRE_SERVERS") == "1":
                pytest.fail(str(absent))
            pytest.skip(str(absent))


@pytest.fixture
def fleet(running: Cluster) -> Iterator[Fleet]:
    """Trucks of the test alone, before authorities with empty books."""
    office = running.office()
    yield Fleet(running, office)
    office.ledger.close()


def holders(fleet: Fleet) -> dict[int, int]:
    """Which process has each truck now, by shipment."""
    found = {ident: leases.holder(fleet.office.ledger, name_of(ident)) for ident in fleet.ids}
    return {ident: int(held[0].rpartition(":")[2]) for ident, held in found.items() if held}


def busy(fleet: Fleet, worker: Worker, seconds: float = 90.0) -> None:
    """Waits until the worker has a truck."""
    end = time.monotonic() + seconds
    while not set(holders(fleet).values()) & set(worker.pids()):
        if time.monotonic() > end:
            pytest.fail(f"the worker never had a truck: {fleet.states()}\n{fleet.logs()}")
        time.sleep(0.002)


def all_in_order(fleet: Fleet) -> None:
    """Nothing lost, nothing doubled: in the ledger, and in the authorities' own books."""
    assert fleet.outcome()["parcels"] == {"closed": fleet.parcels}
    kinds = fleet.outcome()["documents"]
    assert {kind: kinds[kind] for kind in ("CEB303Message", "CEB403Message", "CEB505Message", "CEB603Message")} == (
        dict.fromkeys(("CEB303Message", "CEB403Message", "CEB505Message", "CEB603Message"), fleet.parcels)
    )
    assert fleet.findings() == []
    assert fleet.cluster.sandboxes.second_receipts() == {"cn_ecommerce": 0, "hk_road": 0}


@pytest.mark.long
def test_two_workers_share_the_trucks(running: Cluster, fleet: Fleet) -> None:
    workers = [running.start_worker(), running.start_worker()]
    running.until_looking()  # else the first to be there may have taken everything
    fleet.take_in(TRUCKS, PARCELS)
    seen: set[int] = set()
    fleet.until_closed(SECONDS, lambda: seen.update(holders(fleet).values()))
    all_in_order(fleet)
    all_ended(fleet)  # a run shows what the desk has done, after it
    names = {run.get("infrastructure_pid") or "" for run in runs(running.api())}
    assert all({str(pid) for pid in worker.pids()} & names for worker in workers), "one of them had nothing to do"


def test_a_worker_killed_in_the_middle_loses_nothing(running: Cluster, fleet: Fleet) -> None:
    doomed = running.start_worker()
    fleet.take_in(TRUCKS, PARCELS, first_seed=11)
    busy(fleet, doomed)
    doomed.kill()
    fleet.until_closed(SECONDS)
    all_in_order(fleet)
    all_ended(fleet)


def all_ended(fleet: Fleet, seconds: float = 60.0) -> None:
    """Waits until no run of the trucks is left as if it went on."""
    end = time.monotonic() + seconds
    while stuck := [run["name"] for run in unended(fleet)]:
        if time.monotonic() > end:
            pytest.fail(f"left as if they ran: {stuck}")
        time.sleep(0.5)


def unended(fleet: Fleet) -> list[dict[str, Any]]:
    """The trucks' runs that Prefect shows as not ended."""
    ours = {f"shipment:{ident}" for ident in fleet.ids}
    found = runs(fleet.cluster.api(), state={"type": {"any_": ["RUNNING", "PENDING"]}})
    return [run for run in found if ours & set(run["tags"])]
