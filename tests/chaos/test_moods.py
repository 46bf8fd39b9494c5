"""Whatever mood the authorities are in: down, silent, forgetful, repeating themselves, out of order."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest

from tests.chaos.conftest import Make
from tests.chaos.sandboxes import Sandboxes
from tests.chaos.trucks import Yard
from tests.long import long_but

pytestmark = pytest.mark.chaos
NONE_TWICE = {"cn_ecommerce": 0, "hk_road": 0}
ONE, OTHER = "2611230010000003", "2611230010000011"
MOODS: dict[str, tuple[dict[str, Any], ...]] = {
    "the answer is lost after accepting": (
        {"match": {"type": "CEB603Message"}, "action": "lose_answer", "times": 1},
        {"match": {"type": "CEB607Message"}, "action": "lose_answer", "times": 1},
    ),
    "502 to whatever is sent, three times": ({"match": {}, "action": "http", "status": 502, "times": 3},),
    "502 to whoever asks for receipts": ({"match": {"type": "receipts"}, "action": "http", "times": 6},),
    "down for a while": ({"match": {}, "action": "down", "times": 8},),
    "receipts repeated and out of order": (
        {"match": {"type": "CEB*"}, "action": "repeat", "times_each": 2, "times": None},
        {"match": {"type": "CEB*"}, "action": "reorder", "times": None},
    ),
}
HONG_KONG: dict[str, tuple[dict[str, Any], ...]] = {
    "the answer is lost after accepting": ({"match": {"type": "HK*"}, "action": "lose_answer", "times": 2},),
    "down for a while": ({"match": {}, "action": "down", "times": 6},),
    "notices repeated": ({"match": {"type": "notice"}, "action": "repeat", "times_each": 2, "times": None},),
}


@pytest.mark.parametrize(
    "mood", long_but(MOODS, "the answer is lost after accepting", "receipts repeated and out of order")
)
def test_china_in_a_mood(mood: str, yard: Make, authorities: Sandboxes, undisturbed: dict[str, Any]) -> None:
    here = yard()
    authorities.behave("cn_ecommerce", *MOODS[mood])
    assert here.run() == 0
    assert here.outcome() == undisturbed
    assert authorities.second_receipts() == NONE_TWICE
    assert here.audit() == []


@pytest.mark.parametrize("mood", long_but(HONG_KONG, "the answer is lost after accepting"))
def test_hong_kong_in_a_mood(mood: str, yard: Make, authorities: Sandboxes, undisturbed: dict[str, Any]) -> None:
    here = yard()
    authorities.behave("hk_road", *HONG_KONG[mood])
    assert here.run() == 0
    assert here.outcome() == undisturbed
    assert authorities.second_receipts() == NONE_TWICE


def test_both_authorities_die_and_come_back(yard: Make, authorities: Sandboxes, undisturbed: dict[str, Any]) -> None:
    here = yard()
    assert here.run(until=("awaiting_arrival",)) == 0
    authorities.stop(how=signal.SIGKILL)
    worker = here.start()
    time.sleep(1)
    authorities.start()
    worker.join(60)
    assert worker.exitcode == 0
    assert here.outcome() == undisturbed
    assert authorities.second_receipts() == NONE_TWICE


def states(here: Yard) -> dict[str, str]:
    """State of each parcel by order."""
    return {row[2]: row[5] for row in here.outcome()["parcel"]}


def test_a_silent_inventory_stays_behind_and_the_truck_goes_on(yard: Make, authorities: Sandboxes) -> None:
    here = yard()
    rule = {"match": {"type": "CEB603Message", "order_no": ONE}, "action": "silent", "seconds": None, "times": 1}
    authorities.behave("cn_ecommerce", rule)
    assert here.run(until=("awaiting_receipts",)) == 0
    here.happens("arrived")
    assert here.run(hears_all=False) == 0
    found = states(here)
    assert found.pop(ONE) == "declared"
    assert set(found.values()) == {"closed"}
    assert "hong_kong_unbundle" not in here.told(), "what stays behind was known before the bundling"
    assert authorities.second_receipts() == NONE_TWICE


def test_inspected_then_released_and_detained_for_good(yard: Make, authorities: Sandboxes) -> None:
    here = yard()
    authorities.behave(
        "cn_ecommerce",
        {"match": {"type": "CEB603Message", "order_no": ONE}, "action": "inspect", "result": "800", "after": 600},
        {"match": {"type": "CEB603Message", "order_no": OTHER}, "action": "detain", "status": 501},
    )
    assert here.run() == 0
    found = states(here)
    assert found.pop(OTHER) == "detained"
    assert set(found.values()) == {"closed"}
    named = {row[1]: row[6] for row in here.outcome()["document"] if row[1] == "HKRoadACI"}
    assert named, "Hong Kong was told"
    assert authorities.second_receipts() == NONE_TWICE


def test_a_message_that_customs_cannot_read_is_declared_again(yard: Make, authorities: Sandboxes) -> None:
    here = yard()
    authorities.behave("cn_ecommerce", {"match": {"type": "CEB603Message"}, "action": "unreadable", "times": 1})
    assert here.run(until=("awaiting_correction",)) == 0
    assert set(states(here).values()) == {"rejected"}
    assert here.correct([], "declare again") == 25
    assert here.run() == 0
    assert set(states(here).values()) == {"closed"}
    attempts = {row[3] for row in here.outcome()["document"] if row[1] == "CEB603Message"}
    assert attempts == {1, 2}
    assert authorities.second_receipts() == NONE_TWICE


def test_hold_and_resume_between_stages(yard: Make, authorities: Sandboxes, undisturbed: dict[str, Any]) -> None:
    here = yard()
    for state in ("awaiting_receipts", "awaiting_arrival", "awaiting_release"):
        assert here.run(until=(state,)) == 0
        here.hold()
        before = len(authorities.received("cn_ecommerce"))
        assert here.run(until=("never",), rounds=8) == 0
        assert len(authorities.received("cn_ecommerce")) == before
        here.resume()
    assert here.run() == 0
    assert here.outcome() == undisturbed


def test_events_are_told_once(yard: Make) -> None:
    here = yard()
    assert here.run(until=("awaiting_arrival",)) == 0
    here.happens("arrived")
    here.happens("arrived")
    assert here.told().count("arrived") == 1
