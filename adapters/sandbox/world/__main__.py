"""Runs the sandbox's yard and truck until it is stopped."""

from __future__ import annotations

import argparse
import logging
import signal
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import requests
import yaml

from mappings import clock

TIMEOUT = (2, 10)
LOOK = 0.5
log = logging.getLogger("tongguan.world")


class World:
    """Watches shipments through the gateway and sends what happens to their trucks."""

    def __init__(self, gateway: str, token: str, hong_kong: str) -> None:
        self.gateway, self.hong_kong = gateway.rstrip("/"), hong_kong.rstrip("/")
        self.http = requests.Session()
        self.http.headers["Authorization"] = f"Bearer {token}"
        self.rules = yaml.safe_load((Path(__file__).parent / "world.yaml").read_text(encoding="utf-8"))
        self.since: dict[tuple[int, str], datetime] = {}
        self.done: set[tuple[int, str]] = set()

    def look(self) -> None:
        """One look at all open shipments."""
        answer = self.http.get(f"{self.gateway}/shipments", timeout=TIMEOUT)
        answer.raise_for_status()
        for status in answer.json()["shipments"]:
            self._act(status)

    def _act(self, status: dict[str, Any]) -> None:
        state, ident, now = status["state"], int(status["id"]), clock.now()
        waited = (now - self.since.setdefault((ident, state), now)).total_seconds()
        rule = self.rules["after"].get(state)
        if state == "under_inspection" and waited >= self.rules["patience_under_inspection"]:
            rule = {"event": "departed", "seconds": 0}
        if rule is None or waited < rule["seconds"] or (ident, rule["event"]) in self.done:
            return
        if rule["event"] == "crossed" and not self._cross(status):
            return
        self._tell(ident, rule["event"])

    def _cross(self, status: dict[str, Any]) -> bool:
        """At the control point, and across when Hong Kong lets it."""
        for kind in ("at_control_point", "crossed"):
            body = {"vehicle": status["hk_plate"], "kind": kind}
            answer = requests.post(f"{self.hong_kong}/admin/events", json=body, timeout=TIMEOUT)
            if answer.status_code >= requests.codes.bad_request:
                log.info("%s %s: %s", status["plate"], kind, answer.text[:200])
                return False
        return True

    def _tell(self, ident: int, kind: str) -> None:
        body = {"kind": kind, "at": clock.now().isoformat()}
        answer = self.http.post(f"{self.gateway}/shipments/{ident}/events", json=body, timeout=TIMEOUT)
        if answer.ok:
            self.done.add((ident, kind))
            log.info("shipment %s %s", ident, kind)


def main() -> None:
    """Looks every LOOK real seconds; what cannot be reached now is tried again."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--gateway", "--token", "--hong-kong"):
        parser.add_argument(name, required=True)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    world = World(given.gateway, given.token, given.hong_kong)
    while not stop.wait(LOOK):
        try:
            world.look()
        except requests.RequestException as error:
            log.info("waiting: %s", error)


if __name__ == "__main__":
    main()
