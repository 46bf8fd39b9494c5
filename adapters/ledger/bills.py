"""Electronic tax bills (816, 818): documents that the authority opens about an inventory of ours (receipts.md, 1).

Each telling is kept as a receipt under the bill's own number, and folded like any document's. What it is about is found
by the inventory's number; one that nobody knows yet is parked, and linked once an inventory has that number.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection, Row, func, or_, select, update

from adapters.ledger import bulk, folding
from adapters.ledger.ledger import reads, writes
from adapters.ledger.settling import NEW, PARKED, SETTLED, Ranks, Settled, waiting_of
from adapters.ledger.tables import bill, document, parcel, receipt
from mappings import clock

VOID = "void"
_STATE = ("id", "document_id", "state", "rank", "status", "return_time", "final", "conflict")


class BillLike(Protocol):
    """A tax bill as told (adapters.contract.BillRow); money scaled by 100,000, None where only its status was told."""

    @property
    def tax_no(self) -> str: ...
    @property
    def invt_no(self) -> str: ...
    @property
    def customs_tax(self) -> int | None: ...
    @property
    def value_added_tax(self) -> int | None: ...
    @property
    def consumption_tax(self) -> int | None: ...
    @property
    def lines(self) -> Sequence[dict[str, Any]]: ...
    @property
    def duty_no(self) -> str: ...
    @property
    def assure_code(self) -> str: ...


@writes
def keep(tx: Connection, raw_id: int, authority: str, told: Sequence[tuple[BillLike, datetime]]) -> int:
    """Keep what bills say, each with the time of its telling; the latest amounts hold. Returns how many are new."""
    now = clock.now()
    fresh: dict[str, tuple[Any, ...]] = {
        said.tax_no: (authority, said.tax_no, said.invt_no, [], now) for said, _ in told
    }
    names = ("authority", "tax_no", "invt_no", "lines", "at")
    new = bulk.insert(tx, bill, names, list(fresh.values()), ignore=True)
    for said, at in told:
        _fill(tx, raw_id, authority, said, at)
    return new


def _fill(tx: Connection, raw_id: int, authority: str, said: BillLike, at: datetime) -> None:
    mine = update(bill).where(bill.c.authority == authority, bill.c.tax_no == said.tax_no)
    more = {name: value for name in ("duty_no", "assure_code") if (value := getattr(said, name))}
    if more:  # of the same time the last told: a bill that only tells its status has no time of its own here
        tx.execute(mine.where(or_(bill.c.amounts_at.is_(None), bill.c.amounts_at <= at)).values(more))
    if said.customs_tax is None:
        return
    values = {
        "customs_tax": said.customs_tax,
        "value_added_tax": said.value_added_tax,
        "consumption_tax": said.consumption_tax,
        "lines": list(said.lines),
        "amounts_at": at,
        "raw_id": raw_id,
    }
    tx.execute(mine.where(or_(bill.c.amounts_at.is_(None), bill.c.amounts_at < at)).values(values))


@writes
def settle(tx: Connection, authority: str, kind: str, about: Collection[str], ranks: Ranks) -> Settled:
    """Apply what was told of bills; `kind` is the type of their receipts, `about` those of the documents they mean."""
    settled = Settled()
    r = receipt.c
    told = (r.id, r.business_key, r.status, r.return_time, r.pre_no, r.invt_no, r.disposition)
    mine = select(*told, r.guid.label("info")).where(r.type == kind)
    waiting: dict[str, list[Any]] = defaultdict(list)
    for row in tx.execute(mine.where(waiting_of(authority))).all():
        waiting[row.business_key].append(row)
    if not waiting:
        return settled
    past: dict[str, list[Any]] = defaultdict(list)
    settled_before = mine.where(r.authority == authority, r.disposition.in_(SETTLED))
    for row in tx.execute(settled_before.where(bulk.among(tx, r.business_key, waiting))).all():
        past[row.business_key].append(row)
    b = select(bill.c.id, bill.c.tax_no, bill.c.invt_no).where(bill.c.authority == authority)
    rows = list(tx.execute(b.where(bulk.among(tx, bill.c.tax_no, waiting))).all())
    inventories = _inventories(tx, authority, about, {row.invt_no for row in rows})
    verdicts: list[tuple[int, int | None, str, str]] = []
    written = []
    for row in rows:
        document_id, shipment_id = inventories.get(row.invt_no, (None, None))
        held = folding.Held(state="")
        told_of = [*past[row.tax_no], *waiting[row.tax_no]]
        said = folding.advance(held, told_of, lambda status: ranks.get((kind, status)))
        written.append((row.id, document_id, held.state, held.rank, held.status, held.time, held.final, held.conflict))
        verdicts += _verdicts(waiting[row.tax_no], said, document_id)
        if shipment_id is not None:
            settled.shipments.add(shipment_id)
    bulk.update(tx, bill, _STATE, written)
    bulk.update(tx, receipt, ("id", "document_id", "disposition", "reason"), verdicts)
    settled.counts = Counter(verdict[2] for verdict in verdicts)
    return settled


def _verdicts(rows: list[Any], said: dict[int, str], document_id: int | None) -> list[tuple[int, int | None, str, str]]:
    """What became of each telling; what was parked and stays so is not written again."""
    found = []
    for row in rows:
        if row.id not in said:
            verdict = (row.id, document_id, PARKED, f"unknown status {row.status}")
        elif document_id is None:
            verdict = (row.id, None, PARKED, "unknown inventory")
        else:
            verdict = (row.id, document_id, said[row.id], "")
        if row.disposition == NEW or verdict[2] != PARKED:
            found.append(verdict)
    return found


def _inventories(
    tx: Connection, authority: str, about: Collection[str], numbers: set[str]
) -> dict[str, tuple[int | None, int | None]]:
    """The document (its newest attempt) and shipment of each inventory number that we know."""
    d = document.c
    query = select(d.invt_no, d.id, d.shipment_id).where(d.authority == authority, d.type.in_(about))
    rows = tx.execute(query.where(bulk.among(tx, d.invt_no, numbers), d.invt_no != "").order_by(d.id))
    return {number: (ident, shipment_id) for number, ident, shipment_id in rows}


@reads
def of_shipment(tx: Connection, shipment_id: int) -> list[Row[Any]]:
    """Every tax bill about a shipment's parcels: the bill's columns, with seq and order_no of its parcel."""
    joined = bill.join(document, bill.c.document_id == document.c.id).join(parcel, document.c.parcel_id == parcel.c.id)
    query = select(bill, parcel.c.seq, parcel.c.order_no).select_from(joined)
    return list(tx.execute(query.where(document.c.shipment_id == shipment_id).order_by(parcel.c.seq, bill.c.id)).all())


@reads
def states(tx: Connection, shipment_id: int) -> dict[int, Counter[str]]:
    """How many tax bills each parcel has in each state, by seq."""
    joined = bill.join(document, bill.c.document_id == document.c.id).join(parcel, document.c.parcel_id == parcel.c.id)
    query = select(parcel.c.seq, bill.c.state, func.count()).select_from(joined)
    query = query.where(document.c.shipment_id == shipment_id).group_by(parcel.c.seq, bill.c.state)
    found: dict[int, Counter[str]] = {}
    for seq, state, count in tx.execute(query).all():
        found.setdefault(seq, Counter())[state] = count
    return found
