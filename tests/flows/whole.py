"""A whole truck for the tests: its home, its files, and whoever acts on it (operator, yard, road)."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters import home as homes
from adapters.ledger import audit, events, messages, parcels, shipments
from deployments import demo_truck
from deployments.demo_truck import MadeTruck
from mappings import clock
from tasks import decisions
from tasks.clearing import intake
from tasks.clearing.standing import Standing, load_standing, parcel_claims
from tasks.office import Office, office
from tests.chaos import worker
from tests.chaos.sandboxes import Sandboxes

PATIENCE = 60.0  # real seconds


class Whole:
    """One truck in a home of its own; this process is the worker."""

    def __init__(self, folder: Path, template: Path, sandboxes: Sandboxes, made: MadeTruck, ledger: str = "") -> None:
        self.sandboxes, self.made, self.home = sandboxes, made, folder / "home"
        if ledger:
            shutil.copytree(template / "keys", self.home / "keys")
        else:
            shutil.copytree(template, self.home)
        homes.write(homes.Home(self.home, authorities=sandboxes.addresses, ledger=ledger or None))
        self.folder = demo_truck.write(made, folder / made.truck["master_waybill"])
        self.id = 0

    @property
    def office(self) -> Office:
        """This process's office."""
        return office()

    def take_in(self) -> None:
        """The files come in."""
        files = intake.folder_files(self.folder)
        self.id = intake.receive_files(self.office, files, "", "test").shipment_id

    def standing(self) -> Standing:
        """Where it stands."""
        return load_standing(self.office.ledger, self.id)

    def round(self) -> Standing:
        """One run of the flow, as far as it goes now."""
        here = self.office
        intake.work_up(here, self.id)
        shipments.approve(here.ledger, self.id, "operator")
        worker.attempt(worker.hearing.find_out, here, self.id)
        worker.attempt(worker.hearing.hear, here)
        worker.take_all(here, self.id)
        return worker.settling.settle_shipment(here, self.id)

    def until(self, goal: Callable[[Standing], Any]) -> Standing:
        """Rounds until the goal is reached; fails where it is not in time."""
        end = time.monotonic() + PATIENCE
        while True:
            here = self.round()
            if goal(here):
                return here
            if time.monotonic() > end:
                pytest.fail(f"not reached: {here.state()} {self.states()} {here.lists}")
            time.sleep(0.05)

    def happens(self, kind: str) -> None:
        """Something physical."""
        events.record(self.office.ledger, self.id, kind, clock.now(), "yard", once=True)

    def cross(self) -> None:
        """The truck drives over the bridge."""
        self.until(lambda here: worker.cross(self.office, here.truck.hk_plate))
        self.happens("crossed")

    def deliver(self, name: str, body: bytes) -> None:
        """One more file."""
        intake.receive_files(self.office, [(name, body)], str(self.id), "sender")

    def waybill(self, order: str, **changes: Any) -> bytes:
        """The carrier's record of an order, changed."""
        records = map(json.loads, (self.folder / "waybills.jsonl").read_text("utf-8").splitlines())
        found = next(r for r in records if r["orderRef"] == order)
        return (json.dumps({**found, **changes}, ensure_ascii=False) + "\n").encode()

    def sheet(self, **planned: str) -> bytes:
        """The truck's sheet with another plan."""
        plan = {**self.made.truck["planned"], **planned}
        return json.dumps({**self.made.truck, "planned": plan}, ensure_ascii=False).encode()

    def correct(self, orders: list[str], action: str) -> int:
        """A person's answer."""
        return decisions.correct(str(self.id), orders, action, "", "", "test")

    def states(self) -> dict[str, str]:
        """State by order."""
        return {row.order_no: row.state for row in parcels.listing(self.office.ledger, self.id)}

    def listed(self, kind: str) -> list[set[str]]:
        """The orders that each list of a type names, oldest first."""
        orders = {row.seq: row.order_no for row in parcels.listing(self.office.ledger, self.id)}
        named = messages.list_members(self.office.ledger, self.id)
        lists = messages.documents(self.office.ledger, self.id, type=kind)
        return [{orders[seq] for seq in named[d.id]} for d in lists if d.id in named]

    def hong_kong(self) -> list[tuple[str, str]]:
        """Hong Kong's documents in order: type and function."""
        here = self.standing()
        found = sorted([*here.filed("HKRoadACI"), *here.filed("HKRoadBundle")], key=lambda d: d.id)
        return [(d.type.removeprefix("HKRoad"), d.app_type) for d in found]

    def audit(self) -> list[str]:
        """What our audit finds."""
        return [f.message_en for f in audit.audit(self.office.ledger, parcel_claims())]


def marked(made: MadeTruck, **marks: str) -> tuple[MadeTruck, dict[str, str]]:
    """The truck with orders renamed so that the sandbox acts up; returns their names by mark."""
    names = {}
    for order, (name, mark) in zip(made.orders(), marks.items(), strict=False):
        names[name] = f"{order}-{mark}"
        made = demo_truck.renamed(made, order, names[name])
    return replace(made), names
