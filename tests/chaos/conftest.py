"""The sandboxes run once for all chaos tests; every test gets empty books, and a home copied from a template."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mappings import clock
from tests.chaos import trucks
from tests.chaos.sandboxes import Sandboxes
from tests.chaos.trucks import Yard

Make = Callable[..., Yard]


@pytest.fixture(scope="session")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandboxes]:
    """Both sandboxes, running."""
    running = Sandboxes(tmp_path_factory.mktemp("authorities"))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def template(authorities: Sandboxes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with ledger and keys."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(clock.VARIABLE, authorities.clock.variable())
        return trucks.template(tmp_path_factory.mktemp("template") / "home", authorities)


@pytest.fixture
def yard(
    authorities: Sandboxes, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Yard]:
    """Makes a yard: a home and a truck of its own, before authorities with empty books."""
    authorities.reset()
    monkeypatch.setenv(clock.VARIABLE, authorities.clock.variable())
    made: list[Yard] = []

    def make(**changes: Any) -> Yard:
        truck = trucks.made(authorities, **changes)
        made.append(Yard(tmp_path / f"yard{len(made)}", authorities, template, truck))
        return made[-1]

    return make


@pytest.fixture(scope="session")
def undisturbed(authorities: Sandboxes, template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The outcome of the truck when nothing goes wrong."""
    authorities.reset()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(clock.VARIABLE, authorities.clock.variable())
        calm = Yard(tmp_path_factory.mktemp("calm") / "yard", authorities, template, trucks.made(authorities))
        if calm.run() != 0:
            pytest.fail("the undisturbed truck did not close")
        return calm.outcome()
