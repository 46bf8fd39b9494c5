"""What receipts need to know from the ledger: keys they leave open, documents rejected, messages come back whole."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, select, update

from adapters.contract import ReceiptRow
from adapters.ledger import bulk
from adapters.ledger.ledger import reads, writes
from adapters.ledger.settling import CONFLICT, PARKED, waiting_of
from adapters.ledger.tables import WHOLE, document, message, parcel, receipt

_ENDS = ("", "|", "\n")


def complete_keys(tx: Connection, rows: Sequence[ReceiptRow]) -> list[ReceiptRow]:
    """The rows, with a business key that lacks fields whole where just one document fits.

    CEB404 may come without payNo; a local port's relay leaves out more. Then the declared guid or preNo tells. A CEB792
    names the summary that it is about by customs' number alone.
    """
    if whole(rows):
        return list(rows)
    return [_completed(tx, row) if _open(row.business_key) else row for row in rows]


def whole(rows: Sequence[ReceiptRow]) -> bool:
    """Whether no business key of these lacks a field."""
    return not rows or not _open("\n".join(row.business_key for row in rows))


def _open(keys: str) -> bool:
    """Whether a part of a key is empty; of several keys, each in a line, whether one of them may have such a part."""
    return "||" in keys or "\n\n" in keys or "|\n" in keys or "\n|" in keys or keys[:1] in _ENDS or keys[-1:] in _ENDS


def _completed(tx: Connection, row: ReceiptRow) -> ReceiptRow:
    c, parts = document.c, row.business_key.split("|")
    mine = select(c.business_key).distinct().where(c.authority == row.authority, c.type == row.type)
    if row.invt_no:  # what customs has given another number is not meant
        mine = mine.where(c.invt_no.in_(("", row.invt_no)))
    tries: list[tuple[str, ColumnElement[bool]]] = [
        ("".join(parts), c.business_key.like("|".join(_literal(part) for part in parts), escape="\\")),
        (row.declared_guid, c.guid == row.declared_guid),
        (row.pre_no, c.pre_no == row.pre_no),
        (row.invt_no, c.invt_no == row.invt_no),
    ]
    for said, where in tries:
        found = [key for key in tx.execute(mine.where(where)).scalars() if _fits(key, parts)] if said else []
        if len(found) == 1:
            return row._replace(business_key=found[0])
    return row


@writes
def complete_parked(tx: Connection, authority: str) -> int:
    """Parked receipts with an open key, looked at again: what they speak of may be known by now. How many are."""
    r, done = receipt.c, 0
    query = select(r.id, r.type, r.business_key, r.declared_guid, r.pre_no, r.invt_no, r.cop_msg_id)
    waiting = query.where(waiting_of(authority), r.disposition == PARKED)
    for row in tx.execute(waiting).all():
        if row.cop_msg_id or "" not in row.business_key.split("|"):
            continue
        told = ReceiptRow(authority, row.type, row.business_key, "", "", None, "", row.pre_no, row.invt_no,
                          row.declared_guid)  # fmt: skip
        key = _completed(tx, told).business_key
        if key != row.business_key:
            tx.execute(update(receipt).where(r.id == row.id).values(business_key=key))
            done += 1
    return done


def _literal(part: str) -> str:
    escaped = part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped or "%"


def _fits(key: str, parts: Sequence[str]) -> bool:
    """LIKE of SQLite knows no case, and % runs over more than one part."""
    whole = key.split("|")
    return len(whole) == len(parts) and all(said in ("", part) for said, part in zip(parts, whole, strict=True))


@reads
def rejected(tx: Connection, shipment_id: int, authority: str, states: Collection[str]) -> list[Row[Any]]:
    """Documents in one of these states that no later attempt follows, with their parcel and message."""
    d = document.c
    columns = (
        d.id, d.type, d.state, d.return_status, d.return_info, parcel.c.seq, parcel.c.order_no, parcel.c.waybill_no,
        message.c.recovery, message.c.refusal, d.parcel_id, d.business_key,
    )  # fmt: skip
    joined = document.join(message, d.message_id == message.c.id).outerjoin(parcel, d.parcel_id == parcel.c.id)
    mine = select(*columns).select_from(joined).where(d.shipment_id == shipment_id, d.authority == authority)
    found = list(tx.execute(mine.where(d.state.in_(states)).order_by(d.id)).all())
    last = _last_attempts(tx, shipment_id, authority, found)
    return [row for row in found if all(last[name] <= row.id for name in _names(row) if name in last)]


def _names(row: Row[Any]) -> list[tuple[str, str, Any]]:
    """What a later attempt of a document has in common with it: the type, with its parcel or its business key."""
    own = [(row.type, "key", row.business_key)]
    return own if row.parcel_id is None else [*own, (row.type, "parcel", row.parcel_id)]


def _last_attempts(
    tx: Connection, shipment_id: int, authority: str, rows: Sequence[Row[Any]]
) -> dict[tuple[str, str, Any], int]:
    """The last document of each parcel and each business key of these ones, in a few questions however many there are.

    Asked for each of thirty rejected ones, a database reads all the truck's documents for each (100 ms on PostgreSQL).
    """
    d, last = document.c, dict[tuple[str, str, Any], int]()
    if not rows:
        return last
    parcels = {row.parcel_id for row in rows if row.parcel_id is not None}
    wheres = [bulk.among(tx, d.parcel_id, parcels)]
    for kind in {row.type for row in rows}:  # of several types together SQLite reads every document of the authority
        keys = {row.business_key for row in rows if row.type == kind}
        wheres.append(and_(d.authority == authority, d.type == kind, bulk.among(tx, d.business_key, keys)))
    query = select(d.id, d.type, d.parcel_id, d.business_key, d.shipment_id, d.authority)
    for where in wheres:
        for row in tx.execute(query.where(where)).all():
            if (row.shipment_id, row.authority) == (shipment_id, authority):
                last |= {name: row.id for name in _names(row) if last.get(name, 0) < row.id}
    return last


@reads
def come_back(
    tx: Connection, authority: str, message_ids: Collection[int], shipment_ids: Collection[int] = ()
) -> list[Row[Any]]:
    """Of these messages, or of these shipments', those of which a receipt speaks as a whole (CEB900, a late DxpRep).

    With the status of that receipt.
    """
    m, r, found = message.c, receipt.c, dict[int, Row[Any]]()
    columns = (m.id, m.shipment_id, m.type, m.documents, r.status, r.authority)
    told = message.join(receipt, and_(r.cop_msg_id == m.cop_msg_id, WHOLE))
    query = select(*columns).select_from(told).order_by(r.id)
    for mine in (bulk.among(tx, m.id, message_ids), bulk.among(tx, m.shipment_id, shipment_ids)):
        for row in tx.execute(query.where(mine)).all():
            if row.authority == authority:
                found.setdefault(row.id, row)
    return [found[ident] for ident in sorted(found)]


@reads
def conflicts(tx: Connection, shipment_ids: Collection[int], authority: str) -> list[Row[Any]]:
    """Documents of these shipments that receipts contradict, with their parcel and what those ones say."""
    d, r = document.c, receipt.c
    columns = (d.id, d.shipment_id, d.type, d.business_key, d.state, d.return_status, parcel.c.seq, parcel.c.order_no,
               parcel.c.waybill_no, r.status.label("told"), r.return_time.label("told_at"))  # fmt: skip
    against = and_(r.document_id == d.id, r.disposition == CONFLICT)
    joined = document.outerjoin(parcel, d.parcel_id == parcel.c.id).outerjoin(receipt, against)
    mine = select(*columns).select_from(joined).where(d.conflict, d.authority == authority)
    query, found = mine.order_by(d.id, r.return_time, r.id), list[Row[Any]]()
    for ident in sorted(set(shipment_ids)):  # of several together SQLite reads every document of the authority
        found += tx.execute(query.where(d.shipment_id == ident)).all()
    return found
