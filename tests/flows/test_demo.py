"""The demo as a person runs it: everything that `up` starts, real processes, a truck from files to closed."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest
import requests

from adapters import home as homes
from deployments import demo, services, settings, up
from deployments.demo_flaws import demo_truck
from deployments.serve import entries
from mappings import clock

PARCELS = 60
RETRIED = re.compile(
    r"\(\d+ to retry, 0 dropped\)$"
)  # Prefect's SQLite had another writer: it writes again, nothing is lost
ENDS = {
    "amount": "held", "weight": "held", "no_payment": "held", "no_waybill": "held", "no_country": "held",
    "unregistered": "held", "two payments": "held", "cancelled": "excluded", "twice": "closed", "postage": "closed",
    "rejected by customs": "rejected", "inspected by customs": "closed", "customs slow": "closed",
}  # fmt: skip


def until_shown(api: str) -> bool:
    """Whether a run in Prefect has ended as of a truck that has crossed; it may come a moment after the crossing."""
    for _ in range(120):
        runs = requests.post(f"{api}/flow_runs/filter", json={}, timeout=60).json()
        if {run["state_name"] for run in runs} & {"Closed", "Awaiting closure"}:
            return True
        time.sleep(0.5)
    return False


@pytest.mark.slow
def test_a_truck_goes_from_files_to_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (homes.VARIABLE, clock.VARIABLE):
        monkeypatch.setenv(name, "")  # put back after the test, whatever fresh() sets
    made = demo_truck(PARCELS, seed=3)
    home = demo.fresh(tmp_path / "demo", made)
    with up.started(home, 0, 0) as (now, children):
        assert settings.running(home.path) == now
        assert requests.get(now.prefect, timeout=60).status_code == 200
        assert requests.get(f"{now.gateway}/health", timeout=60).json()["status"] == "up"
        served = {d["name"] for d in requests.post(f"{now.api}/deployments/filter", json={}, timeout=60).json()}
        assert served == {entry["name"] for entry in entries()}
        assert demo.clear(homes.read(), made) == 0
        pids = [child.process.pid for child in children.started if child.process]
        office = services.office(homes.read())
        ended = {row.order_no: row.state for row in services.parcels(office, 1)}
        shown = until_shown(now.api)
        logs = (home.path / "logs/prefect.log").read_text("utf-8")
    assert {(kind, ended[order]) for order, kind in made.flaws.items() if kind in ENDS} == set(ENDS.items())
    assert all(state == "closed" for order, state in ended.items() if order not in made.flaws)
    assert shown, "a run in Prefect says how far the truck has come"
    complaints = [line for line in logs.splitlines() if "| ERROR" in line]
    assert [line for line in complaints if not RETRIED.search(line)] == []
    assert settings.running(home.path) is None
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists() and pid != os.getpid()]
