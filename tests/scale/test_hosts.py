"""A worker on a host of its own, cut off in the middle and back: its truck goes on elsewhere, nothing is doubled."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from adapters.ledger import leases
from tasks.clearing.alone import name_of
from tests.scale.cluster import LEASE_SECONDS, POSTGRES, Cluster
from tests.scale.fleet import Fleet
from tests.scale.hosts import Host, NotAllowed, host
from tests.scale.test_workers import SECONDS, all_in_order, busy, fleet, holders, running

__all__ = ["fleet", "running"]
pytestmark = [pytest.mark.long, pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(420)]


@pytest.fixture
def elsewhere() -> Iterator[Host]:
    """A host; skipped with the reason where none may be made."""
    try:
        with host() as made:
            yield made
    except NotAllowed as why:
        pytest.skip(str(why))


def settled_there(running: Cluster, there: Host) -> dict[str, str]:
    """The home folder and the Prefect of the other host, with addresses as they are seen from there."""
    ports = {name: there.forward(port) for name, port in running.sandboxes.ports.items()}
    addresses = {name: f"http://{there.near}:{port}" for name, port in ports.items()}
    ledger = sa.make_url(running.ledger)
    ledger = ledger.set(host=there.near, port=there.forward(sa.make_url(POSTGRES).port or 5432))
    prefect = there.forward(int(running.prefect.rsplit(":", 1)[1]))
    home = running.host(there.name, addresses, ledger.render_as_string(hide_password=False))
    return {"home": str(home), "PREFECT_API_URL": f"http://{there.near}:{prefect}/api"}


def test_a_host_cut_off_in_the_middle_and_back(running: Cluster, fleet: Fleet, elsewhere: Host) -> None:
    fleet.take_in(3, 20, first_seed=31)
    there = settled_there(running, elsewhere)
    away = running.start_worker(prefix=elsewhere.prefix, **there)
    busy(fleet, away)
    mine = set(away.pids())
    elsewhere.cut()
    cut_at = time.monotonic()
    lost = [ident for ident, pid in holders(fleet).items() if pid in mine]
    running.start_worker()
    fleet.until_closed(SECONDS)
    assert time.monotonic() - cut_at > LEASE_SECONDS or not lost, "its lease ended by time, not by a look at a process"
    elsewhere.mend()
    time.sleep(3)  # what it still had in mind it now tries
    fleet.until_closed(SECONDS)
    all_in_order(fleet)
    end = time.monotonic() + 60  # the last run of a closed truck may still be showing it
    while held := [ident for ident in fleet.ids if leases.holder(fleet.office.ledger, name_of(ident))]:
        assert time.monotonic() < end, f"still held: {held}"
        time.sleep(0.2)
