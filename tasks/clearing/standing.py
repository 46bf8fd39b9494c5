"""Where a shipment stands: its parcels, documents and events, and the facts that the procedure's gates ask for.

The facts are named here once; which gate needs which is in mappings/procedures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import yaml
from sqlalchemy import Connection, Row, case, select

from adapters.ledger import applications, events, messages, parcels, shipments
from adapters.ledger.audit import Claim
from adapters.ledger.ledger import reads
from adapters.ledger.tables import document, message, parcel
from mappings import clock
from mappings import states as document_states
from mappings.applications import message_types
from mappings.canonical.model import Truck
from mappings.engine.spec import MAPPINGS
from mappings.procedures import Procedure, load
from tasks.applications.settling import DECLARE_ANEW
from tasks.hongkong.deadlines import deadlines

CN, HK = "cn_ecommerce", "hk_road"
INVENTORY, LISTS = "CEB603Message", ("CEB607Message", "CEB507Message", "CEB509Message")
LISTED_ANEW = "listed_anew"
PHYSICAL = ("arrived", "departed", "crossed")
GOING = ("ready", "declared", "reviewed", "inspection", "released", "closed")
BUNDLED = ("bundled", "at_control_point", "inspection", "released", "detained", "crossed")
UNDECIDED = ("declared", "inspection", "reviewed", "cancelling")
APPLIED = ("cancelling", "returning", "partly_returned", "returned")  # what an application made of a parcel that went


@lru_cache
def parcel_table() -> dict[str, Any]:
    """What documents make of a parcel (mappings/cn_ecommerce/parcel.yaml)."""
    return yaml.safe_load((MAPPINGS / CN / "parcel.yaml").read_text(encoding="utf-8"))


class Document(NamedTuple):
    """The latest attempt of a document; `state` is what the authority said, or how its message stands."""

    id: int
    type: str
    business_key: str
    attempt: int
    app_type: str
    seq: int | None
    state: str
    pre_no: str
    return_time: datetime | None


@dataclass(frozen=True)
class ListDocument:
    """A list document of the truck (607, 507, 509), and the parcels it names."""

    type: str
    supplement: int
    seqs: frozenset[int]
    state: str
    id: int


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
    applications: dict[str, int] = field(default_factory=dict)  # how many are in each open state
    now: datetime = field(default_factory=clock.now)

    @property
    def id(self) -> int:
        """The shipment's id."""
        return int(self.shipment.id)

    def in_state(self, *states: str) -> set[int]:
        """The parcels (seq) in one of these states."""
        return {seq for seq, (state, _) in self.parcels.items() if state in states}

    def named(self, list_type: str) -> set[int]:
        """The parcels that a list of this type names; a refused one names them until a person lists anew."""
        return {seq for item in self.lists if item.type == list_type for seq in item.seqs}

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
        """What the inventory of a parcel waits for, by the table of states."""
        found = self.documents.get(INVENTORY, {}).get(seq)
        states = document_states.document_states(CN)[INVENTORY]
        return states[found.state].wait if found and found.state in states else ""

    # ---- facts -------------------------------------------------------------------------------------------------
    def fact(self, name: str) -> bool:
        """Whether the fact of that name holds."""
        return bool(FACTS[name](self))

    def applications_due(self) -> bool:
        """Whether an application is to be prepared, or a cancelled parcel to be declared anew."""
        revived = ("cancelled", DECLARE_ANEW) in self.parcels.values()
        return not self.shipment.held and (revived or bool(self.applications.get("approved")))

    def may(self, step: str) -> bool:
        """Whether the procedure's gate for a step is open."""
        return not self.shipment.held and all(self.fact(need) for need in self.procedure.step(step).needs)

    def state(self) -> str:
        """The shipment's state: the first row of the procedure's table that holds."""
        return next(row.state for row in self.procedure.states if self.fact(row.when))

    def to_list(self) -> set[int]:
        """Parcels that customs has reviewed and no master list names, while the truck is not away."""
        return self.in_state("reviewed", "inspection", "released") - self.named("CEB607Message")

    def to_arrive(self) -> set[int]:
        """Parcels on a master list that was not refused, and that no arrival names."""
        listed = {s for i in self.lists if i.type == "CEB607Message" and not self.refused(i) for s in i.seqs}
        return listed & self.in_state(*GOING) - self.named("CEB507Message")

    def refused(self, item: ListDocument) -> bool:
        """Whether a list was turned down, and no person has let its parcels be listed anew."""
        return item.state in parcel_table()["dead"] and bool(item.seqs)

    def to_depart(self) -> set[int]:
        """Parcels that were released when the truck left, and that no departure names."""
        gone = {seq for seq in self.in_state("released") if self._released_in_time(seq)}
        return gone & self.named("CEB507Message") - self.named("CEB509Message")

    def _released_in_time(self, seq: int) -> bool:
        left, inventory = self.events.get("departed"), self.documents[INVENTORY][seq]
        released = inventory.return_time if inventory.state == "released" else None
        return left is None or released is None or released <= left

    def left_behind(self) -> set[int]:
        """Parcels that the truck left without: still here after its departure, and on no departure list."""
        if "departed" not in self.events:
            return set()
        here = self.in_state("ready", "declared", "reviewed", "inspection", "released")
        return here - self.named("CEB509Message") - self.to_depart()

    def hong_kong_late(self) -> bool:
        """Whether Hong Kong's limits for the planned crossing are over before the truck was bundled."""
        bundled = any(d.state in BUNDLED for d in self.filed("HKRoadBundle"))
        return not bundled and deadlines(self.truck.planned.crossing).phase(self.now) == "late"

    def loaded(self) -> set[int]:
        """The parcels that really go on this truck, as far as is known now."""
        if "departed" in self.events:
            return self.named("CEB509Message") | self.to_depart()
        reported = self.named("CEB507Message")
        going = self.in_state(*GOING)
        return going & (reported | self.to_list() | self.to_arrive()) if reported else going

    def _answered(self) -> bool:
        if not self.in_state("declared"):
            return True
        arrived = self.events.get("arrived")
        patience = timedelta(minutes=self.procedure.value("list_waits_minutes"))
        return arrived is not None and self.now >= arrived + patience

    def _bundle_time(self) -> bool:
        margin = timedelta(minutes=self.procedure.value("bundle_margin_minutes"))
        return self.now >= deadlines(self.truck.planned.crossing).bundle_until - margin


