"""The bounds of a unit of work: dated, the user's own before the shipped ones."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from mappings import bounds
from mappings.errors import ConfigurationError

DAY = date(2026, 11, 27)


def test_the_shipped_bounds_are_whole() -> None:
    assert bounds.parcels_per_truck(DAY) >= 3200
    assert {"rows_at_once", "piece_bytes", "whole_bytes", "faults_kept"} <= set(bounds.pool(DAY))


def test_the_newest_that_has_begun_holds_and_the_users_own_goes_first(tmp_path: Path) -> None:
    (tmp_path / "bounds.yaml").write_text(
        "parcels_per_truck:\n  - {since: 2027-01-01, most: 9}\n  - {since: 2026-01-01, most: 5}\n"
        "  - {since: 2025-01-01, most: 4}\n"
    )
    days = {date(2028, 1, 1): 9, DAY: 5, date(2025, 6, 1): 4, date(1990, 1, 1): 4}
    assert {day: bounds.parcels_per_truck(day, tmp_path) for day in days} == days
    assert bounds.pool(DAY, tmp_path) == bounds.pool(DAY), "what it leaves out is the shipped one's"


def test_a_setting_that_nobody_has_is_said() -> None:
    with pytest.raises(ConfigurationError, match="there is no x"):
        bounds._in_force("x", DAY, None)
