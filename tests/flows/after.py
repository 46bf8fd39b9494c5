"""What follows a declaration, for tests with the sandboxes: asking as a person, and the customs of imports."""

from __future__ import annotations

from abc import ABC, abstractmethod
from decimal import Decimal
from pathlib import Path
from typing import Any

from adapters.ledger import applications, messages, parcels
from deployments.demo_import import make_import
from deployments.demo_import_books import guarantor
from mappings.canonical.columns import SCALE
from tasks.applications.asking import Asked, ask
from tasks.applications.wanted import of_records
from tasks.clearing.declaring import load_batch
from tasks.office import Office
from tests.chaos.sandboxes import Sandboxes
from tests.chaos.trucks import made
from tests.flows.importing import Import
from tests.flows.whole import Whole

CN = "cn_ecommerce"
CLEAN: dict[str, int] = {CN: 0, "hk_road": 0}


class Asking(ABC):
    """What a person asks for after a declaration, and what is seen of it."""

    id: int
    sandboxes: Sandboxes

    @property
    @abstractmethod
    def office(self) -> Office: ...
    @abstractmethod
    def states(self) -> dict[str, str]: ...
    @abstractmethod
    def audit(self) -> list[str]: ...

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


class After(Whole, Asking):
    """An export truck of which a person asks for something after it was declared."""

    def to_its_end(self) -> None:
        """The truck arrives, leaves, crosses, and customs closes what left."""
        self.happens("arrived")
        self.until(lambda at: at.in_state("released") and not at.alike("undecided"))
        self.happens("departed")
        self.until(lambda at: at.named("CEB509Message"))
        self.cross()
        self.until(lambda at: at.state() == "closed")


def export(folder: Path, template: Path, sandboxes: Sandboxes, parcels: int = 4, **sheet: Any) -> After:
    """An export truck, taken in; `sheet` changes its record."""
    truck = made(sandboxes, parcels)
    truck.truck.update(sheet)
    here = After(folder, template, sandboxes, truck)
    here.take_in()
    return here


class AfterImport(Import, Asking):
    """An import of which a person asks for something after it was declared."""

    def orders(self) -> list[str]:
        """The order numbers."""
        return [order["orderNo"] for order in self.made.orders]

    def same_books(self, cents: int = 0) -> None:
        """Quota is the same on both sides, and so is the guarantee but for cents that parts of taxes are rounded by."""
        ours, theirs = self.our_guarantee(), self.theirs("guarantee")[guarantor(self.made)]
        assert abs(ours - theirs) <= Decimal(cents) / 100, (ours, theirs)
        assert sorted(n for n in self.our_quota().values() if n) == self.their_quota()


def imported(folder: Path, sandboxes: Sandboxes, parcels: int = 3, seed: int = 7) -> AfterImport:
    """A direct purchase (9610), taken in; the accounts are open on both sides."""
    here = AfterImport(folder / "truck", sandboxes, make_import(parcels, "9610", seed=seed))
    here.take_in()
    return here
