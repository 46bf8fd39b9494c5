"""Killed at any moment and started again, an import ends as if nothing had happened: parcels, books and tax bills."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mappings import clock
from tests.chaos import imports
from tests.chaos.imports import CN, PARCELS, ImportYard
from tests.chaos.points import IMPORT_POINTS
from tests.chaos.sandboxes import Sandboxes
from tests.long import LONG, tours

pytestmark = pytest.mark.chaos
Make = Callable[[], ImportYard]
NONE_TWICE = {"cn_ecommerce": 0, "hk_road": 0}


@pytest.fixture
def import_yard(
    authorities: Sandboxes, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Make]:
    """Makes an import in a home of its own, before authorities with empty books."""
    authorities.reset()
    monkeypatch.setenv(clock.VARIABLE, authorities.clock.variable())
    yield lambda: ImportYard(tmp_path / "import", authorities, template, imports.made())
    authorities.call(CN, "DELETE", "/admin/settings")


@pytest.fixture(scope="module")
def calm(authorities: Sandboxes, template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The outcome of the import when nothing goes wrong."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(clock.VARIABLE, authorities.clock.variable())
        authorities.reset()
        here = ImportYard(tmp_path_factory.mktemp("calm") / "import", authorities, template, imports.made())
        assert here.run() == 0, "the undisturbed import did not close"
        assert here.audit() == []
        yield here.outcome()


def test_the_undisturbed_import_settles_everything(calm: dict[str, Any]) -> None:
    assert {p[5] for p in calm["parcel"]} == {"closed"}
    assert calm["counts"]["message"] == 6
    assert [b[1] for b in calm["bills"]] == ["summed"] * PARCELS
    kinds = [(b[0], b[2]) for b in calm["books"]]
    for book, kind in (("quota", "reserved"), ("quota", "taken"), ("guarantee", "reserved"), ("guarantee", "taken")):
        assert kinds.count((book, kind)) == PARCELS


@LONG
@pytest.mark.parametrize("point", IMPORT_POINTS)
def test_a_killed_worker_leaves_no_trace(
    point: str, calm: dict[str, Any], import_yard: Make, authorities: Sandboxes
) -> None:
    here = import_yard()
    assert here.run(point=point) == -signal.SIGKILL, "the kill point was never reached"
    assert here.run() == 0
    assert here.outcome() == calm
    assert authorities.second_receipts() == NONE_TWICE
    assert here.audit() == []


@pytest.mark.parametrize("points", tours(IMPORT_POINTS, 2), ids=["first", "second"])
def test_killed_again_and_again(
    points: list[str], calm: dict[str, Any], import_yard: Make, authorities: Sandboxes
) -> None:
    """Two imports meet all the points, each its own, one after the other."""
    here = import_yard()
    assert [here.run(point=point) for point in points] == [-signal.SIGKILL] * len(points)
    assert here.run() == 0
    assert here.outcome() == calm
    assert authorities.second_receipts() == NONE_TWICE
    assert here.audit() == []
