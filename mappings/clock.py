"""The one clock. Product and sandboxes share it; no other module asks the system for the time.

The environment variable TONGGUAN_CLOCK sets it for every process alike: "START@SPEED@ANCHOR", where START is an
ISO 8601 instant with zone, SPEED how many seconds pass on this clock in one real second, and ANCHOR the real Unix
time (seconds) at which the clock showed START. Without it the clock shows real time at speed 1.
"""

from __future__ import annotations

import math
import os
import time as _time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from mappings.errors import ConfigurationError

VARIABLE = "TONGGUAN_CLOCK"
CHINA = ZoneInfo("Asia/Shanghai")
_FORM = f"{VARIABLE} must read START@SPEED@ANCHOR, e.g. 2026-11-23T08:00:00+08:00@120@1790000000"


@dataclass(frozen=True)
class Clock:
    """A clock that shows `start` at real time `anchor` and runs `speed` times as fast as real time."""

    start: datetime
    speed: float
    anchor: float

    def now(self) -> datetime:
        """The time on this clock, aware, in UTC."""
        elapsed = (_time.time() - self.anchor) * self.speed
        return self.start + timedelta(seconds=elapsed)

    def sleep(self, seconds: float) -> None:
        """Sleep for `seconds` of this clock."""
        _time.sleep(max(0.0, seconds / self.speed))

    def real_seconds(self, seconds: float) -> float:
        """How many real seconds `seconds` of this clock take."""
        return seconds / self.speed

    def variable(self) -> str:
        """The value of TONGGUAN_CLOCK that gives another process this same clock."""
        return f"{self.start.isoformat()}@{self.speed:g}@{self.anchor!r}"


def starting(start: datetime, speed: float = 1.0) -> Clock:
    """A clock that shows `start` now."""
    if start.tzinfo is None:
        raise ConfigurationError(f"The clock's start {start} has no time zone. {_FORM}")
    return Clock(start.astimezone(UTC), speed, _time.time())


def parse(text: str) -> Clock:
    """The clock that a TONGGUAN_CLOCK value describes. Raises ConfigurationError."""
    try:
        start, speed, anchor = text.split("@")
        clock = Clock(datetime.fromisoformat(start).astimezone(UTC), float(speed), float(anchor))
        aware = datetime.fromisoformat(start).tzinfo is not None
    except (ValueError, OverflowError) as error:
        raise ConfigurationError(f"{_FORM}; it reads {text!r}") from error
    if not aware or not 0 < clock.speed < math.inf or not math.isfinite(clock.anchor):
        raise ConfigurationError(f"{_FORM}; it reads {text!r}")
    return clock


@lru_cache(maxsize=4)
def _of(text: str) -> Clock:
    return parse(text) if text else Clock(datetime(1970, 1, 1, tzinfo=UTC), 1.0, 0.0)


def clock() -> Clock:
    """The clock of this process, from TONGGUAN_CLOCK."""
    return _of(os.environ.get(VARIABLE, ""))


def now() -> datetime:
    """The time on this process's clock, aware, in UTC."""
    return clock().now()


def stopwatch() -> float:
    """Seconds of real time from an arbitrary origin, for measuring how long work takes."""
    return _time.perf_counter()
