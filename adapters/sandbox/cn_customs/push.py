"""Receipts pushed to companies that gave a callback: published in time, posted in order, tried again until taken."""

from __future__ import annotations

import asyncio

import requests
from starlette.concurrency import run_in_threadpool

from adapters.sandbox.cn_customs.customs import Customs, wrap
from mappings import clock

EVERY = 1.0  # seconds of the shared clock, but never more often than _LEAST real seconds
_LEAST = 0.05
_MOST = 1.0
TIMEOUT = 10  # real seconds for one call
FIRST_WAIT, LONGEST_WAIT = 5.0, 300.0  # clock seconds before a failed call is tried again
_BATCH = 50


class Pusher:
    """Posts what was published since each callback's last success."""

    def __init__(self, customs: Customs) -> None:
        self._customs, self._store = customs, customs.store
        self._session = requests.Session()
        self._session.trust_env = False
        self._waits: dict[str, tuple[float, float]] = {}  # dxp: (not before, current wait)

    def once(self) -> int:
        """One round over all callbacks; how many messages were taken."""
        callbacks = self._store.rows("SELECT * FROM callback")
        if not callbacks:
            return 0
        self._customs.publish()
        now = clock.now().timestamp()
        return sum(self._to(row, now) for row in callbacks if self._waits.get(row["dxp"], (0.0, 0.0))[0] <= now)

    def _to(self, callback: object, now: float) -> int:
        dxp, url, pushed = callback["dxp"], callback["url"], callback["pushed"]  # type: ignore[index]
        rows = self._store.rows(
            "SELECT * FROM delivery WHERE dxp = ? AND published > ? ORDER BY published LIMIT ?", dxp, pushed, _BATCH
        )
        for taken, row in enumerate(rows):
            if not self._post(url, wrap(row)):
                wait = min(self._waits.get(dxp, (0.0, FIRST_WAIT / 2))[1] * 2, LONGEST_WAIT)
                self._waits[dxp] = (now + wait, wait)
                return taken
            self._store.run("UPDATE callback SET pushed = ? WHERE dxp = ? AND url = ?", row["published"], dxp, url)
            self._waits.pop(dxp, None)
        return len(rows)

    def _post(self, url: str, body: bytes) -> bool:
        try:
            return self._session.post(url, body, headers={"Content-Type": "application/xml"}, timeout=TIMEOUT).ok
        except requests.RequestException:
            return False


async def forever(customs: Customs) -> None:
    """Push until cancelled."""
    pusher = Pusher(customs)
    pause = min(max(clock.clock().real_seconds(EVERY), _LEAST), _MOST)
    while True:
        if customs.pushes:
            await run_in_threadpool(pusher.once)
        await asyncio.sleep(pause)
