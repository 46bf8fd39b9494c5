"""Where a shipment stands: its parcels, documents and events, and what follows from them by its procedure's tables.

No message type is named here: the procedure says which one leads, and which lists there are (decision 0008).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Row, select

from adapters.ledger import applications as asked_for
from adapters.ledger import bills, events, parcels, shipments
from adapters.ledger.applications import OPEN
from adapters.ledger.audit import Claim, Claims
from adapters.ledger.events import PHYSICAL
from adapters.ledger.ledger import reads
from adapters.ledger.tables import message
from mappings import clock
from mappings import states as document_states
from mappings.applications import message_types
from mappings.canonical.model import Truck
from mappings.procedures import Procedure, load
from tasks.applications.settling import DECLARE_ANEW
from tasks.clearing import partners
from tasks.clearing.documents import Document, members, read
from tasks.conversion.partners import theirs
from tasks.hongkong.deadlines import deadlines

CN, HK = "cn_ecommerce", "hk_road"
LISTED_ANEW, RECEIVED = "listed_anew", "received"
BUNDLED = ("bundled", "at_control_point", "inspection", "released", "detained", "crossed")


@dataclass(frozen=True)
class ListDocument:
    """A list document about the whole truck, and the parcels it names."""

    type: str
    supplement: int
    seqs: frozenset[int]
    state: str
    id: int


def port_of(truck: Truck) -> str:
    """Where it leaves or enters the country."""
    return truck.exit_port or truck.ie_port


@dataclass
class Standing:
    """A shipment as the ledger has it now."""

    shipment: Row[Any]
    truck: Truck
    procedure: Procedure
    parcels: dict[int, tuple[str, str]]
    documents: dict[str, dict[int | None, Document]]
    lists: list[ListDocument]
    events: dict[str, datetime]
    messages: Counter[tuple[str, str]]
    deliveries: dict[int, list[datetime]] = field(default_factory=dict)  # by parcel, each time that it was told
    bills: dict[int, Counter[str]] = field(default_factory=dict)  # by parcel, its tax bills by state
    applied_for: dict[str, int] = field(default_factory=dict)  # how many applications are in each state
    received: int = 0  # how many deliveries of its files came, worked up or not
    now: datetime = field(default_factory=clock.now)

    @property
    def id(self) -> int:
        """The shipment's id."""
        return int(self.shipment.id)

    @property
    def table(self) -> dict[str, Any]:
        """What documents make of a parcel in this procedure."""
        return self.procedure.table

    @property
    def label(self) -> str:
        """What people call it: the plate, or the master waybill where there is no truck."""
        return self.truck.mainland_plate or self.truck.master_waybill

    @property
    def port(self) -> str:
        """Where it leaves or enters the country."""
        return port_of(self.truck)

    @property
    def leads(self) -> dict[int | None, Document]:
        """The latest document of each parcel that gives it its state."""
        return self.documents.get(self.procedure.lead, {})

    @cached_property
    def applications(self) -> dict[str, int]:
        """How many applications are in each open state."""
        return {state: self.applied_for[state] for state in OPEN if state in self.applied_for}

    @cached_property
    def by_state(self) -> dict[str, set[int]]:
        """The parcels (seq) in each state: they are thousands, and dozens of facts ask for them."""
        found: dict[str, set[int]] = {}
        for seq, (state, _) in self.parcels.items():
            if state in found:
                found[state].add(seq)
            else:
                found[state] = {seq}
        return found

    def in_state(self, *states: str) -> set[int]:
        """The parcels (seq) in one of these states."""
        return set[int]().union(*(self.by_state.get(state, ()) for state in states))

    def with_parcels(self, states: dict[int, tuple[str, str]]) -> Standing:
        """The same where these parcels have these states and reasons."""
        return replace(self, parcels=self.parcels | states)

    def alike(self, name: str) -> set[int]:
        """The parcels in one of the states that the procedure's table gathers under a name (going, undecided)."""
        return self.in_state(*self.table.get(name, ()))

    def waiting(self) -> set[int]:
        """The parcels that wait for a person."""
        return self.in_state(*(name for name, row in self.table["states"].items() if row["place"] == "person"))

    def on(self, step: str) -> frozenset[int]:
        """The parcels that the list of a step names; none where the procedure has no such list."""
        return self.named(self.procedure.list_of(step))

    def named(self, list_type: str) -> frozenset[int]:
        """The parcels that a list of this type names; a refused one names them until a person lists anew."""
        if list_type not in self._named:
            mine = (item.seqs for item in self.lists if item.type == list_type)
            taken = partners.TAKEN[list_type](self) if list_type in self.theirs else frozenset[int]().union(*mine)
            self._named[list_type] = frozenset(taken)
        return self._named[list_type]

    @cached_property
    def _named(self) -> dict[str, frozenset[int]]:
        """What was asked of lists so far: by a dozen facts, some of them twice."""
        return {}

    @cached_property
    def _facts(self) -> dict[str, bool]:
        """The facts that were asked for so far: gates, state and mark ask for the same ones."""
        return {}

    @cached_property
    def theirs(self) -> frozenset[str]:
        """The message types that a partner sends itself."""
        return theirs(self.truck)

    def next_supplement(self, list_type: str) -> int:
        """The number of the next list of this type."""
        return 1 + max((item.supplement for item in self.lists if item.type == list_type), default=0)

    def filed(self, kind: str) -> list[Document]:
        """All documents about the whole truck of one type, oldest first."""
        return sorted(self.documents.get(kind, {}).values(), key=lambda d: d.id)

    def crossed_hong_kong(self) -> bool:
        """Whether Hong Kong has said that the truck has crossed."""
        return any(d.state == "crossed" for d in self.filed("HKRoadBundle"))

    def waits(self, seq: int) -> str:
        """What a parcel's leading document waits for, by the table of states."""
        found = self.leads.get(seq)
        states = document_states.document_states(self.procedure.authority)[self.procedure.lead]
        return states[found.state].wait if found and found.state in states else ""

    def fact(self, name: str) -> bool:
        """Whether the fact of that name holds (tasks/clearing/facts.py)."""
        from tasks.clearing.facts import FACTS  # noqa: PLC0415  (the facts are about standings)

        if name not in self._facts:
            self._facts[name] = bool(FACTS[name](self))
        return self._facts[name]

    def applications_due(self) -> bool:
        """Whether an application is to be prepared, or a cancelled parcel to be declared anew."""
        revived = ("cancelled", DECLARE_ANEW) in self.parcels.values()
        return not self.shipment.held and (revived or bool(self.applications.get("approved")))

    def may(self, step: str) -> bool:
        """Whether the procedure's gate for a step is open; it has none for a step that it has not."""
        found = next((s for s in self.procedure.steps if s.name == step), None)
        return found is not None and not self.shipment.held and all(map(self.fact, found.needs))

    def state(self) -> str:
        """The shipment's state: the first row of the procedure's table that holds."""
        return next(row.state for row in self.procedure.states if self.fact(row.when))

    def to_list(self) -> set[int]:
        """Parcels that customs has reviewed and no master list names, while the truck is not away."""
        return self.in_state("reviewed", "inspection", "released") - self.on("list")

    def to_arrive(self) -> set[int]:
        """Parcels on a master list that was not refused, and that no arrival names."""
        kind = self.procedure.list_of("list")
        listed = {s for i in self.lists if i.type == kind and not self.refused(i) for s in i.seqs}
        listed |= self.named(kind) if kind in self.theirs else set()
        return listed & self.alike("going") - self.on("arrive")

    def to_warehouse(self) -> set[int]:
        """Parcels that came in and that no warehouse-in list names."""
        return (self.alike("came_in") & self.leads.keys()) - self.on("warehouse_in")

    def to_deliver(self) -> set[int]:
        """Parcels of which a delivery was told that customs was not told of; a rejected report needs telling anew."""
        (kind,) = self.procedure.step("delivered").sends
        if kind in self.theirs:
            return set()
        reported = self.documents.get(kind, {})
        return {
            seq
            for seq in self.alike("delivered") & self.deliveries.keys()
            if seq not in reported or len(self.deliveries[seq]) > reported[seq].attempt
        }

    def refused(self, item: ListDocument) -> bool:
        """Whether a list was turned down, and no person has let its parcels be listed anew."""
        return item.state in self.table["dead"] and bool(item.seqs)

    def to_depart(self) -> set[int]:
        """Parcels that were released when the truck left, and that no departure names."""
        return self.gone("released") & self.on("arrive") - self.on("depart")

    def gone(self, *states: str) -> set[int]:
        """Parcels that were released when the truck left, of those in these states (released or closed by default)."""
        here, left, leads = self.in_state(*(states or partners.LEFT)), self.events.get("departed"), self.leads
        return here if left is None else {seq for seq in here if _released_by(left, leads[seq])}

    def left_behind(self) -> set[int]:
        """Parcels that the truck left without: still here after its departure, and on no departure list."""
        if "departed" not in self.events:
            return set()
        here = self.in_state("ready", "declared", "reviewed", "inspection", "released")
        return here - self.on("depart") - self.to_depart()

    def hong_kong_late(self) -> bool:
        """Whether Hong Kong's limits for the planned crossing are over before the truck was bundled."""
        bundled = any(d.state in BUNDLED for d in self.filed("HKRoadBundle"))
        return not bundled and deadlines(self.truck.planned.crossing).phase(self.now) == "late"

    def loaded(self) -> set[int]:
        """The parcels that really go on this truck, as far as is known now."""
        if "departed" in self.events:
            return self.to_depart() | self.on("depart")
        reported = self.on("arrive")
        going = self.alike("going")
        return going & (reported | self.to_list() | self.to_arrive()) if reported else going

    def answered(self) -> bool:
        """Whether every inventory has an answer, or the truck has been here for so long that the list goes without."""
        if not self.in_state("declared"):
            return True
        arrived = self.events.get("arrived")
        patience = timedelta(minutes=self.procedure.value("list_waits_minutes"))
        return arrived is not None and self.now >= arrived + patience

    def bundle_time(self) -> bool:
        """Whether so little is left before Hong Kong's own deadline that the bundling waits no longer."""
        margin = timedelta(minutes=self.procedure.value("bundle_margin_minutes"))
        return self.now >= deadlines(self.truck.planned.crossing).bundle_until - margin


