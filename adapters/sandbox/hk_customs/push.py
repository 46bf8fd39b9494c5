"""Push: due notices are posted to the callback of their sender; what is not taken stays and is tried again."""

from __future__ import annotations

import logging
import threading

import requests

from adapters.sandbox.hk_customs import settings
from adapters.sandbox.hk_customs.notices import Notices
from mappings import clock

_LOG = logging.getLogger(__name__)
_TIMEOUT = 5


class Pusher:
    """A thread that pushes until it is stopped."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="push", daemon=True)

    def start(self) -> None:
        """Start pushing."""
        self._thread.start()

    def stop(self) -> None:
        """Stop and wait for the post in hand."""
        self._stop.set()
        self._thread.join(_TIMEOUT)

    def once(self) -> int:
        """Push what is due; gives how many were taken."""
        taken = 0
        for row in self._notices.unpushed():
            try:
                headers = {"Content-Type": "application/json; charset=utf-8"}
                answer = requests.post(row["url"], data=row["body"], headers=headers, timeout=_TIMEOUT)
            except requests.RequestException as error:
                _LOG.warning("Nobody takes notices at the callback: %s", error)
                break
            if answer.ok:
                self._notices.pushed(row["id"])
                taken += 1
        return taken

    def _run(self) -> None:
        while not self._stop.wait(max(0.05, clock.clock().real_seconds(settings.profile()["push_seconds"]))):
            self.once()
