"""What follows a declaration, for tests with the sandboxes: asking as a person, and the customs of imports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adapters import home as homes
from adapters.ledger import applications, messages, parcels
from deployments.demo_import import MadeImport, make_import
from deployments.demo_import_files import write
from mappings import clock
from mappings.canonical.columns import SCALE
from tasks.applications.asking import Asked, ask
from tasks.applications.wanted import of_records
from tasks.clearing.declaring import load_batch
from tests.chaos.sandboxes import Sandboxes
from tests.chaos.trucks import made
from tests.flows.whole import Whole

CN = "cn_ecommerce"
CLEAN: dict[str, int] = {CN: 0, "hk_road": 0}


class After(Whole):
    """A truck of which a person asks for something after it was declared."""

    def ask(
        self, kind: str, *orders: str | dict[str, Any], after: str = "", reason: str = "damaged", **detail: str
    ) -> Asked:
        """Asked for and approved; what came of it."""
        records = [{"order_no": one} if isinstance(one, str) else one for one in orders]
        asked = ask(self.office, self.id, kind, of_records(records, reason), "agent", detail, after)
        applications.approve(self.office.ledger, asked.ids, "boss")
        return asked

    def asked(self, kind: str = "") -> list[tuple[str, str, str]]:
        """Every application (of a kind): order, its state, that of its document."""
        rows = applications.listing(self.office.ledger, self.id, [kind] if kind else [])
        return [(row.order_no or "", row.state, row.document_state or "") for row in rows]

    def attempts(self, kind: str, order: str) -> list[tuple[str, int | None]]:
        """The documents of an order's parcel of a type, oldest first: state, the one that it follows."""
        rows = messages.documents(self.office.ledger, self.id, type=kind)
        return [(row.state, row.previous_id) for row in rows if row.order_no == order]

    def seq(self, order: str) -> int:
        """An order's parcel."""
        return next(row.seq for row in parcels.listing(self.office.ledger, self.id) if row.order_no == order)

    def goods(self, order: str) -> dict[int, int]:
        """The goods lines of an order: how many whole pieces of each."""
        batch = load_batch(self.office.ledger, self.id)
        at = batch.parcels.index[batch.parcels["parcel.seq"] == self.seq(order)][0]
        mine = batch.lines[batch.lines["parcel"] == at]
        return {int(g): int(q) // SCALE for g, q in zip(mine["line.gnum"], mine["line.quantity"], strict=True)}

    def several(self) -> str:
        """An order of more than one piece."""
        return next(o for o in self.states() if sum(self.goods(o).values()) > 1)

    def clean(self) -> None:
        """Nothing is amiss: neither in our ledger nor in what the authorities received."""
        assert self.audit() == []
        assert self.sandboxes.second_receipts() == CLEAN


def export(folder: Path, template: Path, sandboxes: Sandboxes, parcels: int = 4, **sheet: Any) -> After:
    """An export truck, taken in; `sheet` changes its record."""
    truck = made(sandboxes, parcels)
    truck.truck.update(sheet)
    here = After(folder, template, sandboxes, truck)
    here.take_in()
    return here


class Import(After):
    """An import (9610) that a person asks something of."""

    def __init__(self, folder: Path, template: Path, sandboxes: Sandboxes, imported: MadeImport) -> None:
        super().__init__(folder, template, sandboxes, made(sandboxes, 1))
        self.imported = imported
        self.folder = write(imported, folder / "import")
        homes.write(homes.Home(self.home, authorities=sandboxes.addresses))
        self.take_in()

    def orders(self) -> list[str]:
        """The order numbers."""
        return [order["orderNo"] for order in self.imported.orders]


def imported(folder: Path, template: Path, sandboxes: Sandboxes, parcels: int = 4) -> Import:
    """An import truck of today, taken in."""
    today = sandboxes.clock.now().astimezone(clock.CHINA).date()
    return Import(folder, template, sandboxes, make_import(parcels, "9610", day=today))
