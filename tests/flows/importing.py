"""A whole import for the tests: its home, its files, its books on both sides, and whoever acts on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters import home as homes
from adapters.ledger import audit, bills, events, parcels, shipments
from adapters.ledger import faults as ledger_faults
from deployments.demo_import import MadeImport
from deployments.demo_import_books import guarantor, open_ours, open_theirs
from deployments.demo_import_files import write
from mappings import clock
from tasks.clearing import delivering, intake, room
from tasks.clearing.standing import Standing, load_standing, parcel_claims
from tasks.imports import showing
from tasks.office import Office, office
from tests.chaos import worker
from tests.chaos.sandboxes import Sandboxes

CN = "cn_ecommerce"
PATIENCE = 90.0  # real seconds


class Import:
    """One import in a home of its own; this process is the worker."""

    def __init__(
        self, folder: Path, sandboxes: Sandboxes, made: MadeImport, ledger: str = "", opened: bool = True
    ) -> None:
        self.sandboxes, self.made, self.home = sandboxes, made, folder / "home"
        folder.mkdir(exist_ok=True, parents=True)
        homes.write(homes.Home(self.home, authorities=sandboxes.addresses, ledger=ledger or None))
        self.folder = write(made, folder / "files")
        if opened:
            open_ours(made, self.office, folder)
            open_theirs(made, sandboxes.addresses[CN])
        self.id = 0

    @property
    def office(self) -> Office:
        """This process's office."""
        return office()

    def take_in(self) -> None:
        """The files come in."""
        self.id = intake.receive_files(self.office, intake.folder_files(self.folder), "", "test").shipment_id

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
        room.offer(here)
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
                pytest.fail(f"not reached: {here.state()} {self.states()} {here.lists} {self.faults()}")
            time.sleep(0.05)

    def arrive(self) -> None:
        """The truck is at the supervised place."""
        events.record(self.office.ledger, self.id, "arrived", clock.now(), "yard", once=True)

    def deliver(self, *waybills: str) -> int:
        """The carrier tells that these are with their buyers."""
        return delivering.tell(self.office, self.id, list(waybills), clock.now(), "carrier")

    def states(self) -> dict[str, str]:
        """State by order."""
        return {row.order_no: row.state for row in parcels.listing(self.office.ledger, self.id)}

    def faults(self) -> set[tuple[str, str]]:
        """Orders and codes of the current faults."""
        found = ledger_faults.faults(self.office.ledger, self.id)
        return set(zip(found["order_no"], found["code"], strict=True))

    def bills(self) -> list[Any]:
        """The tax bills."""
        return list(bills.of_shipment(self.office.ledger, self.id))

    def audit(self) -> list[str]:
        """What our audit finds."""
        return [f.message_en for f in audit.audit(self.office.ledger, parcel_claims())]

    def our_guarantee(self) -> Decimal:
        """What is free of the guarantee by our books."""
        (free,) = showing.guarantee(self.office.ledger, guarantor(self.made))[0]["free"]
        return Decimal(free)

    def our_stock(self) -> dict[str, Decimal]:
        """What is free of each item by our books."""
        found = showing.stock(self.office.ledger)[0]
        return {item: Decimal(free) for item, free in zip(found["item_record_no"], found["free"], strict=True)}

    def our_quota(self) -> dict[str, Decimal]:
        """What each buyer of the truck has used, by the number."""
        used = {}
        for number in sorted({o["buyer"]["idNumber"] for o in self.made.orders} - {""}):
            rows = showing.quota_of(self.office.ledger, number)[0].to_dict("records")
            spent = sum((Decimal(row["reserved"]) + Decimal(row["taken"]) for row in rows), Decimal(0))
            used |= {number: spent} if spent else {}
        return used

    def theirs(self, book: str) -> dict[str, Decimal]:
        """The sandbox's balances of one of its books, by account."""
        rows = self.sandboxes.call(CN, "GET", f"/admin/accounts?book={book}")["accounts"]
        return {row["account"]: Decimal(row["balance"]) for row in rows}

    def their_quota(self) -> list[Decimal]:
        """What the sandbox counts of each buyer, sorted: it knows people by digest alone."""
        return sorted(v for v in self.theirs("quota").values() if v)
