"""Messages as they are prepared: stored with their documents and bytes, ready to leave.

`messages` finds them, `claims` says how they leave.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from sqlalchemy import (
    Connection,
    Table,
    insert,
    select,
)
from sqlalchemy.exc import IntegrityError

from adapters.ledger import bulk, ranges
from adapters.ledger.claims import PREPARED
from adapters.ledger.ledger import Ledger, writes
from adapters.ledger.sealed import Ready
from adapters.ledger.shipments import lock
from adapters.ledger.tables import document, list_document, message, parcel, raw
from adapters.ledger.touches import UNEXPLAINED, touch
from mappings import clock
from mappings.errors import DataFault

_DOCUMENT = (
    "message_id", "shipment_id", "parcel_id", "authority", "type", "business_key", "attempt", "app_type", "guid",
    "previous_id", "state", "digest",
)  # fmt: skip


class DocumentLike(Protocol):
    """A document inside an outgoing message (tasks.conversion.OutDocument)."""

    guid: str
    business_key: str
    parcel_seq: int | None
    attempt: int
    app_type: str
    # and, where it has them: digest (of its content), lists (parcel.seq of the parcels that a list names)


class MessageLike(Protocol):
    """An outgoing message before it is sealed (tasks.conversion.OutMessage)."""

    authority: str
    type: str
    seq: int
    guid: str
    owner_role: str

    @property
    def documents(self) -> Sequence[DocumentLike]:
        """The documents inside, in order."""


@dataclass(frozen=True)
class Outgoing:
    """A message and the exact bytes that will be posted (signed, enveloped): a recovery sends the same ones."""

    message: MessageLike
    body: bytes
    cop_msg_id: str
    sender_dxp: str = ""
    channel: str = "http"
    media_type: str = "application/xml"
    kept: Ready | None = None  # the bytes as the ledger keeps them, where `ready` has made them before


def ready(ledger: Ledger, outgoing: Sequence[Outgoing]) -> list[Outgoing]:
    """The same messages, compressed and sealed before the transaction that stores them begins."""
    return [replace(out, kept=ledger.vault.ready(out.body, soon=True)) for out in outgoing]


@dataclass
class Added:
    """What `add_messages` wrote: ids of new messages; `known` counts messages that had been prepared before."""

    message_ids: list[int] = field(default_factory=list)
    known: int = 0


@writes
def add_messages(tx: Connection, shipment_id: int, outgoing: Sequence[Outgoing]) -> Added:
    """Store messages as prepared, with their bytes and documents, in one transaction.

    A message all of whose documents (type, business key, attempt) are there was prepared before: nothing happens.
    One of which only a part is there would declare that part twice: DataFault. A sequence number that another
    message of the same attempt has is replaced by the next free one.
    """
    lock(tx, shipment_id)
    if all(doc.attempt == 1 for out in outgoing for doc in out.message.documents):
        trial = tx.begin_nested()
        try:  # nearly always none of them is there: the database says so as they are stored
            added = _added(tx, shipment_id, outgoing, {})
            trial.commit()
        except IntegrityError:
            trial.rollback()
        else:
            return added
    return _added(tx, shipment_id, outgoing, _present(tx, outgoing))


def _added(
    tx: Connection, shipment_id: int, outgoing: Sequence[Outgoing], present: dict[tuple[str, str, str, int], int | None]
) -> Added:
    """The same with those attempts of the documents' business keys that are `present`, by id."""
    added, fresh = Added(), list[Outgoing]()
    for out in outgoing:
        keys = _keys(out.message)
        there = len(keys & present.keys())
        if there == len(keys) and keys:
            added.known += 1
            continue
        if there:
            raise DataFault(
                f"部分单证已备好，未保存。{there} of {len(keys)} documents of {out.message.type} {out.message.seq} are "
                "prepared in another message already; nothing was stored.",
                list[object](sorted(keys & present.keys())),
            )
        fresh.append(out)
        present.update(dict.fromkeys(keys))
    added.message_ids = _store(tx, shipment_id, fresh)
    parcels, documents = _parcel_ids(tx, shipment_id, fresh), list[tuple[Any, ...]]()
    earlier = _earlier(tx, fresh, parcels)
    for out, ident in zip(fresh, added.message_ids, strict=True):
        documents += _documents(shipment_id, ident, out.message, parcels, present, earlier)
    bulk.insert(tx, document, _DOCUMENT, documents)
    for authority in {out.message.authority for out in fresh if any(doc.attempt > 1 for doc in out.message.documents)}:
        touch(tx, [shipment_id], what=UNEXPLAINED + authority)  # what was said of the attempt before is over
    _list(tx, outgoing, shipment_id)
    return added


def _keys(out: MessageLike) -> set[tuple[str, str, str, int]]:
    return {(out.authority, out.type, doc.business_key, doc.attempt) for doc in out.documents}


def _present(tx: Connection, outgoing: Sequence[Outgoing]) -> dict[tuple[str, str, str, int], int | None]:
    """All attempts of the documents' business keys that the ledger has, with their ids."""
    wanted: dict[tuple[str, str], set[str]] = {}
    for out in outgoing:
        keys = wanted.setdefault((out.message.authority, out.message.type), set())
        keys.update(doc.business_key for doc in out.message.documents)
    c, found = document.c, {}
    for (authority, kind), keys in wanted.items():
        query = select(c.authority, c.type, c.business_key, c.attempt, c.id)
        mine = query.where(c.authority == authority, c.type == kind, bulk.among(tx, c.business_key, keys))
        found.update({tuple(row[:4]): row.id for row in tx.execute(mine).all()})
    return found


