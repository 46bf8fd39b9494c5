"""What the tests of flows share: both sandboxes as processes, a home with keys, one Prefect server for all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.testing.utilities import prefect_test_harness

from mappings import clock
from tasks import office as offices
from tests.chaos import trucks
from tests.chaos.sandboxes import Sandboxes

SPEED = 600.0


@pytest.fixture(scope="session")
def sandboxes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandboxes]:
    """Both authorities, running on a fast clock."""
    running = Sandboxes(tmp_path_factory.mktemp("sandboxes"), SPEED)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def home_template(sandboxes: Sandboxes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with an empty ledger and keys that the sandboxes trust; copy it, do not use it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(clock.VARIABLE, sandboxes.clock.variable())
        patch.delenv("TONGGUAN_LEDGER", raising=False)
        return trucks.template(tmp_path_factory.mktemp("template") / "home", sandboxes)


@pytest.fixture
def fresh(sandboxes: Sandboxes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandboxes]:
    """The sandboxes with empty books; this process on their clock, without an office."""
    monkeypatch.setenv(clock.VARIABLE, sandboxes.clock.variable())
    monkeypatch.delenv("TONGGUAN_LEDGER", raising=False)
    sandboxes.reset()
    offices.office.cache_clear()
    yield sandboxes
    offices.office.cache_clear()


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """One Prefect server for the session."""
    with prefect_test_harness(server_startup_timeout=60):
        yield
