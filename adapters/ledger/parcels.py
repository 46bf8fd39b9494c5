"""Parcels: (platform, order) and (carrier, waybill) are the identity; a new file is a new version of its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, and_, exists, func, select, update

from adapters.ledger import bulk, written
from adapters.ledger.ledger import reads, writes
from adapters.ledger.shipments import lock
from adapters.ledger.tables import DEAD, document, parcel
from adapters.ledger.touches import touch
from mappings import clock
from mappings.canonical import digests as contents
from mappings.canonical.batch import Batch
from mappings.errors import DataFault

DIGEST = "parcel.digest"
_COLUMNS = (
    "shipment_id", "seq", "platform_code", "order_no", "carrier_code", "waybill_no", "state", "reason", "digest",
    "state_at",
)  # fmt: skip


class ParcelRow(NamedTuple):
    """A parcel as a file has it; `digest` covers all that is declared of it."""

    seq: int
    platform_code: str
    order_no: str
    carrier_code: str
    waybill_no: str
    state: str
    reason: str
    digest: str


class Elsewhere(NamedTuple):
    """A parcel that is declared in another shipment; `by` says what is the same: "order" or "waybill"."""

    order_no: str
    waybill_no: str
    shipment_id: int
    by: str


@dataclass
class Changes:
    """What a new version of the rows changes, as order numbers; `seqs` is each row's number in the ledger."""

    new: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    elsewhere: list[Elsewhere] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)


def rows_of(batch: Batch) -> list[ParcelRow]:
    """The parcels of a batch as the ledger keeps them."""
    parties, frame = batch.truck.parties, batch.parcels
    platform, carrier = (parties[role].code if role in parties else "" for role in ("platform", "carrier"))
    columns = ("parcel.seq", "order.order_no", "waybill.waybill_no", "parcel.state", "parcel.reason")
    values = zip(*(frame[name].tolist() for name in columns), digests(batch), strict=True)
    return [
        ParcelRow(seq, platform, order, carrier, waybill or "", state, reason, digest)
        for seq, order, waybill, state, reason, digest in values
    ]


def digests(batch: Batch) -> list[str]:
    """The digest of each parcel: the match has made them; for a batch of another origin they are made here."""
    if DIGEST in batch.parcels:
        return batch.parcels[DIGEST].tolist()
    return contents.digests(batch.parcels, batch.lines)


@writes
def sync_parcels(
    tx: Connection, shipment_id: int, rows: Sequence[ParcelRow], correctable: Iterable[str] = ("rejected",)
) -> Changes:
    """Bring the parcels of a shipment to what a file says.

    A changed parcel is updated unless it is declared (it has a live document and its state is not `correctable`):
    then it is left as it is and reported among the conflicts. A row's own seq is kept for a new parcel where free.
    """
    _refuse_doubles(rows)
    lock(tx, shipment_id)
    known = {(r.platform_code, r.order_no): r for r in _known(tx, shipment_id)}
    free, allowed, now = _numbers(row.seq for row in known.values()), set(correctable), clock.now()
    changes, fresh, altered = Changes(), [], []
    for row in rows:
        old = known.get((row.platform_code, row.order_no))
        changes.seqs.append(old.seq if old else free(row.seq))
        if old is None:
            changes.new.append(row.order_no)
            fresh.append((shipment_id, changes.seqs[-1], *row[1:], now))
        elif old.digest == row.digest:
            changes.unchanged.append(row.order_no)
        elif old.declared and old.state not in allowed:
            changes.conflicts.append(row.order_no)
        else:
            changes.changed.append(row.order_no)
            altered.append((old.id, *row[3:], old.version + 1, now))
    bulk.insert(tx, parcel, _COLUMNS, fresh)
    names = ("id", "carrier_code", "waybill_no", "state", "reason", "digest", "version", "state_at")
    bulk.update(tx, parcel, names, altered)
    changes.elsewhere = elsewhere(tx, shipment_id)
    return changes


def _refuse_doubles(rows: Sequence[ParcelRow]) -> None:
    counts = Counter((row.platform_code, row.order_no) for row in rows)
    doubles = sorted(order for (_, order), count in counts.items() if count > 1)
    if doubles:
        raise DataFault(f"订单重复。The same order stands in several parcels: {', '.join(doubles[:10])}", list(doubles))


class _numbers:
    """Gives out parcel numbers: the one wished for where it is free, else the next."""

    def __init__(self, taken: Iterable[int]) -> None:
        self.taken = set(taken)
        self.last = max(self.taken, default=0)

    def __call__(self, wish: int) -> int:
        number = wish if wish > 0 and wish not in self.taken else self.last + 1
        self.taken.add(number)
        self.last = max(self.last, number)
        return number


def _live(of: Any) -> Any:
    return exists().where(document.c.parcel_id == of.c.id, document.c.state.not_in(DEAD))


def _known(tx: Connection, shipment_id: int) -> list[Row[Any]]:
    c = parcel.c
    columns = (c.id, c.seq, c.platform_code, c.order_no, c.state, c.digest, c.version, _live(parcel).label("declared"))
    return list(tx.execute(select(*columns).where(c.shipment_id == shipment_id)).all())


