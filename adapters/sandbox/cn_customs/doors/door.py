"""A door that works on its own: a thread that looks again and again until it is closed."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator

from adapters.sandbox.cn_customs.customs import Customs
from adapters.sandbox.cn_customs.store import Row

log = logging.getLogger(__name__)
PAUSE = 0.02  # real seconds
_BATCH = 200


class Door:
    """What the doors share; a subclass works in `once`."""

    name = "door"

    def __init__(self, customs: Customs) -> None:
        self.customs, self.store = customs, customs.store
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._forever, name=self.name, daemon=True)

    def open(self) -> None:
        """Start to work."""
        self._thread.start()

    def close(self) -> None:
        """Stop, and return once nothing is in hand."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def once(self) -> None:
        """One round."""
        raise NotImplementedError

    def _forever(self) -> None:
        while not self._closing.wait(PAUSE):
            try:
                self.once()
            except (OSError, sqlite3.OperationalError) as error:
                log.warning("%s: %r", self.name, error)
                self._closing.wait(0.2)

    def deliveries(self) -> Iterator[Row]:
        """What was published and has not gone out by this door, in order for each company."""
        self.customs.publish()
        for (dxp,) in self.store.rows("SELECT DISTINCT dxp FROM delivery WHERE published IS NOT NULL"):
            yield from self.store.rows(
                "SELECT * FROM delivery WHERE dxp = ? AND published > ? ORDER BY published LIMIT ?",
                dxp, int(self.store.meta(f"{self.name}:{dxp}", "0")), _BATCH,
            )  # fmt: skip

    def gone(self, row: Row) -> None:
        """This delivery is out."""
        self.store.set_meta(f"{self.name}:{row['dxp']}", str(row["published"]))
