"""An installation in a temporary folder with a made-up truck, for tests of the command and the gateway."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters import home as homes
from deployments import services, settings
from deployments.demo_flaws import demo_truck
from deployments.demo_truck import write
from mappings import clock
from tests.unit.prefect_double import PrefectServer, prefect_server


@pytest.fixture(scope="session")
def truck(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a made-up truck of 60 parcels, every flaw among them."""
    return write(demo_truck(60), tmp_path_factory.mktemp("truck"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder that this process uses."""
    folder = tmp_path / "home"
    monkeypatch.setenv(homes.VARIABLE, str(folder))
    monkeypatch.delenv("TONGGUAN_LEDGER", raising=False)
    monkeypatch.setenv(
        clock.VARIABLE, f"2026-11-23T21:30:00+08:00@1@{time.time():.0f}"
    )  # half past nine, and it goes on
    return folder


@pytest.fixture
def captured(home: Path, truck: Path) -> int:
    """The truck, taken in and worked up."""
    office = services.office(homes.read())
    shipment = services.receive_files(office, services.files_in(truck), "test")
    services.work_up(office, shipment)
    return shipment


@pytest.fixture
def prefect(home: Path) -> Iterator[PrefectServer]:
    """A Prefect that answers, and an installation that says it runs."""
    with prefect_server() as server:
        settings.Running(os.getpid(), "sandbox", server.base, "http://127.0.0.1:1").write(home)
        yield server
