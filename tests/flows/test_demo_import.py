"""The demo of an import as a person runs it: everything that `up` starts, real processes, from files to tax bills."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from adapters import home as homes
from deployments import demo, demo_import_run, services, settings, up
from deployments.demo_import_flaws import demo_import
from mappings import clock

PARCELS = 40
ENDS = {
    "amount": {"held"}, "other payer": {"held"}, "no payment": {"held"}, "check digit": {"held"},
    "over the single limit": {"held"}, "cancelled": {"excluded"}, "rejected by customs": {"rejected"},
    "detained by customs": {"detained"}, "gift": {"released", "closed"}, "delivered": {"released", "closed"},
    "inspected by customs": {"released", "closed"},
}  # fmt: skip


@pytest.mark.long  # the same parts as test_demo, and tests/flows/test_whole_import
@pytest.mark.slow
def test_an_import_goes_from_files_to_its_tax_bills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (homes.VARIABLE, clock.VARIABLE):
        monkeypatch.setenv(name, "")  # put back after the test, whatever fresh_at() sets
    made = demo_import(PARCELS, "1210", seed=4)
    home = demo.fresh_at(tmp_path / "demo", demo_import_run.start())
    with up.started(home, 0, 0) as (_, _children):
        assert demo_import_run.clear(homes.read(), made) == 0
        office = services.office(homes.read())
        ended = {row.order_no: row.state for row in services.parcels(office, 1)}
        status = services.status(office, 1)
        asked = {"orderNo": next(order for order, state in ended.items() if state == "closed")}
        customs = homes.read().authorities["ann179"]
        requests.post(f"{customs}/admin/requests", json=asked, timeout=30).raise_for_status()
        (request,) = requests.get(f"{customs}/admin/requests", timeout=30).json()["requests"]
        logs = (home.path / "logs/prefect.log").read_text("utf-8")
    assert {(kind, ended[o]) for o, kind in made.flaws.items() if kind in ENDS and ended[o] not in ENDS[kind]} == set()
    assert {state for o, state in ended.items() if o not in made.flaws} <= {"released", "closed"}
    assert status.bills == {"summed": sum(state in ("released", "closed") for state in ended.values())}
    assert status.documents["CEB513Message"] == {"stored": 5}
    assert "Traceback" not in logs
    assert request["status"] == 200, "the customs that asks for payment data is answered at our gateway"
    assert settings.running(home.path) is None
