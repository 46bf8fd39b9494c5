"""Killed at any moment and started again, a truck ends as if nothing had happened (issue 2, "What it must show")."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from tests.chaos.conftest import Make
from tests.chaos.points import POINTS
from tests.chaos.sandboxes import Sandboxes

pytestmark = pytest.mark.chaos
COMMITS = ("commit:4", "committed:9", "commit:23", "committed:31")  # the soak draws from all of them


def test_the_undisturbed_truck_closes_everything(undisturbed: dict[str, Any]) -> None:
    assert {p[5] for p in undisturbed["parcel"]} == {"closed"}
    assert undisturbed["counts"]["message"] == 9
    assert {m[4] for m in undisturbed["message"]} == {"sent"}


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


def test_killed_at_every_stage_of_one_truck(yard: Make, authorities: Sandboxes, undisturbed: dict[str, Any]) -> None:
    here = yard()
    points = ("files kept", "worked up", "prepared, nothing sent", "303 posted, before it is settled",
              "receipts read, not settled", "607 claimed, before the post", "509 posted")  # fmt: skip
    assert [here.run(point=point) for point in points] == [-signal.SIGKILL] * len(points)
    assert here.run() == 0
    assert here.outcome() == undisturbed
    assert authorities.second_receipts() == {"cn_ecommerce": 0, "hk_road": 0}