def _undecided(s: Standing) -> set[int]:
    """Parcels on the truck whose release is still open."""
    return s.in_state(*UNDECIDED) & (s.named("CEB507Message") or s.in_state(*UNDECIDED))


def _waiting(s: Standing) -> set[int]:
    """Parcels that wait for a person."""
    return s.in_state(*(name for name, row in parcel_table()["states"].items() if row["place"] == "person"))


def _to_close(s: Standing) -> bool:
    return bool((s.named("CEB509Message") & s.in_state("released")) or s.to_depart())


FACTS: dict[str, Callable[[Standing], object]] = {
    "always": lambda s: True,
    "approved": lambda s: s.shipment.approved_at is not None,
    "is_held": lambda s: s.shipment.held,
    "parcels_ready": lambda s: s.in_state("ready"),
    "nothing_declarable": lambda s: not s.in_state(*GOING, *APPLIED) and not s.applications and bool(s.parcels)
    and not (s.documents and _waiting(s)),
    "needs_approval": lambda s: s.shipment.approved_at is None,
    "outcome_unknown": lambda s: any(state == "unknown" for _, state in s.messages),
    "something_to_send": lambda s: any(state in ("prepared", "claimed") for _, state in s.messages)
    or bool(s.in_state("ready") and "departed" not in s.events),
    "inventories_open": lambda s: bool(s.in_state("declared", "cancelling")) and "arrived" not in s.events,
    "only_corrections_left": lambda s: not s.in_state(*GOING, *APPLIED) and bool(s.parcels),
    "inventories_answered": lambda s: s._answered(),
    "declared_something": lambda s: bool(s.documents.get(INVENTORY)),
    "parcels_to_list": lambda s: bool(s.to_list()),
    "list_refused": lambda s: any(s.refused(item) for item in s.lists),
    "arrived": lambda s: "arrived" in s.events,
    "not_arrived": lambda s: "arrived" not in s.events,
    "parcels_to_arrive": lambda s: bool(s.to_arrive()),
    "departed": lambda s: "departed" in s.events,
    "not_departed": lambda s: "departed" not in s.events,
    "parcels_to_depart": lambda s: bool(s.to_depart()),
    "inspection_open": lambda s: bool(s.in_state("inspection")) and "departed" not in s.events,
    "release_open": lambda s: bool(_undecided(s)) and "departed" not in s.events,
    "hong_kong_named": lambda s: "hk_agent" in s.truck.parties and bool(s.truck.hk_plate),
    "load_settled": lambda s: not _undecided(s) or s._bundle_time(),
    "hong_kong_late": lambda s: FACTS["hong_kong_named"](s) and s.hong_kong_late() and bool(s.loaded()),
    "crossing_open": lambda s: bool(s.named("CEB509Message") or s.to_depart())
    and not (s.crossed_hong_kong() if FACTS["hong_kong_named"](s) else "crossed" in s.events),
    "closure_open": _to_close,
    "applications_open": lambda s: bool(s.applications),
}  # fmt: skip