def _seqs(tx: Connection, shipment_id: int) -> dict[tuple[str, str, int], set[int]]:
    c = message.c
    found: dict[tuple[str, str, int], set[int]] = {}
    for authority, kind, attempt, seq in tx.execute(
        select(c.authority, c.type, c.attempt, c.seq).where(c.shipment_id == shipment_id)
    ).all():
        found.setdefault((authority, kind, attempt), set()).add(seq)
    return found


def _parcel_ids(tx: Connection, shipment_id: int, outgoing: Sequence[Outgoing]) -> dict[int | None, int]:
    """The ids of the parcels that these documents are about, by seq: of a truck's thousands often a few, or none."""
    seqs = {doc.parcel_seq for out in outgoing for doc in out.message.documents} - {None}
    if not seqs:
        return {}
    query = select(parcel.c.seq, parcel.c.id).where(parcel.c.shipment_id == shipment_id)
    return dict(tx.execute(query.where(bulk.among(tx, parcel.c.seq, seqs))).tuples().all())


def _store(tx: Connection, shipment_id: int, outgoing: Sequence[Outgoing]) -> list[int]:
    """Raw bytes and message rows; the ids of the messages. A message's attempt is the highest of its documents'."""
    seqs, now, raws, rows = _seqs(tx, shipment_id), clock.now(), [], []
    for out in outgoing:
        said = out.message
        attempt = max((doc.attempt for doc in said.documents), default=1)
        taken = seqs.setdefault((said.authority, said.type, attempt), set())
        seq = said.seq if said.seq not in taken else max(taken) + 1
        taken.add(seq)
        raws.append({
            "direction": "out", "authority": said.authority, "channel": out.channel, "peer": out.sender_dxp,
            "media_type": out.media_type, "sha256": hashlib.sha256(out.body).hexdigest(), "size": len(out.body),
            "body": out.kept or out.body, "at": now, "shipment_id": shipment_id, "state": "read",
        })  # fmt: skip
        rows.append({
            "shipment_id": shipment_id, "authority": said.authority, "type": said.type, "seq": seq, "attempt": attempt,
            "guid": said.guid, "cop_msg_id": out.cop_msg_id, "sender_dxp": out.sender_dxp,
            "owner_role": said.owner_role, "documents": len(said.documents), "state": PREPARED,
        })  # fmt: skip
    ids = _insert(tx, raw, raws)
    return _insert(tx, message, [{**row, "raw_id": ident} for row, ident in zip(rows, ids, strict=True)])


def _insert(tx: Connection, table: Table, rows: list[dict[str, Any]]) -> list[int]:
    """The ids of the rows, in their order."""
    if not rows:
        return []
    statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    return list(tx.execute(statement, rows).scalars())


def _documents(
    shipment_id: int,
    message_id: int,
    said: MessageLike,
    parcels: dict[int | None, int],
    present: dict[tuple[str, str, str, int], int | None],
    earlier: dict[tuple[str, int | None, int], int],
) -> list[tuple[Any, ...]]:
    authority, kind = said.authority, said.type

    def previous(doc: DocumentLike) -> int | None:
        """The attempt before: of the same business key, or (an inventory has a new number) of the same parcel."""
        same = present.get((authority, kind, doc.business_key, doc.attempt - 1))
        return same or earlier.get((kind, doc.parcel_seq, doc.attempt - 1))

    return [
        (
            message_id, shipment_id, None if doc.parcel_seq is None else parcels[doc.parcel_seq], authority, kind,
            doc.business_key, doc.attempt, doc.app_type, doc.guid,
            None if doc.attempt == 1 else previous(doc), PREPARED, getattr(doc, "digest", ""),
        )
        for doc in said.documents
    ]  # fmt: skip


def _earlier(
    tx: Connection, outgoing: Sequence[Outgoing], parcels: dict[int | None, int]
) -> dict[tuple[str, int | None, int], int]:
    """The documents of the parcels that are declared anew here, by type, parcel and attempt.

    They are few of a truck's thousands: asked by shipment, a database reads every document of the truck.
    """
    again = [(out.message.type, doc.parcel_seq) for out in outgoing for doc in out.message.documents if doc.attempt > 1]
    seqs = {parcels[seq]: seq for _, seq in again if seq is not None}
    if not seqs:
        return {}
    d = document.c
    mine = select(d.type, d.parcel_id, d.attempt, d.id).where(bulk.among(tx, d.parcel_id, seqs))
    types = {kind for kind, _ in again}
    return {
        (kind, seqs[parcel_id], attempt): ident
        for kind, parcel_id, attempt, ident in tx.execute(mine.where(d.type.in_(types))).all()
    }


def _list(tx: Connection, outgoing: Sequence[Outgoing], shipment_id: int) -> None:
    """Note which parcels each list document names: it is about the whole truck, as few are."""
    naming = [doc for out in outgoing for doc in out.message.documents if getattr(doc, "lists", ())]
    if not naming:
        return
    lists = {doc.guid: getattr(doc, "lists", ()) for doc in naming}
    mine = select(document.c.id, document.c.guid).where(document.c.shipment_id == shipment_id)
    mine = mine.where(document.c.parcel_id.is_(None), document.c.guid.in_(lists))
    name_parcels(tx, {row.id: lists[row.guid] for row in tx.execute(mine).all()})


def name_parcels(tx: Connection, seqs: Mapping[int, Collection[int]]) -> None:
    """Note which parcels (by seq, of its own shipment) each list document names, by its id: that stays as it is."""
    rows = [(ident, ranges.written(named)) for ident, named in seqs.items() if named]
    bulk.insert(tx, list_document, ("document_id", "seqs"), rows, ignore=True)
