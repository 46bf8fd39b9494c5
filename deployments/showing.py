"""When what has changed is shown in Prefect: once nothing has changed for a moment, at the latest after a while.

A run costs Prefect's server about as much as the desk's work costs the desk, however little it has to show, and the
board (deployments.board) a quarter of it: what comes after ten receipts shows all ten. That a small shipment, or one of
its parcels, stands otherwise than people were shown last is *news*: it waits for no other receipt (decision 0029).
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
NEWS = 0.1  # so many times as long for news, whatever else comes meanwhile
FULL = 2.0  # so many times as long as the latest where there is a line for what is more urgent
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
    """Of each shipment what no run has shown. `quiet` and `steady` are real seconds.

    `stood`: how each small one stood when it was shown last, as far as is known; `handed`: how it stood when the board
    got it, which has not said yet whether it has shown it (twice: nobody knows of which one it will say so); `news`:
    since when one stands otherwise.
    """

    quiet: float = field(default_factory=lambda: seconds(QUIET_VARIABLE, QUIET))
    steady: float = field(default_factory=lambda: seconds(STEADY_VARIABLE, STEADY))
    unshown: dict[int, Unshown] = field(default_factory=dict)
    stood: dict[int, str] = field(default_factory=dict)
    handed: dict[int, str] = field(default_factory=dict)
    twice: set[int] = field(default_factory=set)
    news: dict[int, float] = field(default_factory=dict)

    def stands(self, shipment_id: int, so: str, shown: bool) -> None:
        """Notes how a small shipment stands, and whether that is what was `shown`."""
        if shown:
            self.stood[shipment_id] = so
        if self.handed.get(shipment_id, self.stood.get(shipment_id)) == so:
            self.news.pop(shipment_id, None)
        else:
            self.news.setdefault(shipment_id, stopwatch())

    def wait(
        self, shipment_id: int, mark: str, times: float = 1.0, full: bool = False, flow: float = 0.0,
        news: float = math.inf, least: float = 0.0,
    ) -> float:  # fmt: skip
        """Real seconds until a shipment that looks so is to be shown; 0 for now.

        `times` as long as others wait; `full`: others that are more urgent wait to be shown, or to be worked at. One
        that goes on changing for longer than it would have to be quiet is left alone for `flow` seconds, if that is not
        later than the latest; one that is sure to go on changing has to be quiet for `least` seconds at first, too.
        `news`: so many times as long after there was any, where the board can show it now.
        """
        wait = self._wait(shipment_id, mark, times, full, flow, least)
        if math.isinf(news) or shipment_id not in self.news:
            return wait
        return max(min(wait, self.news[shipment_id] + news * self.quiet - stopwatch()), 0.0)

    def _wait(self, shipment_id: int, mark: str, times: float, full: bool, flow: float, least: float) -> float:
        now = stopwatch()
        one = self.unshown.setdefault(shipment_id, Unshown(mark, now, now))
        goes_on = one.mark != mark and now - one.since >= times * self.quiet
        if one.mark != mark:
            one.mark, one.changed_at = mark, now
        latest = times * self.steady
        if full:
            return max(one.since + FULL * latest - now, 0.0)
        quiet_at = max(one.changed_at + max(times * self.quiet, least), now + flow if goes_on else 0.0)
        return max(min(quiet_at, one.since + latest) - now, 0.0)

    def shown(self, shipment_id: int, stands: str = "") -> None:
        """A run was asked for, or the board, as it `stands` so: what it looks like when that comes to it, is shown."""
        self.unshown.pop(shipment_id, None)
        self.news.pop(shipment_id, None)
        if stands:
            if shipment_id in self.handed:
                self.twice.add(shipment_id)
            self.handed[shipment_id] = stands

    def answered(self, shipment_id: int, shown: bool) -> None:
        """The board has shown it, or not."""
        stands = self.handed.pop(shipment_id, "")
        if shown and stands and shipment_id not in self.twice:
            self.stood[shipment_id] = stands
        self.twice.discard(shipment_id)

    def forget(self, shipment_id: int) -> None:
        """A shipment at its end."""
        self.twice.discard(shipment_id)
        for kept in (self.unshown, self.stood, self.handed, self.news):
            kept.pop(shipment_id, None)
