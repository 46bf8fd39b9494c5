"""Killed while a cancel is asked for, prepared, sent or granted, a truck ends as if nothing had happened."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import trucks
from tests.chaos.conftest import Make
from tests.chaos.points import CANCELS
from tests.chaos.sandboxes import Sandboxes
from tests.chaos.trucks import Yard
from tests.long import LONG, tours

pytestmark = pytest.mark.chaos
PARCELS = 5


def at_customs(here: Yard) -> dict[str, Any]:
    """The outcome but for how often Hong Kong was told of another load: changes that come together are told once."""
    found = here.outcome()
    found["document"] = [row for row in found["document"] if row[0] == "cn_ecommerce"]
    found["message"] = [row for row in found["message"] if row[0] == "cn_ecommerce"]
    return {name: rows for name, rows in found.items() if name not in ("counts", "conversion", "event")}


@pytest.fixture(scope="module")
def calm(authorities: Sandboxes, template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The outcome of the truck when nothing goes wrong."""
    authorities.reset()
    truck = trucks.made(authorities, PARCELS)
    here = Yard(tmp_path_factory.mktemp("calm") / "yard", authorities, template, truck)
    assert here.run(cancels=tuple(truck.orders()[:2])) == 0
    return at_customs(here)


def test_the_undisturbed_truck_leaves_without_the_one_and_with_the_other(calm: dict[str, Any]) -> None:
    assert [row[5] for row in calm["parcel"]] == ["cancelled", "closed", "closed", "closed", "closed"]
    assert {row[5] for row in calm["application"]} == {"granted"}
    assert [row[5] for row in calm["document"] if row[1] == "CEB603Message"].count("cancelled") == 2


@LONG
@pytest.mark.parametrize("point", CANCELS)
def test_a_killed_worker_leaves_no_trace(point: str, yard: Make, authorities: Sandboxes, calm: dict[str, Any]) -> None:
    here = yard(parcels=PARCELS)
    cancels = tuple(trucks.made(authorities, PARCELS).orders()[:2])
    assert here.run(point=point, cancels=cancels) == -signal.SIGKILL, "the kill point was never reached"
    assert here.run(cancels=cancels) == 0
    assert at_customs(here) == calm
    assert authorities.second_receipts() == {"cn_ecommerce": 0, "hk_road": 0}
    assert here.audit() == []


@pytest.mark.parametrize("points", tours(CANCELS, 2), ids=["first", "second"])
def test_killed_again_and_again(points: list[str], yard: Make, authorities: Sandboxes, calm: dict[str, Any]) -> None:
    """Two trucks meet all the points, each its own, one after the other."""
    here = yard(parcels=PARCELS)
    cancels = tuple(trucks.made(authorities, PARCELS).orders()[:2])
    assert [here.run(point=point, cancels=cancels) for point in points] == [-signal.SIGKILL] * len(points)
    assert here.run(cancels=cancels) == 0
    assert at_customs(here) == calm
    assert authorities.second_receipts() == {"cn_ecommerce": 0, "hk_road": 0}
    assert here.audit() == []
