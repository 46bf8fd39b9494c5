"""What keeps us from pressing an authority: a rate limit and a circuit breaker, one of each per authority and process.

Both count on the shared clock, so a demo that runs faster is not held up. Their state is in memory: a new process
starts with a closed breaker, and DESIGN's "Who retries what" says who tries again when it opens.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from mappings import clock
from mappings.errors import AuthorityUnavailable


class RateLimit:
    """At most `per_second` calls a second of the shared clock; a call that comes too early waits."""

    def __init__(self, per_second: float) -> None:
        self._gap = timedelta(seconds=1 / per_second)
        self._next = clock.now()
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Returns when the next call is due."""
        with self._lock:
            now = clock.now()
            due = max(now, self._next)
            self._next = due + self._gap
        if due > now:
            clock.clock().sleep((due - now).total_seconds())


class Breaker:
    """Opens after `failures` calls in a row that did not get through; lets one through again after `pause` seconds."""

    def __init__(self, name: str, failures: int, pause: float) -> None:
        self.name, self.failures, self.pause = name, failures, timedelta(seconds=pause)
        self._count = 0
        self._open_until: datetime | None = None
        self._lock = threading.Lock()

    def check(self) -> None:
        """Raises AuthorityUnavailable while the breaker is open."""
        with self._lock:
            if self._open_until and clock.now() < self._open_until:
                raise AuthorityUnavailable(
                    f"{self.name} did not answer {self._count} times; next try after {self._open_until:%H:%M:%S} UTC"
                    f" / {self.name} 连续 {self._count} 次无法连接，稍后再试"
                )

    def failed(self) -> None:
        """One more call did not get through."""
        with self._lock:
            self._count += 1
            if self._count >= self.failures:
                self._open_until = clock.now() + self.pause

    def passed(self) -> None:
        """A call got through: closed again."""
        with self._lock:
            self._count, self._open_until = 0, None
