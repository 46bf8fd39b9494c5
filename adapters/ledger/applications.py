"""Applications: what was asked for after a declaration, by whom, why, for how much, and what became of it.

asked --approve--> approved --prepare--> prepared --receipts--> granted | refused
  '--withdraw--> withdrawn                 '-- no longer allowed --> refused (with the fault's code)
Asking twice for the same (`request`) changes nothing. The reason is sealed: people may name somebody in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, case, func, select, update

from adapters.ledger import bulk, stories
from adapters.ledger.events import record
from adapters.ledger.ledger import reads, writes
from adapters.ledger.shipments import lock
from adapters.ledger.tables import application, application_line, document, message, parcel, receipt
from mappings import clock

ASKED, APPROVED, PREPARED = "asked", "approved", "prepared"
GRANTED, REFUSED, WITHDRAWN = "granted", "refused", "withdrawn"
OPEN = (ASKED, APPROVED, PREPARED)
GOING = (APPROVED, PREPARED)  # these have an effect on their parcel
_LINE = ("application_id", "parcel_id", "gnum", "quantity")


@dataclass(frozen=True)
class Asking:
    """One application to be written down. `lines` are (parcel id, gnum, quantity scaled by 100,000)."""

    kind: str
    type: str
    number: str
    parcel_id: int | None = None
    about_id: int | None = None
    attempt: int = 1
    part: int = 1
    request: str = ""
    reason: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    after: str = ""
    was: str = ""
    was_reason: str = ""
    due_at: datetime | None = None
    lines: Sequence[tuple[int, int, int]] = ()


@writes
def add(tx: Connection, shipment_id: int, asked: Sequence[Asking], actor: str) -> list[int]:
    """Write applications down as asked; one whose number is there already changes nothing. Returns the new ids."""
    lock(tx, shipment_id)
    now, made = clock.now(), []
    for one in asked:
        values = {name: value for name, value in vars(one).items() if name != "lines"}
        values |= {"detail": dict(one.detail), "shipment_id": shipment_id, "state": ASKED, "actor": actor}
        ident = bulk.insert_once(tx, application, {**values, "asked_at": now})
        if ident is not None:
            made.append(ident)
            bulk.insert(tx, application_line, _LINE, [(ident, *line) for line in one.lines])
    for kind in dict.fromkeys(one.kind for one in asked) if made else ():
        record(tx, shipment_id, f"{kind}_asked", actor=actor, detail={"applications": len(made)})
    return made


def _move(tx: Connection, ids: Collection[int], state: str, among: Collection[str], **values: Any) -> list[Row[Any]]:
    """Applications that were in one of the states `among`, put into `state`."""
    a = application.c
    change = update(application).where(bulk.among(tx, a.id, ids), a.state.in_(among)).values(state=state, **values)
    return list(tx.execute(change.returning(a.id, a.shipment_id, a.kind)).all())


def _tell(tx: Connection, moved: Iterable[Row[Any]], what: str, actor: str) -> int:
    groups: dict[tuple[int, str], int] = {}
    for row in moved:
        groups[row.shipment_id, row.kind] = groups.get((row.shipment_id, row.kind), 0) + 1
    for (shipment_id, kind), count in sorted(groups.items()):
        record(tx, shipment_id, f"{kind}_{what}", actor=actor, detail={"applications": count})
    return sum(groups.values())


@writes
def approve(tx: Connection, ids: Collection[int], actor: str) -> int:
    """Note who approved these (each is a legal act). Returns how many were waiting for it."""
    moved = _move(tx, ids, APPROVED, (ASKED,), approved_at=clock.now(), approved_by=actor)
    return _tell(tx, moved, "approved", actor)


@writes
def withdraw(tx: Connection, ids: Collection[int], actor: str) -> int:
    """Take back what was not sent yet. Returns how many."""
    return _tell(tx, _move(tx, ids, WITHDRAWN, (ASKED, APPROVED), settled_at=clock.now()), "withdrawn", actor)


@writes
def prepared(tx: Connection, documents: Mapping[int, int]) -> None:
    """These applications (id -> document id) have their document now."""
    rows = [(ident, document_id, PREPARED) for ident, document_id in documents.items()]
    bulk.update(tx, application, ("id", "document_id", "state"), rows)


@writes
def close(tx: Connection, ids: Collection[int], state: str, code: str = "", actor: str = "customs") -> int:
    """Granted or refused, with the code of the fault where it was ours."""
    moved = _move(tx, ids, state, (*GOING, GRANTED, REFUSED), settled_at=clock.now(), code=code)
    return _tell(tx, moved, state, actor)


def _shown() -> Any:
    """Every application with its parcel and where its document stands (as its message stands, before any receipt)."""
    a, d = application.c, document.c
    said = case((d.state == "prepared", message.c.state), else_=d.state).label("document_state")
    joined = application.outerjoin(document, a.document_id == d.id).outerjoin(message, d.message_id == message.c.id)
    joined = joined.outerjoin(parcel, a.parcel_id == parcel.c.id)
    columns = (parcel.c.seq, parcel.c.order_no, parcel.c.waybill_no, said, d.return_status, d.invt_no.label("given_no"))
    return select(application, *columns).select_from(joined).order_by(a.id)


@reads
def listing(
    tx: Connection, shipment_id: int, kinds: Collection[str] = (), states: Collection[str] = ()
) -> list[Row[Any]]:
    """The applications of a shipment, oldest first, with seq, order_no, waybill_no and document_state."""
    query = _shown().where(application.c.shipment_id == shipment_id)
    query = query.where(application.c.kind.in_(kinds)) if kinds else query
    return list(tx.execute(query.where(application.c.state.in_(states)) if states else query).all())


@reads
def by_ids(tx: Connection, ids: Collection[int]) -> list[Row[Any]]:
    """These applications, as `listing` gives them."""
    return list(tx.execute(_shown().where(bulk.among(tx, application.c.id, ids))).all())


@reads
def lines(tx: Connection, ids: Collection[int]) -> list[Row[Any]]:
    """The lines of these applications: application_id, parcel_id, gnum, quantity."""
    c = application_line.c
    query = select(c.application_id, c.parcel_id, c.gnum, c.quantity).where(bulk.among(tx, c.application_id, ids))
    return list(tx.execute(query.order_by(c.id)).all())


@reads
def counted(tx: Connection, shipment_id: int, kind: str) -> dict[tuple[int, int], int]:
    """How much each goods line (parcel id, gnum) has in applications of a kind that are open or granted."""
    a, c = application.c, application_line.c
    query = select(c.parcel_id, c.gnum, func.sum(c.quantity)).join(application, a.id == c.application_id)
    mine = query.where(a.shipment_id == shipment_id, a.kind == kind, a.state.in_((*OPEN, GRANTED)))
    return {(row[0], row[1]): int(row[2]) for row in tx.execute(mine.group_by(c.parcel_id, c.gnum)).all()}


@reads
def inventories(tx: Connection, shipment_id: int, type: str) -> dict[int, Row[Any]]:
    """The latest document of a type by parcel id: id, state (before any receipt its message's), numbers, time."""
    d = document.c
    said = case((d.state == "prepared", message.c.state), else_=d.state).label("state")
    columns = (d.id, d.parcel_id, said, d.invt_no, d.pre_no, d.business_key, d.return_time)
    query = select(*columns).select_from(document.join(message)).where(d.shipment_id == shipment_id, d.type == type)
    return {row.parcel_id: row for row in tx.execute(query.order_by(d.attempt, d.id)).all()}


@reads
def first_said(tx: Connection, document_ids: Collection[int], status: str) -> dict[int, datetime]:
    """When a status was first said of each of these documents, by the receipts' own times."""
    r, heard = receipt.c, stories.of_documents(tx, document_ids)  # first: told apart meanwhile, they are rows
    query = select(r.document_id, func.min(r.return_time)).where(r.status == status)
    mine = query.where(bulk.among(tx, r.document_id, document_ids)).group_by(r.document_id)
    found = {row[0]: row[1] for row in tx.execute(mine).all()}
    for one in heard:
        if one.status == status:
            found[one.document_id] = min(found.get(one.document_id, one.return_time), one.return_time)
    return found


@reads
def declared_at(tx: Connection, document_ids: Collection[int]) -> dict[int, datetime]:
    """When the message of each of these documents was first on its way."""
    query = select(document.c.id, message.c.first_claimed_at).join(message, document.c.message_id == message.c.id)
    mine = query.where(bulk.among(tx, document.c.id, document_ids), message.c.first_claimed_at.is_not(None))
    return {row[0]: row[1] for row in tx.execute(mine).all()}


@reads
def counts(tx: Connection, shipment_id: int) -> dict[str, int]:
    """How many applications of a shipment are in each state."""
    a = application.c
    query = select(a.state, func.count()).where(a.shipment_id == shipment_id)
    return {row[0]: row[1] for row in tx.execute(query.group_by(a.state)).all()}


def _same_parcel(other: Any) -> Any:
    a = application.c
    return and_(other.c.parcel_id == a.parcel_id, other.c.kind == a.kind, other.c.id > a.id)


def doubles(tx: Connection) -> list[Row[Any]]:
    """Applications of one kind for one parcel that are open at the same time: shipment_id, kind, order_no."""
    other, a = application.alias("other"), application.c
    query = select(a.shipment_id, a.kind, parcel.c.order_no).join(other, _same_parcel(other))
    query = query.join(parcel, parcel.c.id == a.parcel_id)
    return list(tx.execute(query.where(a.state.in_(OPEN), other.c.state.in_(OPEN)).distinct()).all())


def unmoved(tx: Connection) -> list[Row[Any]]:
    """Granted cancels whose inventory is not cancelled: shipment_id, kind, order_no, state of the inventory."""
    a = application.c
    query = select(a.shipment_id, a.kind, parcel.c.order_no, document.c.state)
    query = query.join(document, document.c.id == a.about_id).join(parcel, parcel.c.id == a.parcel_id)
    return list(tx.execute(query.where(a.kind == "cancel", a.state == GRANTED, document.c.state != "cancelled")).all())