def _released_by(left: datetime, lead: Document) -> bool:
    """Whether a parcel was not released after the truck had left."""
    return lead.state != "released" or lead.return_time is None or lead.return_time <= left


def _lists(
    tx: Connection,
    shipment_id: int,
    kinds: tuple[str, ...],
    documents: dict[str, dict[int | None, Document]],
    told: Iterable[Row[Any]],
) -> list[ListDocument]:
    found = []
    lists = [item.id for kind in kinds for item in documents.get(kind, {}).values()]
    named = members(tx, shipment_id, lists)
    freed = {ident for event in told if event.kind == LISTED_ANEW for ident in event.detail["documents"]}
    for kind in kinds:
        for item in documents.get(kind, {}).values():
            seqs = frozenset() if item.id in freed else named[item.id]
            found.append(ListDocument(kind, item.attempt, seqs, item.state, item.id))
    return found


def claims(procedure: Procedure) -> dict[str, Claim]:
    """What each parcel state of a procedure claims of the parcel's documents; of applications any state has some."""
    applied = frozenset(message_types())
    return {
        state: Claim(frozenset(row["required"]), frozenset(row["optional"]) | applied, applied)
        for row in procedure.table["claims"]
        for state in row["states"]
    }


@reads
def procedure_of(tx: Connection, shipment_id: int) -> Procedure:
    """The procedure of a shipment. Raises ConfigurationError, Unsupported."""
    truck = shipments.get(tx, shipment_id).truck
    return load(truck["direction"], truck["regime"])


