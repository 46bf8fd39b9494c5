"""Runs the sandbox's yard and truck until it is stopped."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

from mappings import clock, yamls

TIMEOUT = (2, 10)
LOOK = 0.5
TOKEN = "TONGGUAN_TOKEN"  # noqa: S105  the variable's name
log = logging.getLogger("tongguan.world")


class World:
    """Watches shipments through the gateway and tells what happens to their trucks."""

    def __init__(self, gateway: str, token: str, hong_kong: str) -> None:
        self.gateway, self.hong_kong = gateway.rstrip("/"), hong_kong.rstrip("/")
        self.http = requests.Session()
        self.http.headers["Authorization"] = f"Bearer {token}"
        self.rules = yamls.load((Path(__file__).parent / "world.yaml").read_text(encoding="utf-8"))
        self.since: dict[tuple[int, str], datetime] = {}
        self.told: dict[tuple[int, str], datetime] = {}
        self.seen: dict[int, datetime] = {}  # when each shipment was looked at first

    def look(self) -> None:
        """One look at all shipments."""
        answer = self.http.get(f"{self.gateway}/shipments", timeout=TIMEOUT)
        answer.raise_for_status()
        for status in answer.json():
            if not status["final"]:
                self._act(status)

    def _act(self, status: dict[str, Any]) -> None:
        ident = int(status["id"])
        self.seen.setdefault(ident, clock.now())
        before = True
        for rule in self.rules["events"]:
            if rule["kind"] not in status["events"]:
                continue  # an import only arrives, and goods in a zone are there already
            if (ident, rule["kind"]) not in self.told and before and self._due(status, rule):
                self._tell(ident, rule["kind"])
            before = (ident, rule["kind"]) in self.told
        self._drive(status)

    def _due(self, status: dict[str, Any], rule: dict[str, Any]) -> bool:
        now, state, ident = clock.now(), status["state"], int(status["id"])
        if state in ("held", "awaiting_approval", "nothing_to_declare"):
            return False
        waited = now - self.since.setdefault((ident, state), now)
        waiting = state == rule["state"] and waited.total_seconds() >= rule["seconds"]
        planned = datetime.fromisoformat(status["planned"][rule["planned"]])
        return waiting or self.seen[ident] < planned <= now

    def _tell(self, ident: int, kind: str) -> None:
        now = clock.now()
        body = {"kind": kind, "at": now.isoformat()}
        answer = self.http.post(f"{self.gateway}/shipments/{ident}/events", json=body, timeout=TIMEOUT)
        if answer.ok:
            self.told[ident, kind] = now
            log.info("shipment %s %s", ident, kind)
        else:
            log.warning("shipment %s %s: %s %s", ident, kind, answer.status_code, answer.text[:200])

    def _drive(self, status: dict[str, Any]) -> None:
        """At Hong Kong's control point some time after the departure, and across when it is told here."""
        ident, point = int(status["id"]), self.rules["control_point"]
        left = self.told.get((ident, point["after"]))
        if left is None or (clock.now() - left).total_seconds() < point["seconds"]:
            return
        kinds = ["at_control_point", *(["crossed"] if (ident, "crossed") in self.told else [])]
        for kind in kinds:
            body = {"master_waybill": status["master_waybill"], "kind": kind}
            requests.post(f"{self.hong_kong}/admin/events", json=body, timeout=TIMEOUT)


def main() -> None:
    """Looks every LOOK real seconds; what cannot be reached now is tried again."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--gateway", "--hong-kong"):
        parser.add_argument(name, required=True)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    world = World(given.gateway, os.environ.get(TOKEN, ""), given.hong_kong)
    while not stop.wait(LOOK):
        try:
            world.look()
        except requests.RequestException as error:
            log.info("waiting: %s", error)


if __name__ == "__main__":
    main()
