"""Events told by command, by file and by HTTP: of an import, whose parcels are delivered one by one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from adapters import home as homes
from adapters.ledger import events, parcels, shipments
from adapters.ledger.parcels import ParcelRow
from deployments import services, settings
from deployments.cli import main
from deployments.gateway import create_app
from mappings.errors import DataFault
from tests.unit.imports import AGENT, truck
from tests.unit.world import home

__all__ = ["home"]


@pytest.fixture
def imported(home: Path) -> int:
    """An import out of a zone, with three parcels."""
    office = services.office(homes.read())
    made, _ = shipments.open_shipment(office.ledger, AGENT["code"], "IMP12100001", truck("1210"), "", "1210")
    rows = [ParcelRow(n, "P", f"O{n}", "C", f"W{n}", "ready", "", f"d{n}") for n in (1, 2, 3)]
    parcels.sync_parcels(office.ledger, made, rows)
    return made


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main([str(a) for a in arguments])
    out, err = capsys.readouterr()
    return int(end.value.code or 0), out, err


def told(ident: int) -> list[str]:
    return sorted(events.delivered(services.office(homes.read()).ledger, ident))


def test_deliveries_by_command_and_file(imported: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "event", imported, "delivered", "--waybill", "W1", "--json")
    assert (code, json.loads(out)["recorded"]) == (0, True)
    _, out, _ = run(capsys, "event", imported, "delivered", "--waybill", "W1", "--json")
    assert json.loads(out)["recorded"] is False
    file = tmp_path / "delivered.csv"
    file.write_bytes('\ufeff运单号,时间\nW2,2026-11-27\n\n"W3"\t2026-11-27\n'.encode())
    _, out, _ = run(capsys, "event", imported, "delivered", "--file", file, "--at", "2026-11-27T10:00", "--json")
    assert json.loads(out)["recorded"] is True
    assert told(imported) == ["W1", "W2", "W3"]
    code, _, err = run(capsys, "event", imported, "delivered", "--waybill", "NOBODYS1")
    assert code == 4
    assert "NOBODYS1" in err


def test_what_cannot_happen_in_a_procedure_is_refused(imported: int) -> None:
    office = services.office(homes.read())
    with pytest.raises(DataFault, match="departed"):
        services.event(office, imported, "departed", None, "tester")
    assert services.status(office, imported).bills == {}


def test_deliveries_by_http(imported: int) -> None:
    def tell(body: dict[str, Any]) -> Any:
        return client.post(f"/shipments/{imported}/events", json=body, headers=headers)

    client = TestClient(create_app())
    headers = {"Authorization": f"Bearer {settings.tokens(homes.read().path)['api']}"}
    assert tell({"kind": "delivered", "waybills": ["W2", "W3"]}).json()["changed"] is True
    assert tell({"kind": "delivered", "waybills": ["W2"]}).json()["changed"] is False
    refused = tell({"kind": "delivered", "waybills": ["W9"]})
    assert refused.status_code == 422
    assert "W9" in refused.text
    assert told(imported) == ["W2", "W3"]
