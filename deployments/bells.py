"""When a lane looks for runs: at once where Prefect's events tell of one, or a slot comes free for one that waits.

Prefect's own worker asks every few seconds, and each question costs its server some ten milliseconds, two tasks in the
background and what they write: with lanes that were looked at every 0.4 and 2 seconds that was a third of all that the
server did on a busy day. Here a worker listens to the events of runs that become scheduled, and asks only now and then
besides; where events cannot be heard it asks as often as before. Prefect 3.8.8.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Collection
from dataclasses import dataclass
from random import SystemRandom
from typing import TYPE_CHECKING

from deployments.pools import EXPRESS, TRUCKS
from mappings.clock import stopwatch

if TYPE_CHECKING:
    from prefect.events import Event

LOOK = {EXPRESS: 0.4, TRUCKS: 2.0}  # real seconds between two looks where no events are heard, or a look has failed
SELDOM = {EXPRESS: 10.0, TRUCKS: 20.0}  # the same where they are: an event may be lost, a schedule's run comes due
SPREAD = {EXPRESS: 0.0, TRUCKS: 0.3}  # within so many seconds of an event: of several free workers the first takes it
# Real seconds until a look that an event asked for is made once more: events are told before the transaction that makes
# the run is committed, and what was found may be another run.
ECHO = 0.4
PAUSE = 0.3  # real seconds between two looks at the least
DEAF = 3  # so many times in a row a run was there of which no event had told: then events are not heard
AGAIN = 5.0  # real seconds until events are listened to anew
log = logging.getLogger("tongguan.worker")


@dataclass
class Bell:
    """Of one lane of a worker.

    `hears`: whether events are listened to; `told_at`: when one came last; `missed`: how often since then a run was
    there of which none had told; `look_at`: when to look because one has told of a run; `echo`: whether to look once
    more after that, `echoes`: the same of the look that is made; `waits`: runs wait for a slot.
    """

    lane: str
    hears: bool = False
    told_at: float = -math.inf
    missed: int = 0
    look_at: float = math.inf
    echo: bool = False
    echoes: bool = False
    waits: bool = False
    looked_at: float = -math.inf
    not_before: float = -math.inf

    @property
    def rang(self) -> bool:
        """Whether it has told of a run since the last look."""
        return self.look_at < math.inf

    def ring(self) -> None:
        """There may be a run. However often it rings, the first time says when to look."""
        self.echo, self.missed, self.told_at = True, 0, stopwatch()
        self.look_at = min(self.look_at, self.told_at + SystemRandom().uniform(0.0, SPREAD[self.lane]))

    def due(self, room: bool) -> bool:
        """Whether to look now; `room`: whether a slot is free. The express lane tells the pulse also of what waits."""
        now = stopwatch()
        if now < max(self.not_before, self.looked_at + PAUSE):
            return False
        rang = now >= self.look_at
        if room and (rang or self.waits):
            return True
        often = SELDOM if self.hears and self.missed < DEAF else LOOK
        return (rang and self.lane == EXPRESS) or now >= self.looked_at + often[self.lane]

    def look(self) -> None:
        """Prefect is about to be asked; what rings from now on is another matter."""
        self.echoes, self.echo, self.look_at = self.echo, False, math.inf

    def looked(self, waits: bool, new: bool = False) -> None:
        """Prefect has answered: whether runs found no slot, and whether somebody had made a new one.

        A server may take the connection and tell nothing: its stream is switched off, or another one has the events.
        """
        self.looked_at, self.waits = stopwatch(), waits
        if new and self.hears and self.looked_at > self.told_at + SELDOM[self.lane] + 1.0:
            self.missed += 1
            if self.missed == DEAF:
                log.warning("Prefect tells no events of the lane %s: it is looked at more often", self.lane)
        if self.echoes:
            self.look_at = min(self.look_at, self.looked_at + ECHO)

    def failed(self) -> None:
        """It has not: asked again a little later."""
        self.look_at = stopwatch()
        self.not_before = self.look_at + LOOK[self.lane]


async def listen(pool: str, bells: Collection[Bell]) -> None:
    """Rings the bells of lanes of this pool for whose queue Prefect's events tell of a run, until it is cancelled."""
    from prefect.events.clients import get_events_subscriber  # noqa: PLC0415 - a second that --help does not need
    from prefect.events.filters import EventFilter, EventResourceFilter  # noqa: PLC0415
    from prefect.events.schemas.events import ResourceSpecification  # noqa: PLC0415

    scheduled = {"prefect.resource.id": "prefect.flow-run.*", "prefect.state-type": "SCHEDULED"}
    wanted = EventResourceFilter(labels=ResourceSpecification(scheduled))
    told = False
    while True:
        try:
            async with get_events_subscriber(EventFilter(resource=wanted), 0) as events:
                for bell in bells:
                    bell.hears = True
                    bell.ring()  # for what came before
                told = False
                async for event in events:
                    for bell in bells:
                        if concerns(event, pool, bell.lane):
                            bell.ring()
        except Exception as error:  # whatever the reason: without events lanes are looked at as often as before
            if not told:
                log.warning("Prefect's events are not heard, runs are asked for instead: %s", type(error).__name__)
            told = True
        finally:
            for bell in bells:
                bell.hears = False
        await asyncio.sleep(AGAIN)


def concerns(event: Event, pool: str, lane: str) -> bool:
    """Whether the run of which an event tells is in this lane of this pool."""
    named = {(one.role, one.name) for one in event.related}
    return ("work-pool", pool) in named and ("work-queue", lane) in named
