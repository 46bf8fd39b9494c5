"""Fixtures of the tests of clearing; other tests here bring their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters import home as homes
from mappings import clock
from tasks import office as offices
from tests.unit import desk as desks
from tests.unit.desk import Desk


@pytest.fixture(scope="session")
def desk_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with ledger and keys, made once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(clock.VARIABLE, desks.CLOCK)
        patch.delenv("TONGGUAN_LEDGER", raising=False)
        return desks.template(tmp_path_factory.mktemp("desk") / "home")


@pytest.fixture
def desk_kind() -> type[Desk]:
    """What sits at the desk; a test file may say another."""
    return Desk


@pytest.fixture
def desk(desk_kind: type[Desk], desk_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """An office of this process, on a clock that stands still before the truck's plan."""
    monkeypatch.setenv(clock.VARIABLE, desks.CLOCK)
    monkeypatch.delenv("TONGGUAN_LEDGER", raising=False)
    monkeypatch.setenv(homes.VARIABLE, str(tmp_path / "home"))
    offices.office.cache_clear()
    made = desk_kind(desk_template, tmp_path / "home")
    yield made
    made.ledger.close()
    offices.office.cache_clear()
