"""The clock of a crossing: from when and until when each step may be done (deadlines.yaml; hk.md 2 and 3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mappings.hk_road.tables import limit


@dataclass(frozen=True)
class Deadlines:
    """The limits of one planned crossing, aware UTC. `alarm_at` keeps time free for the authority's answers."""

    crossing: datetime
    aci_from: datetime
    aci_until: datetime
    bundle_until: datetime
    alarm_at: datetime

    def phase(self, now: datetime) -> str:
        """early (too soon to lodge), open, or late (the limits cannot be kept any more)."""
        if now < self.aci_from:
            return "early"
        return "late" if now > min(self.aci_until, self.bundle_until) else "open"


def deadlines(crossing: datetime) -> Deadlines:
    """The limits of a crossing planned for that time."""
    day = crossing.date()
    aci_until, bundle_until = crossing - limit("aci_latest", day), crossing - limit("bundle_latest", day)
    return Deadlines(
        crossing=crossing,
        aci_from=crossing - limit("aci_earliest", day),
        aci_until=aci_until,
        bundle_until=bundle_until,
        alarm_at=min(aci_until, bundle_until) - limit("answer_margin", day),
    )


def earliest_crossing(lodged: datetime, bundled: datetime) -> datetime:
    """When a truck may cross at the earliest, lodged or amended and bundled at these times (derived, hk.md 3)."""
    return max(lodged + limit("aci_latest", lodged.date()), bundled + limit("bundle_latest", bundled.date()))


def feasible_crossing(now: datetime, steps: int = 1) -> datetime:
    """The earliest crossing to plan for when `steps` steps (unbundle, amend, bundle) are still to be answered."""
    ready = now + steps * limit("answer_margin", now.date())
    return earliest_crossing(ready, ready)
