"""How fast the machine is just now: what makes the pages of different days comparable.

A virtual machine of this kind changes its speed by more than half within minutes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

TURNS, TRIES = 10_000_000, 3


def loop(turns: int = TURNS) -> float:
    """CPU seconds of so many turns of an empty loop: the least of a few tries."""
    return min(_turns(turns) for _ in range(TRIES))


def _turns(turns: int) -> float:
    began, turn = time.process_time(), 0
    while turn < turns:
        turn += 1
    return time.process_time() - began


@dataclass
class Yardstick:
    """Laid beside a measurement: before it, and after it."""

    before: float = field(default_factory=loop)

    def line(self) -> str:
        """A sentence for the page."""
        return f"Ten million turns of an empty loop took {self.before:.2f} s of CPU before, {loop():.2f} s after."
