"""An import for the tests of workers: its files, its opening books, and what the ledger says of both at the end."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from adapters.ledger import bills
from adapters.ledger.books import reading
from deployments.demo_import import MadeImport, make_import
from deployments.demo_import_books import open_ours, open_theirs
from deployments.demo_import_files import write
from deployments.demo_import_flaws import delivered
from tests.chaos.sandboxes import Sandboxes
from tests.chaos.trucks import Yard

CN = "cn_ecommerce"
PARCELS = 8
BOOKS = ("quota", "guarantee", "stock")


def made(parcels: int = PARCELS, regime: str = "9610", seed: int = 1) -> MadeImport:
    """A clean import; its first parcel has been signed for."""
    found = make_import(parcels, regime, seed)
    return delivered(found, found.orders[0]["orderNo"])


def prepared(sandboxes: Sandboxes, truck: MadeImport) -> None:
    """The sandbox has the same opening books, and sums a bill at once."""
    open_theirs(truck, sandboxes.addresses[CN])
    sandboxes.call(CN, "PUT", "/admin/settings", {"tax": {"summed_after_days": 0}})


class ImportYard(Yard):
    """A home with one import's folder beside it and its books opened, and the workers that clear it."""

    def __init__(self, folder: Path, sandboxes: Sandboxes, template: Path, truck: MadeImport) -> None:
        self.sandboxes, self.home, self.made = sandboxes, folder / "home", truck
        self.billed = len(truck.orders)
        shutil.copytree(template, self.home)
        self.folder = write(truck, folder / "files")
        with self.at_desk() as here:
            open_ours(truck, here, folder)
        prepared(sandboxes, truck)

    def order(self, **more: Any) -> Any:
        """An order for a worker: it waits for the tax bills of all parcels."""
        return replace(super().order(**more), billed=self.billed)

    def outcome(self) -> dict[str, Any]:
        """What the ledger says of the import, its books and its tax bills, but for ids and times."""
        found = super().outcome()
        here = self.office()
        told = list(bills.of_shipment(here.ledger, 1))
        found["bills"] = sorted(
            (b.seq, b.state, b.customs_tax, b.value_added_tax, b.consumption_tax, b.conflict) for b in told
        )
        number = {b.tax_no: f"bill of {b.seq}" for b in told}
        found["books"] = sorted(
            (*account.key[::2], e.kind, e.order_no, number.get(e.application, e.application), *e[6:])
            for book in BOOKS
            for account in reading.balances(here.ledger, book)
            for e in reading.entries(here.ledger, account.id)
        )
        here.ledger.close()
        return found