def _documents(tx: Connection, shipment_id: int) -> dict[str, dict[int | None, Document]]:
    d, m = document.c, message.c
    state = case((d.state == "prepared", m.state), else_=d.state)
    columns = (d.id, d.type, d.business_key, d.attempt, d.app_type, parcel.c.seq, state, d.pre_no, d.return_time)
    query = select(*columns).select_from(document.join(message).outerjoin(parcel, d.parcel_id == parcel.c.id))
    found: dict[str, dict[int | None, Document]] = {}
    for row in tx.execute(query.where(d.shipment_id == shipment_id).order_by(d.attempt, d.id)):
        told = Document._make(row)
        found.setdefault(told.type, {})[told.seq if told.seq is not None else -told.id] = told
    return found


def _lists(tx: Connection, shipment_id: int, documents: dict[str, dict[int | None, Document]]) -> list[ListDocument]:
    found = []
    named = messages.list_members(tx, shipment_id)
    told = (event for event in events.timeline(tx, shipment_id) if event.kind == LISTED_ANEW)
    freed = {ident for event in told for ident in event.detail["documents"]}
    for kind in LISTS:
        for item in documents.get(kind, {}).values():
            seqs = frozenset() if item.id in freed else frozenset(named.get(item.id, ()))
            found.append(ListDocument(kind, item.attempt, seqs, item.state, item.id))
    return found


def parcel_claims() -> dict[str, Claim]:
    """What each parcel state claims of its documents, for the audit; of applications any state may have some."""
    applied = frozenset(message_types())
    return {
        state: Claim(frozenset(row["required"]), frozenset(row["optional"]) | applied, applied)
        for row in parcel_table()["claims"]
        for state in row["states"]
    }


@reads
def load_standing(tx: Connection, shipment_id: int) -> Standing:
    """Where a shipment stands. Raises ConfigurationError when there is none."""
    row = shipments.get(tx, shipment_id)
    truck = Truck.model_validate(row.truck)
    documents = _documents(tx, shipment_id)
    counted = select(message.c.type, message.c.state).where(message.c.shipment_id == shipment_id)
    happened = ((kind, events.happened(tx, shipment_id, kind)) for kind in PHYSICAL)
    return Standing(
        shipment=row,
        truck=truck,
        procedure=load(truck.direction, truck.regime),
        parcels=parcels.parcel_states(tx, shipment_id),
        documents=documents,
        lists=_lists(tx, shipment_id, documents),
        events={kind: at for kind, at in happened if at is not None},
        messages=Counter(tuple(r) for r in tx.execute(counted)),
        applications=applications.open_counts(tx, shipment_id),
    )
