"""What a ledger does beside the work: by a thread of its own, once at a time, and nobody waits for it."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod


class Aside(ABC):
    """Upkeep of a database, that is due after so much writing or so long."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def wrote(self, rows: int) -> None:
        """So many rows were just committed: begin, if it is time and the last time is over."""
        with self._lock:
            if self._due(rows) and not (self._thread and self._thread.is_alive()):
                self._begins()
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()

    def wait(self) -> None:
        """Until what is under way has ended."""
        if self._thread:
            self._thread.join()

    @abstractmethod
    def _due(self, rows: int) -> bool:
        """Whether it is time, these rows counted."""

    @abstractmethod
    def _begins(self) -> None:
        """Counts anew."""

    @abstractmethod
    def _work(self) -> None:
        """The upkeep itself; trouble with it is no trouble of whoever writes."""