def _same(other: Any) -> dict[str, Any]:
    """When a parcel of another shipment is this one: by its order, or by the waybill of another order."""
    return {
        "order": and_(other.c.platform_code == parcel.c.platform_code, other.c.order_no == parcel.c.order_no),
        "waybill": and_(
            other.c.carrier_code == parcel.c.carrier_code,
            other.c.waybill_no == parcel.c.waybill_no,
            parcel.c.waybill_no != "",
            other.c.order_no != parcel.c.order_no,
        ),
    }


@reads
def attempts_elsewhere(tx: Connection, shipment_id: int, seqs: Collection[int]) -> dict[tuple[str, int], int]:
    """The highest attempt that others made of these parcels (seqs), by type and seq: the attempts of a key go on."""
    other, found = parcel.alias("other"), dict[tuple[str, int], int]()
    for condition in _same(other).values():
        query = select(document.c.type, parcel.c.seq, func.max(document.c.attempt)).select_from(
            parcel.join(other, condition).join(document, document.c.parcel_id == other.c.id)
        )
        query = query.where(parcel.c.shipment_id == shipment_id, bulk.among(tx, parcel.c.seq, seqs))
        query = query.where(other.c.shipment_id != shipment_id)
        for kind, seq, attempt in tx.execute(query.group_by(document.c.type, parcel.c.seq)).all():
            found[kind, seq] = max(attempt, found.get((kind, seq), 0))
    return found


@reads
def elsewhere(tx: Connection, shipment_id: int, state: str = "") -> list[Elsewhere]:
    """Parcels of this shipment (only those in a state, where one is given) that have a live document in another one."""
    other, found = parcel.alias("other"), list[Elsewhere]()
    for by, condition in _same(other).items():
        query = select(parcel.c.order_no, parcel.c.waybill_no, other.c.shipment_id, other.c.id).join(other, condition)
        query = query.where(parcel.c.shipment_id == shipment_id, other.c.shipment_id != shipment_id)
        if state:
            query = query.where(parcel.c.state == state)
        rows = tx.execute(query.order_by(parcel.c.seq, other.c.id)).all()
        live = _declared(tx, [row.id for row in rows])
        found += [Elsewhere(row.order_no, row.waybill_no, row.shipment_id, by) for row in rows if row.id in live]
    return found


def _declared(tx: Connection, parcel_ids: Sequence[int]) -> set[int]:
    """Those of these parcels that have a live document: asked of those alone that stand twice, as hardly any does."""
    if not parcel_ids:
        return set()
    query = select(document.c.parcel_id).where(bulk.among(tx, document.c.parcel_id, parcel_ids))
    return set(tx.execute(query.where(document.c.state.not_in(DEAD))).scalars())


@reads
def count(tx: Connection, shipment_id: int) -> int:
    """How many parcels a shipment has."""
    return int(tx.execute(select(func.count()).where(parcel.c.shipment_id == shipment_id)).scalar_one())


@reads
def listing(tx: Connection, shipment_id: int) -> list[Row[Any]]:
    """The parcels of a shipment by seq."""
    return list(tx.execute(select(parcel).where(parcel.c.shipment_id == shipment_id).order_by(parcel.c.seq)).all())


@reads
def parcel_states(tx: Connection, shipment_id: int) -> dict[int, tuple[str, str]]:
    """State and reason of each parcel, by seq."""
    query = select(parcel.c.seq, parcel.c.state, parcel.c.reason).where(parcel.c.shipment_id == shipment_id)
    return {seq: (state, reason) for seq, state, reason in tx.execute(query.order_by(parcel.c.seq)).all()}


@reads
def brief(tx: Connection, shipment_id: int, since: int = 0) -> list[Row[Any]]:
    """Id, seq, state and reason of each parcel, by seq; of those alone written `since` a snapshot (`written`)."""
    c = parcel.c
    query = select(c.id, c.seq, c.state, c.reason).where(c.shipment_id == shipment_id)
    return list(tx.execute(written.since(query, parcel, since).order_by(c.seq)).all())


@reads
def in_state(tx: Connection, shipment_id: int, state: str, reason: str) -> list[Row[Any]]:
    """The parcels of a shipment in one state for one reason, by seq."""
    query = select(parcel).where(
        parcel.c.shipment_id == shipment_id, parcel.c.state == state, parcel.c.reason == reason
    )
    return list(tx.execute(query.order_by(parcel.c.seq)).all())


@writes
def set_parcel_states(tx: Connection, shipment_id: int, states: Mapping[int, tuple[str, str]], said: str = "") -> int:
    """Set state and reason of the parcels named by seq, in one go. Returns how many really changed.

    `said` is what the change says of itself (touches.HEARD: nobody did anything; touches.BY).
    """
    if not states:
        return 0
    query, now = select(parcel.c.seq, parcel.c.id, parcel.c.state, parcel.c.reason), clock.now()
    alike: dict[tuple[str, str], list[int]] = {}
    query = query.where(parcel.c.shipment_id == shipment_id, bulk.among(tx, parcel.c.seq, states))
    for seq, ident, state, reason in tx.execute(query).all():
        if states[seq] != (state, reason):
            alike.setdefault(states[seq], []).append(ident)
    if alike:
        lock(tx, shipment_id)  # and so noted as changed
    for (state, reason), idents in alike.items():
        change = update(parcel).where(bulk.among(tx, parcel.c.id, idents))
        tx.execute(change.values(state=state, reason=reason, state_at=now))
    touch(tx, [shipment_id] if alike else [], said)
    return sum(map(len, alike.values()))
