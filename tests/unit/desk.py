"""A desk for tests of clearing: a home with ledger and keys, no network; what an authority says is written at once.

`said` moves documents as a receipt would; how receipts get there is the business of other tests.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from adapters import home as homes
from adapters.keys import SoftwareKeys
from adapters.ledger import events, messages, parcels, shipments
from adapters.ledger.tables import document, message, parcel
from deployments import demo_truck
from deployments.demo_truck import MadeTruck
from mappings import clock
from tasks.clearing import intake, settling
from tasks.clearing.standing import Standing, load_standing
from tasks.clearing.steps import PREPARE
from tasks.office import Office, open_office
from tests.unit.signing import rsa_keys

CLOCK = "2026-11-23T21:30:00+08:00@1e-09@1790000000"  # it stands still
AT = clock.parse(CLOCK).start


def template(folder: Path) -> Path:
    """A home with an empty ledger and keys of the demo's companies; copy it, do not use it."""
    here = open_office(homes.Home(folder))
    here.ledger.close()
    captured = intake._read(files(truck(1)), here)
    companies = [p for p in captured.truck.parties.values() if p.code and p.dxp_id] if captured.truck else []
    rsa_keys(folder, *companies)
    return folder


def truck(parcels: int = 6, seed: int = 1) -> MadeTruck:
    """A clean truck of parcels with two lines on average."""
    return demo_truck.make_truck(parcels, 2.0, seed)


def files(made: MadeTruck, *names: str) -> list[tuple[str, bytes]]:
    """The files of a made-up truck (only those named), as a delivery."""
    with tempfile.TemporaryDirectory() as folder:
        demo_truck.write(made, Path(folder))
        wanted = names or demo_truck.FILES
        return [(p.name, p.read_bytes()) for p in sorted(Path(folder).iterdir()) if p.name in wanted]


def waybill(made: MadeTruck, order: str, **changes: Any) -> tuple[str, bytes]:
    """The carrier's record of one order with other values, as a file."""
    ((_, body),) = files(made, "waybills.jsonl")
    found = next(r for r in map(json.loads, body.decode().splitlines()) if r["orderRef"] == order)
    return "waybills.jsonl", (json.dumps({**found, **changes}, ensure_ascii=False) + "\n").encode()


class Desk:
    """One office and, most of the time, one shipment."""

    def __init__(self, source: Path, folder: Path) -> None:
        shutil.copytree(source, folder)
        self.office: Office = open_office(homes.Home(folder))
        self.office.keys = SoftwareKeys(folder / "keys")
        self.ledger = self.office.ledger
        self.made = truck()
        self.id = 0

    def take_in(self, made: MadeTruck | None = None, approve: bool = True) -> int:
        """A truck received and worked up (and approved)."""
        self.made = made or self.made
        self.id = self.deliver(*files(self.made))
        if approve:
            shipments.approve(self.ledger, self.id, "tester")
        return self.id

    def deliver(self, *some: tuple[str, bytes], shipment: str = "") -> int:
        """A delivery, worked up; the shipment's id."""
        ident = intake.receive_files(self.office, some, shipment, "tester").shipment_id
        intake.work_up(self.office, ident)
        return ident

    def truck_without(self, role: str) -> MadeTruck:
        """A truck that names nobody in that role."""
        sheet = self.made.truck
        return replace(self.made, truck={**sheet, "parties": {k: v for k, v in sheet["parties"].items() if k != role}})

    def orders(self) -> list[str]:
        """Order numbers by seq."""
        return [row.order_no for row in parcels.listing(self.ledger, self.id)]

    def rows(self) -> list[Any]:
        """The parcels by seq."""
        return parcels.listing(self.ledger, self.id)

    def standing(self) -> Standing:
        """Where the shipment stands."""
        return load_standing(self.ledger, self.id)

    def settle(self) -> Standing:
        """Settled, and where it stands then."""
        return settling.settle_shipment(self.office, self.id)

    def prepare(self, step: str) -> int:
        """One step if its gate is open, its messages taken for sent; how many messages it prepared."""
        here = self.standing()
        if not here.may(step):
            return 0
        count = PREPARE[step](self.office, here)
        self.sent()
        self.settle()
        return count

    def sent(self) -> None:
        """Whatever is prepared has left, and is answered for by nobody yet."""
        with self.ledger.begin() as tx:
            tx.execute(update(message).where(message.c.state == "prepared").values(state="sent", first_claimed_at=AT))

    def told(self, kind: str, state: str, *seqs: int, **values: Any) -> None:
        """The authority has said this of the latest documents of these parcels (of all, if none); unsettled."""
        known = self.standing().documents.get(kind, {})
        ids = [d.id for seq, d in known.items() if not seqs or seq in seqs]
        with self.ledger.begin() as tx:
            tx.execute(update(document).where(document.c.id.in_(ids)).values(state=state, **values))

    def said(self, kind: str, state: str, *seqs: int, **values: Any) -> Standing:
        """The same, and it is settled."""
        self.told(kind, state, *seqs, **values)
        return self.settle()

    def happens(self, kind: str) -> None:
        """Something physical."""
        events.record(self.ledger, self.id, kind, clock.now(), "tester", once=True)

    def declared(self, *states: tuple[str, tuple[int, ...]]) -> Standing:
        """Declared, and every inventory reviewed but where `states` says otherwise."""
        self.prepare("declare")
        for kind in ("CEB303Message", "CEB403Message", "CEB505Message"):
            self.said(kind, "stored")
        here = self.said("CEB603Message", "reviewed")
        for state, seqs in states:
            here = self.said("CEB603Message", state, *seqs)
        return here

    def parcel(self, seq: int) -> tuple[str, str]:
        """State and reason of one parcel."""
        return parcels.parcel_states(self.ledger, self.id)[seq]

    def counts(self) -> dict[str, int]:
        """How many parcels are in each state."""
        return dict(Counter(s for s, _ in parcels.parcel_states(self.ledger, self.id).values()))

    def attempts(self, kind: str, seq: int) -> list[tuple[int, str, str]]:
        """(attempt, app_type, business key) of every document of one type of one parcel."""
        d = document.c
        query = select(d.attempt, d.app_type, d.business_key).join(parcel, d.parcel_id == parcel.c.id)
        query = query.where(d.type == kind, parcel.c.seq == seq, d.shipment_id == self.id).order_by(d.attempt)
        with self.ledger.read() as tx:
            return [tuple(row) for row in tx.execute(query)]

    def on_lists(self, kind: str) -> list[list[int]]:
        """The parcels that each list document of a type names, oldest first."""
        named = messages.list_members(self.ledger, self.id)
        return [named[d.id] for d in messages.documents(self.ledger, self.id, type=kind) if d.id in named]

    def kinds(self) -> list[str]:
        """The timeline, by kind."""
        return [e.kind for e in events.timeline(self.ledger, self.id)]
