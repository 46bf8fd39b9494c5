"""What Hong Kong needs next: every position of the table, and the clock."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from mappings.errors import ConfigurationError
from mappings.hk_road.tables import table
from mappings.states import document_states
from tasks.hongkong import STEPS, Filed, deadlines, decide, earliest_crossing, feasible_crossing, next_step, standing
from tests.factory import START

CROSSING = START + timedelta(days=1)
OPEN, LATE, EARLY = (CROSSING - timedelta(hours=3), CROSSING - timedelta(minutes=29), CROSSING - timedelta(days=15))
VALUES = table("steps")["values"]
EVERY = list(product(*(VALUES[name] for name in table("steps")["columns"][:-1])))
AWAY = {"at_control_point", "inspection", "released", "detained"}
LODGED = [Filed("9", "ccrn_issued", "d1")]
BUNDLED = [Filed("9", "bundled")]


def test_every_position_has_a_step_and_keeps_the_rules() -> None:
    for aci, bundle, content, vehicle, time in EVERY:
        step = decide(aci, bundle, content, vehicle, time)
        where = (aci, bundle, content, vehicle, time, step)
        assert step in STEPS, where
        if step in ("amend", "cancel"):
            assert bundle not in {"bundled", "pending", "kept"} | AWAY, where
            assert aci == "live" or (aci == "refused" and step == "amend"), where
        if step in ("bundle", "rebundle"):
            assert (aci, content) == ("live", "same"), where
            assert time != "late", where
        if step == "unbundle":
            assert bundle == "bundled", where
            assert content != "same" or vehicle == "changed" or aci == "refused", where
        if step == "lodge":
            assert aci in ("none", "rejected", "cancelled") or bundle == "repatriated", where
            assert time == "open", where
        if "pending" in (aci, bundle):
            assert step == ("done" if bundle == "crossed" else "wait"), where
        if bundle in AWAY:
            assert step == "wait", where
        if step == "done":
            assert bundle == "crossed" or (content == "empty" and aci in ("none", "rejected", "cancelled")), where


def test_every_row_of_the_table_decides_something() -> None:
    rows = table("steps")["rows"]
    used = set()
    for position in EVERY:
        for number, (*cells, _) in enumerate(rows):
            if all(cell == "-" or value in cell.split("|") for cell, value in zip(cells, position, strict=True)):
                used.add(number)
                break
    assert used == set(range(len(rows)))


def test_a_position_outside_the_table_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="no row"):
        decide("live", "lost", "same", "same", "open")


def test_the_life_of_a_consignment_with_a_parcel_held_back() -> None:
    def step(aci: list[Filed], bundle: list[Filed], current: str = "d1") -> str:
        return next_step(aci, bundle, current, CROSSING, OPEN)

    assert step([], []) == "lodge"
    assert step([Filed("9", "unknown", "d1")], []) == "wait"
    assert step(LODGED, []) == "bundle"
    assert step(LODGED, BUNDLED) == "wait"
    assert step(LODGED, BUNDLED, "d2") == "unbundle"
    freed = [*BUNDLED, Filed("1", "unbundled")]
    assert step(LODGED, [*BUNDLED, Filed("1", "sent")], "d2") == "wait"
    assert step(LODGED, freed, "d2") == "amend"
    amended = [*LODGED, Filed("5", "amended", "d2")]
    assert step([*LODGED, Filed("5", "sent", "d2")], freed, "d2") == "wait"
    assert step(amended, freed, "d2") == "rebundle"
    assert step(amended, [*freed, Filed("9", "bundled")], "d2") == "wait"
    assert step(amended, [*freed, Filed("9", "crossed")], "d2") == "done"


def test_the_clock_is_checked_again_before_each_change() -> None:
    assert next_step(LODGED, BUNDLED, "d2", CROSSING, LATE) == "alarm_late"
    assert next_step(LODGED, BUNDLED, "d1", CROSSING, LATE) == "wait"
    assert next_step(LODGED, [], "d1", CROSSING, LATE) == "alarm_late"
    assert next_step([], [], "d1", CROSSING, LATE) == "alarm_late"
    assert next_step([], [], "d1", CROSSING, EARLY) == "wait"


def test_an_empty_truck_takes_its_consignment_back() -> None:
    assert next_step(LODGED, BUNDLED, "", CROSSING, OPEN) == "unbundle"
    freed = [*BUNDLED, Filed("1", "unbundled")]
    assert next_step(LODGED, freed, "", CROSSING, OPEN) == "cancel"
    assert next_step([*LODGED, Filed("1", "cancelled")], freed, "", CROSSING, OPEN) == "done"


def test_another_vehicle_means_unbundling_and_bundling_again() -> None:
    assert next_step(LODGED, BUNDLED, "d1", CROSSING, OPEN, same_vehicle=False) == "unbundle"
    assert next_step(LODGED, [Filed("9", "rejected")], "d1", CROSSING, OPEN, same_vehicle=False) == "bundle"
    assert next_step(LODGED, [Filed("9", "rejected")], "d1", CROSSING, OPEN) == "wait"


def test_a_refused_amendment_leaves_the_consignment_standing() -> None:
    refused = [*LODGED, Filed("5", "rejected", "d2")]
    assert standing("HKRoadACI", refused) == "refused"
    assert next_step(refused, [], "d2", CROSSING, OPEN) == "wait"
    assert next_step(refused, [], "d3", CROSSING, OPEN) == "amend"


def test_a_refused_cancellation_keeps_what_was_lodged() -> None:
    refused = [*LODGED, Filed("1", "rejected")]
    assert next_step(refused, [], "d1", CROSSING, OPEN) == "wait"
    assert next_step(refused, [], "", CROSSING, OPEN) == "wait"
    assert next_step([*LODGED, Filed("1", "cancelled")], [], "d1", CROSSING, OPEN) == "lodge"


def test_a_refused_lodging_is_lodged_again_when_something_has_changed() -> None:
    refused = [Filed("9", "rejected", "d1")]
    assert next_step(refused, [], "d1", CROSSING, OPEN) == "wait"
    assert next_step(refused, [], "d2", CROSSING, OPEN) == "lodge"


def test_a_refused_unbundling_leaves_the_bundle_as_it_went_on() -> None:
    assert standing("HKRoadBundle", [*BUNDLED, Filed("1", "rejected")]) == "kept"
    assert standing("HKRoadBundle", [Filed("9", "released"), Filed("1", "rejected")]) == "released"
    assert next_step(LODGED, [Filed("9", "crossed"), Filed("1", "rejected")], "d2", CROSSING, OPEN) == "done"
    assert next_step(LODGED, [*BUNDLED, Filed("1", "rejected")], "d2", CROSSING, OPEN) == "wait"


def test_a_truck_turned_back_needs_a_new_consignment() -> None:
    assert next_step(LODGED, [Filed("9", "repatriated")], "d1", CROSSING, OPEN) == "lodge"
    assert next_step(LODGED, [Filed("9", "repatriated")], "", CROSSING, OPEN) == "wait"


def test_every_state_of_a_document_has_a_standing_in_the_table() -> None:
    for kind, column in (("HKRoadACI", "aci"), ("HKRoadBundle", "bundle")):
        for state in document_states("hk_road")[kind]:
            for function in table("steps")["standing"][kind]:
                assert standing(kind, [Filed(function, state)]) in VALUES[column], (kind, state, function)
    assert standing("HKRoadACI", []) == "none"


def test_the_limits_of_a_crossing_to_the_second() -> None:
    limits = deadlines(CROSSING)
    half = timedelta(minutes=30)
    assert limits.aci_from == CROSSING - timedelta(days=14)
    assert limits.aci_until == limits.bundle_until == CROSSING - half
    assert limits.alarm_at < limits.bundle_until
    assert limits.phase(limits.aci_from - timedelta(seconds=1)) == "early"
    assert limits.phase(limits.aci_from) == limits.phase(limits.bundle_until) == "open"
    assert limits.phase(limits.bundle_until + timedelta(seconds=1)) == "late"


def test_amending_or_bundling_moves_the_earliest_crossing() -> None:
    later = START + timedelta(minutes=10)
    half = timedelta(minutes=30)
    assert earliest_crossing(START, later) == later + half
    assert earliest_crossing(later, START) == later + half
    assert feasible_crossing(START, 3) - feasible_crossing(START, 1) == timedelta(minutes=4)
    assert feasible_crossing(START) > START + half
