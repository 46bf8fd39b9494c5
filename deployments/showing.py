"""When what has changed is shown in Prefect: once nothing has changed for a moment, at the latest after a while.

A run costs Prefect's server about as much as the desk's work costs the desk, however little it has to show, and the
board (deployments.board) a quarter of it: what comes after ten receipts shows all ten.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field

from mappings.clock import stopwatch
from mappings.errors import ConfigurationError

QUIET, STEADY = 1.0, 10.0  # real seconds
TRUCK = 3.0  # so many times as long for a truck: its receipts come all the time, and a run costs the same
SOON = 0.5  # so many times as long for what the board shows
FULL = 2.0  # so many times as long as the latest where runs wait for a worker: what is to be done goes first
QUIET_VARIABLE, STEADY_VARIABLE = "TONGGUAN_QUIET_SECONDS", "TONGGUAN_STEADY_SECONDS"


def seconds(variable: str, default: float) -> float:
    """Real seconds of a setting in the environment. Raises ConfigurationError."""
    text = os.environ.get(variable, "") or str(default)
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 <= found < math.inf:
        raise ConfigurationError(f"{variable} is {text!r}: write seconds, 0 or more 请写不小于 0 的秒数")
    return found


@dataclass
class Unshown:
    """How a shipment looks, since when, and since when no run has shown it."""

    mark: str
    changed_at: float
    since: float


@dataclass
class Showing:
    """Of each shipment what no run has shown. `quiet` and `steady` are real seconds."""

    quiet: float = field(default_factory=lambda: seconds(QUIET_VARIABLE, QUIET))
    steady: float = field(default_factory=lambda: seconds(STEADY_VARIABLE, STEADY))
    unshown: dict[int, Unshown] = field(default_factory=dict)

    def wait(
        self, shipment_id: int, mark: str, times: float = 1.0, full: bool = False, flow: float = 0.0
    ) -> float:  # fmt: skip
        """Real seconds until a run is to show a shipment that looks so; 0 for now.

        `times` as long as others wait; `full`: runs wait for a worker, of which one that only shows would be another.
        One that goes on changing for longer than it would have to be quiet is left alone for `flow` seconds, if that
        is not later than the latest.
        """
        now = stopwatch()
        one = self.unshown.setdefault(shipment_id, Unshown(mark, now, now))
        goes_on = one.mark != mark and now - one.since >= times * self.quiet
        if one.mark != mark:
            one.mark, one.changed_at = mark, now
        latest = times * self.steady
        if full:
            return max(one.since + FULL * latest - now, 0.0)
        quiet_at = max(one.changed_at + times * self.quiet, now + flow if goes_on else 0.0)
        return max(min(quiet_at, one.since + latest) - now, 0.0)

    def shown(self, shipment_id: int) -> None:
        """A run was asked for: whatever it looks like when that begins, it shows."""
        self.unshown.pop(shipment_id, None)
