"""Messages and their documents, as they are looked for. `preparing` stores them, `claims` says how they leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    bindparam,
    select,
)

from adapters.ledger import bulk, ranges
from adapters.ledger.claims import PREPARED, UNKNOWN
from adapters.ledger.ledger import reads
from adapters.ledger.tables import document, list_document, message, parcel

_ONE = select(message).where(message.c.id == bindparam("b_id"))


@reads
def to_send(
    tx: Connection, shipment_id: int, authority: str | None = None, types: Sequence[str] | None = None
) -> list[Row[Any]]:
    """Prepared messages of a shipment, in the order of `types` where given, then by attempt and sequence."""
    rows = _messages(tx, PREPARED, shipment_id, authority)
    if types is None:
        return rows
    return sorted((row for row in rows if row.type in types), key=lambda row: types.index(row.type))


@reads
def unknown(tx: Connection, shipment_id: int | None = None, authority: str | None = None) -> list[Row[Any]]:
    """Messages of unknown outcome."""
    return _messages(tx, UNKNOWN, shipment_id, authority)


@reads
def listing(tx: Connection, shipment_id: int) -> list[Row[Any]]:
    """All messages of a shipment."""
    return _messages(tx, None, shipment_id, None)


@reads
def get(tx: Connection, message_id: int) -> Row[Any]:
    """One message."""
    return tx.execute(_ONE, {"b_id": message_id}).one()


@reads
def get_all(tx: Connection, message_ids: Collection[int]) -> list[Row[Any]]:
    """These messages."""
    return list(tx.execute(select(message).where(bulk.among(tx, message.c.id, message_ids))).all())


@reads
def documents(
    tx: Connection, shipment_id: int, authority: str | None = None, type: str | None = None
) -> list[Row[Any]]:
    """The documents of a shipment, every attempt in order of making, with parcel_seq, order_no and message_state."""
    columns = (document, parcel.c.seq.label("parcel_seq"), parcel.c.order_no, message.c.state.label("message_state"))
    query = select(*columns).join_from(document, message, document.c.message_id == message.c.id)
    query = query.outerjoin(parcel, document.c.parcel_id == parcel.c.id)
    query = query.where(document.c.shipment_id == shipment_id)
    if authority is not None:
        query = query.where(document.c.authority == authority)
    if type is not None:
        query = query.where(document.c.type == type)
    return list(tx.execute(query.order_by(document.c.id)).all())


@reads
def lineage(tx: Connection, shipment_id: int, seq: int | None = None) -> list[Row[Any]]:
    """Each document of a shipment (of one parcel) that follows another: its columns, and before_key, before_state, ....

    The chain of one parcel's attempts of one type, oldest first: what was declared anew or changed, after what.
    """
    d, before = document.c, document.alias("before")
    follow = select(d.id, d.previous_id).where(d.shipment_id == shipment_id, d.previous_id.is_not(None))
    pairs = tx.execute(follow).all()  # a few: without them, a database may read all documents there are for "before"
    if not pairs:
        return []
    columns = (document, parcel.c.seq.label("parcel_seq"), parcel.c.order_no, before.c.attempt.label("before_attempt"),
               before.c.business_key.label("before_key"), before.c.state.label("before_state"),
               before.c.return_status.label("before_status"))  # fmt: skip
    joined = document.join(before, document.c.previous_id == before.c.id)
    query = select(*columns).select_from(joined.outerjoin(parcel, document.c.parcel_id == parcel.c.id))
    query = query.where(bulk.among(tx, d.id, [row.id for row in pairs]))
    query = query.where(bulk.among(tx, before.c.id, {row.previous_id for row in pairs}))
    if seq is not None:
        query = query.where(parcel.c.seq == seq)
    return list(tx.execute(query.order_by(parcel.c.seq, d.type, d.attempt, d.id)).all())


@reads
def list_members(tx: Connection, shipment_id: int, document_ids: Collection[int] | None = None) -> dict[int, list[int]]:
    """The parcels (by seq) that each list document of the shipment (or of these) names, by document id."""
    members = list_document.c
    query = select(members.document_id, members.seqs).join(document, document.c.id == members.document_id)
    if document_ids is not None:
        query = query.where(members.document_id.in_(document_ids))
    query = query.where(document.c.shipment_id == shipment_id, document.c.parcel_id.is_(None))
    return {ident: ranges.read(seqs) for ident, seqs in tx.execute(query.order_by(members.document_id)).all()}


@reads
def authorities(tx: Connection, shipment_id: int) -> list[str]:
    """The authorities that messages of a shipment are for."""
    query = select(message.c.authority).distinct().where(message.c.shipment_id == shipment_id)
    return sorted(tx.execute(query).scalars().all())


@reads
def states(tx: Connection, shipment_id: int) -> Counter[tuple[str, str]]:
    """How many messages of a shipment are in each (type, state)."""
    query = select(message.c.type, message.c.state).where(message.c.shipment_id == shipment_id)
    return Counter(tuple(row) for row in tx.execute(query).all())


def _messages(tx: Connection, state: str | None, shipment_id: int | None, authority: str | None) -> list[Row[Any]]:
    c = message.c
    wanted = {c.state: state, c.shipment_id: shipment_id, c.authority: authority}
    conditions = [column == value for column, value in wanted.items() if value is not None]
    return list(tx.execute(select(message).where(*conditions).order_by(c.type, c.attempt, c.seq)).all())
