"""Killed at any moment and started again, a truck ends as if nothing had happened (issue 2, "What it must show")."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from tests.chaos.conftest import Make
from tests.chaos.points import COMMITS, POINTS, POINTS_OF_ALL, TOURS, place
from tests.chaos.sandboxes import Sandboxes
from tests.long import LONG

pytestmark = pytest.mark.chaos


def test_the_undisturbed_truck_closes_everything(undisturbed: dict[str, Any]) -> None:
    assert {p[5] for p in undisturbed["parcel"]} == {"closed"}
    assert undisturbed["counts"]["message"] == 9
    assert {m[4] for m in undisturbed["message"]} == {"sent"}


@LONG
@pytest.mark.parametrize("point", [*POINTS, *COMMITS])
def test_a_killed_worker_leaves_no_trace(
    point: str, yard: Make, authorities: Sandboxes, undisturbed: dict[str, Any]
) -> None:
    here = yard()
    assert here.run(point=point) == -signal.SIGKILL, "the kill point was never reached"
    assert here.run() == 0
    assert here.outcome() == undisturbed
    assert authorities.second_receipts() == {"cn_ecommerce": 0, "hk_road": 0}
    assert here.audit() == []


def test_every_point_is_met_on_some_tour() -> None:
    met = [point for tour in TOURS.values() for point in tour]
    assert sorted(met) == sorted([*POINTS, *COMMITS])


@pytest.mark.parametrize("name", POINTS_OF_ALL)
def test_every_point_is_a_function_of_the_product(name: str) -> None:
    """A function that moved to another file is told at once, and by its name, not by a worker that did not die."""
    holder, attribute = place(POINTS_OF_ALL[name])
    assert callable(getattr(holder, attribute))


@pytest.mark.parametrize("tour", TOURS)
def test_killed_again_and_again(tour: str, yard: Make, authorities: Sandboxes, undisturbed: dict[str, Any]) -> None:
    """A few trucks meet all the points, each its own, one after the other."""
    points = TOURS[tour]
    here = yard()
    assert [here.run(point=point) for point in points] == [-signal.SIGKILL] * len(points)
    assert here.run() == 0
    assert here.outcome() == undisturbed
    assert authorities.second_receipts() == {"cn_ecommerce": 0, "hk_road": 0}
    assert here.audit() == []
