"""CPU seconds and peak memory by stage of one process, and what another process needed meanwhile.

Stages may stand within each other: what an inner one needs is not counted for the outer one.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

TICKS = os.sysconf("SC_CLK_TCK")
_SELF = Path("/proc/self")


def cpu_of(pid: int) -> float:
    """CPU seconds that a process has needed so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_of(pid: int | str, what: str = "VmRSS") -> float:
    """Megabytes that a process has now (VmRSS), or has had at most (VmHWM)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))


def _forget_peak() -> None:
    with suppress(OSError):  # where that is not allowed the peak is that of the process so far
        (_SELF / "clear_refs").write_text("5")


@dataclass
class Cost:
    """What a stage has cost: our CPU seconds, the other process's, and our peak memory in megabytes."""

    cpu: float = 0.0
    other: float = 0.0
    peak: float = 0.0


@dataclass
class Meter:
    """Measures stages; `other` is the process that works for us meanwhile."""

    other: int
    costs: dict[str, Cost] = field(default_factory=lambda: defaultdict(Cost))
    _open: list[str] = field(default_factory=list)
    _seen: tuple[float, float] = (0.0, 0.0)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what happens inside."""
        self._turn()
        self._open.append(name)
        try:
            yield
        finally:
            self._turn()
            self._open.pop()

    def _turn(self) -> None:
        """Book what happened since the last turn on the innermost stage."""
        now = time.process_time(), cpu_of(self.other)
        if self._open:
            cost = self.costs[self._open[-1]]
            cost.cpu, cost.other = cost.cpu + now[0] - self._seen[0], cost.other + now[1] - self._seen[1]
            cost.peak = max(cost.peak, memory_of("self", "VmHWM"))
        _forget_peak()
        self._seen = time.process_time(), now[1]

    @contextmanager
    def inside(self, parts: dict[str, tuple[tuple[Any, str], ...]]) -> Iterator[None]:
        """The product's functions, timed where it calls them: by stage, each a module and a name in it."""
        with ExitStack() as patched:
            for name, functions in parts.items():
                for module, attribute in functions:
                    timed = self._timed(name, getattr(module, attribute))
                    patched.enter_context(mock.patch.object(module, attribute, timed))
            yield

    def _timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with self.stage(name):
                return function(*args, **kwargs)

        return call