def parcel_claims() -> Claims:
    """What each parcel state claims of its documents, for the audit: by the procedure of the parcel's shipment."""
    return lambda tx, shipment_id: claims(procedure_of(tx, shipment_id))


def _deliveries(tx: Connection, shipment_id: int, procedure: Procedure) -> dict[int, list[datetime]]:
    if all(step.name != "delivered" for step in procedure.steps):
        return {}
    told = events.delivered(tx, shipment_id)
    rows = parcels.listing(tx, shipment_id) if told else []
    return {row.seq: told[row.waybill_no] for row in rows if row.waybill_no in told}


@reads
def load_standing(tx: Connection, shipment_id: int) -> Standing:
    """Where a shipment stands. Raises ConfigurationError when there is none."""
    row = shipments.get(tx, shipment_id)
    truck = Truck.model_validate(row.truck)
    procedure = load(truck.direction, truck.regime)
    reading = read(tx, shipment_id)
    sent = tx.execute(
        select(message.c.id, message.c.type, message.c.state).where(message.c.shipment_id == shipment_id)
    ).all()
    states, documents = reading.now(tx, {m.id: m.state for m in sent})
    told = events.timeline(tx, shipment_id)
    first = {event.kind: event.at for event in reversed(told)}
    return Standing(
        shipment=row,
        truck=truck,
        procedure=procedure,
        parcels=states,
        documents=documents,
        lists=_lists(tx, shipment_id, procedure.lists, documents, told),
        events={kind: first[kind] for kind in PHYSICAL if kind in first},
        messages=Counter((m.type, m.state) for m in sent),
        deliveries=_deliveries(tx, shipment_id, procedure),
        bills=bills.states(tx, shipment_id) if "await_tax_bills" in procedure.settings else {},
        applied_for=asked_for.counts(tx, shipment_id),
        received=sum(event.kind == RECEIVED for event in told),
    )
