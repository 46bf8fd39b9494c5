"""Who uses the processors: CPU seconds of groups of processes, and how full the machine is, between two moments."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
EVERY = 1.0  # a look at some thirty processes takes milliseconds; what one does in its last second is not counted

Groups = Callable[[], dict[str, Iterable[int]]]


def cpu_of(pid: int) -> float:
    """CPU seconds of a process so far; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICK


def machine() -> tuple[float, float]:
    """CPU seconds of the whole machine so far: busy, and all."""
    fields = [int(f) / TICK for f in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(fields) - fields[3] - fields[4], sum(fields)


@dataclass
class Busy:
    """Watches groups of processes, given anew at each look: processes come and go."""

    groups: Groups
    used: dict[str, float] = field(default_factory=dict)
    share: float = 0.0  # of the machine's processors, by whomever
    wall: float = 0.0

    def __enter__(self) -> Busy:
        self._last: dict[int, float] = {}
        self._over = threading.Event()
        self._began, self._before = time.perf_counter(), machine()
        self._look(first=True)
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._look()
        busy, everything = (now - then for now, then in zip(machine(), self._before, strict=True))
        self.share, self.wall = busy / max(everything, 1e-9), time.perf_counter() - self._began

    def _watch(self) -> None:
        while not self._over.wait(EVERY):
            self._look()

    def _look(self, first: bool = False) -> None:
        for name, pids in self.groups().items():
            for pid in pids:
                now = cpu_of(pid)
                before = self._last.get(pid, now if first else 0.0)
                self.used[name] = self.used.get(name, 0.0) + max(now - before, 0.0)
                self._last[pid] = max(now, before)
