"""How long each of many is left alone, so that taking them on costs no more than a share of a process's time."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from statistics import median

LATELY = 9  # what each takes is the median of the last so many: one that waited long for the database moves nothing


@dataclass
class Interval:
    """Real seconds between two times that one of many is taken on: the more there are, and the longer each takes.

    Never less than `least`, as each would have it alone, and never more than `most`. `share` is how much of the
    process's time all of them together may take.
    """

    least: float
    most: float
    share: float
    _took: deque[float] = field(default_factory=lambda: deque(maxlen=LATELY))
    _seen: dict[Hashable, float] = field(default_factory=dict)  # when each was last here

    def here(self, one: Hashable, now: float) -> None:
        """One is there, or still there, at the time `now` (real seconds from any origin)."""
        self._seen[one] = now
        if len(self._seen) % LATELY == 0:
            self._seen = {other: at for other, at in self._seen.items() if self._counts(at, now)}

    def took(self, seconds: float) -> None:
        """One was taken on, in so many real seconds."""
        self._took.append(seconds)

    def seconds(self, now: float) -> float:
        """How long each is left alone now."""
        count = sum(self._counts(at, now) for at in self._seen.values())
        each = median(self._took) if self._took else 0.0
        return min(max(self.least, count * each / self.share), self.most)

    def lately(self, one: Hashable, now: float) -> bool:
        """Whether this one was here in the last two such times: it may well come again."""
        return now - self._seen.get(one, -math.inf) < 2 * self.seconds(now)

    def _counts(self, at: float, now: float) -> bool:
        """Whether one that was here then may come again."""
        return at >= now - 2 * self.most
