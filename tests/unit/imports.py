"""A desk for tests of imports: a shipment and its documents written straight into the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adapters.keys import SoftwareKeys
from adapters.ledger import parcels, preparing, shipments
from adapters.ledger.parcels import ParcelRow
from deployments.demo_import import MadeImport
from deployments.demo_import_books import open_ours
from deployments.demo_import_files import write
from mappings.procedures import Procedure, load
from tasks.clearing import intake
from tasks.clearing.standing import Standing
from tests.contract.ledger_cases import Doc, Message
from tests.unit.desk import Desk
from tests.unit.signing import rsa_keys

AGENT = {"code": "4404000001", "name": "甲报关行", "dxp_id": "DXPENTAGENT0001"}
COMPANIES = {"platform": "4404000002", "seller": "4404000003", "payment_company": "4404000004",
             "carrier": "4404000005", "yard": "4404000006"}  # fmt: skip
KEYS = {
    "CEB311Message": "4404000002|4404000003|O{seq}", "CEB411Message": "4404000004|P{seq}",
    "CEB511Message": "4404000005|W{seq}", "CEB621Message": "4404000001|COP{seq}-{attempt}",
    "CEB513Message": "4404000005|W{seq}",
}  # fmt: skip


def truck(regime: str) -> dict[str, Any]:
    """A made-up import: by truck over the bridge (9610), or out of a zone (1210)."""
    parties = {role: {"code": code, "name": f"测试{role}", "dxp_id": f"DXPENT{code}"}
               for role, code in COMPANIES.items()}  # fmt: skip
    return {
        "master_waybill": f"IMP{regime}0001", "regime": regime, "direction": "import", "customs_office": "5788",
        "ie_port": "5788", "mainland_plate": "粤Z8888港",
        "planned": {"arrival_at_yard": "2026-11-23T23:00:00+08:00", "departure": "2026-11-23T23:30:00+08:00",
                    "crossing": "2026-11-23T22:30:00+08:00"},
        "parties": parties | {"agent": AGENT},
    }  # fmt: skip


class ImportDesk(Desk):
    """One office and one import shipment."""

    def __init__(self, source: Path, folder: Path) -> None:
        super().__init__(source, folder)
        self.count = 4

    @property
    def procedure(self) -> Procedure:
        """Its procedure."""
        return load("import", self.regime)

    def open(self, regime: str = "9610", approve: bool = True) -> int:
        """A shipment of ready parcels (and approved)."""
        self.regime, values = regime, truck(regime)
        label = values["mainland_plate"] if regime == "9610" else ""
        made = shipments.open_shipment(self.ledger, AGENT["code"], values["master_waybill"], values, label, regime)
        self.id = made[0]
        rows = [ParcelRow(n, "P", f"O{n}", "C", f"W{n}", "ready", "", f"d{n}") for n in range(1, self.count + 1)]
        parcels.sync_parcels(self.ledger, self.id, rows)
        if approve:
            shipments.approve(self.ledger, self.id, "tester")
        return self.id

    def write(self, kind: str, *seqs: int, attempt: int = 1, lists: tuple[int, ...] = (), key: str = "") -> None:
        """One message of a type, with a document for each parcel (or one that lists parcels), sent."""
        docs = [Doc(KEYS[kind].format(seq=seq, attempt=attempt), seq, attempt) for seq in seqs]
        if lists:
            docs = [Doc(key or f"4404000006|LIST{attempt}", None, attempt, lists=lists)]
        said = Message(docs, kind, owner_role="agent")
        preparing.add_messages(self.ledger, self.id, [preparing.Outgoing(said, b"<x/>", said.guid, AGENT["dxp_id"])])
        self.sent()

    def declare(self, *seqs: int, attempt: int = 1) -> Standing:
        """The documents of these parcels (of all that are ready), sent, and nothing said of them."""
        chosen = seqs or tuple(sorted(self.standing().in_state("ready")))
        for kind in self.procedure.parcel_types:
            self.write(kind, *chosen, attempt=attempt)
        parcels.set_parcel_states(self.ledger, self.id, dict.fromkeys(chosen, ("declared", "")))
        return self.settle()

    def answered(self, state: str, *seqs: int, **values: Any) -> Standing:
        """Order, payment and waybill stored; the inventory in this state."""
        for kind in self.procedure.supporting:
            self.said(kind, "stored", *seqs)
        return self.said(self.procedure.lead, state, *seqs, **values)


def deliver_made(desk: Desk, made: MadeImport, folder: Path) -> None:
    """A made-up import comes to a desk: its companies have keys, its files are worked up, its books are open."""
    files = intake.folder_files(write(made, folder / "files"))
    parties = intake._read(files, desk.office).truck.parties.values()  # type: ignore[union-attr]
    rsa_keys(desk.office.home.path, *(p for p in parties if p.code and p.dxp_id))
    desk.office.keys = SoftwareKeys(desk.office.home.path / "keys")
    desk.id = desk.deliver(*files)
    open_ours(made, desk.office, folder)
