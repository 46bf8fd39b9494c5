"""When a shipment may look otherwise though nobody did anything: the next limit of time that its gates and states ask.

Every fact that reads the clock (`answered`, `bundle_time`, `hong_kong_late`) has its limit here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from tasks.clearing.standing import Standing
from tasks.hongkong.deadlines import deadlines

JUST_AFTER = timedelta(milliseconds=1)  # some limits are kept until they are over, not until they are reached


def next_limit(at: Standing) -> datetime | None:
    """The first limit that is still to come; None where only an event, a receipt or a person moves it."""
    return min((limit for limit in _limits(at) if limit > at.now), default=None)


def passed(at: Standing) -> int:
    """How many limits are over: with each the shipment is to be looked at once more, whatever else it looks like."""
    return sum(limit <= at.now for limit in _limits(at))


def _limits(at: Standing) -> Iterator[datetime]:
    patience = at.procedure.value("list_waits_minutes", 0)
    if patience and "arrived" in at.events:
        yield at.events["arrived"] + timedelta(minutes=patience)
    margin, crossing = at.procedure.value("bundle_margin_minutes", 0), at.truck.planned.crossing
    if margin and crossing is not None:
        clock = deadlines(crossing)
        yield clock.bundle_until - timedelta(minutes=margin)
        for limit in (clock.aci_from, clock.aci_until, clock.bundle_until):
            yield limit
            yield limit + JUST_AFTER
