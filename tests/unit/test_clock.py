"""The one clock: starts where it is told, runs as fast as it is told, and passes itself on to another process."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from mappings import clock
from mappings.errors import ConfigurationError

START = datetime(2026, 11, 23, 8, 0, tzinfo=timezone(timedelta(hours=8)))


def test_shows_its_start_in_utc_and_runs_at_its_speed() -> None:
    anchor = time.time() - 10
    shown = clock.Clock(START.astimezone(UTC), 60.0, anchor).now()
    assert shown.utcoffset() == timedelta(0)
    late = (shown - START).total_seconds()
    assert 600 <= late < 600 + 60 * 30  # ten real seconds, and what this test takes


def test_starting_shows_the_start_now() -> None:
    made = clock.starting(START, 0.001)
    assert made.start == START
    assert made.start.tzinfo is UTC
    assert START <= made.now() < START + timedelta(seconds=1)


def test_starting_wants_a_zone() -> None:
    with pytest.raises(ConfigurationError, match="no time zone"):
        clock.starting(datetime(2026, 11, 23))  # noqa: DTZ001


def test_real_seconds_and_sleep_follow_the_speed() -> None:
    fast = clock.starting(START, 100_000)
    assert fast.real_seconds(3600) == pytest.approx(0.036)
    before = clock.stopwatch()
    fast.sleep(3600)
    assert clock.stopwatch() - before >= 0.036
    fast.sleep(-5)  # a moment that is past: no wait, no error


def test_variable_describes_the_same_clock() -> None:
    made = clock.starting(START, 120)
    again = clock.parse(made.variable())
    assert again == made
    assert again.start == START


@pytest.mark.parametrize(
    "text",
    [
        "nonsense", "2026-11-23T08:00:00+08:00@120", "2026-11-23T08:00:00@120@1790000000",
        "2026-11-23T08:00:00+08:00@0@1790000000", "2026-11-23T08:00:00+08:00@-1@1790000000",
        "2026-11-23T08:00:00+08:00@nan@1790000000", "2026-11-23T08:00:00+08:00@inf@1790000000",
        "2026-11-23T08:00:00+08:00@1@nan", "0001-01-01T00:00:00+14:00@1@1790000000",
        "2026-11-23T08:00:00+08:00@1@2@3", "2026-11-23T08:00:00+08:00@fast@1790000000",
    ],
)  # fmt: skip
def test_a_variable_that_is_no_clock_is_refused_with_its_form(text: str) -> None:
    with pytest.raises(ConfigurationError, match="START@SPEED@ANCHOR"):
        clock.parse(text)


def test_process_s_clock_comes_from_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    made = clock.starting(START + timedelta(days=400), 1000)
    monkeypatch.setenv(clock.VARIABLE, made.variable())
    assert clock.clock() == made
    assert clock.now() >= made.start
    monkeypatch.delenv(clock.VARIABLE)
    assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 60


def test_another_process_shows_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    made = clock.starting(START + timedelta(days=400))
    monkeypatch.setenv(clock.VARIABLE, made.variable())
    code = "from mappings import clock; print(clock.now().isoformat())"
    root = Path(__file__).resolve().parents[2]
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    shown = datetime.fromisoformat(out.stdout.strip())
    assert made.start <= shown <= made.now()


def test_china_is_eight_hours_ahead() -> None:
    assert START.astimezone(clock.CHINA).hour == 8
