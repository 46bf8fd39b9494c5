"""Receipts as they come: every one is kept once, whatever order they come in. `settling` gives them their effect.

Ordinary ones, that had their effect as they came (`at_once`), are in `stories`; what reads receipts here reads both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Protocol

from sqlalchemy import Connection, Row, func, select

from adapters.ledger import bulk, stories
from adapters.ledger.folding import APPLIED
from adapters.ledger.ledger import reads, writes
from adapters.ledger.settling import (
    NEW,
    PARKED,
    PARTNER,
    STRANGER,
    UNUSABLE,
    Meaning,
    Rank,
    Ranks,
    Settled,
    settle,
    waiting_of,
)
from adapters.ledger.stories import Receipt
from adapters.ledger.tables import document, receipt, story
from mappings import clock

__all__ = [
    "Meaning",
    "Rank",
    "Ranks",
    "Receipt",
    "ReceiptLike",
    "Settled",
    "add_all",
    "add_receipts",
    "counts",
    "of_document",
    "of_shipment",
    "settle",
]

_FIELDS = (
    "authority", "type", "business_key", "guid", "status", "info", "pre_no", "invt_no", "declared_guid", "cop_msg_id",
)  # fmt: skip
_COLUMNS = ("raw_id", *_FIELDS, "return_time", "reason", "disposition", "at")


class ReceiptLike(Protocol):
    """A normalised receipt (adapters.contract.ReceiptRow). `type` is the declared type that it answers.

    `declared_guid` is the document's own guid where the text gives it back, `cop_msg_id` names the message of a receipt
    about a whole message (CEB900), `problem` says why a receipt cannot be applied.
    """

    @property
    def authority(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def business_key(self) -> str: ...
    @property
    def guid(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def return_time(self) -> datetime | None: ...
    @property
    def info(self) -> str: ...
    @property
    def pre_no(self) -> str: ...
    @property
    def invt_no(self) -> str: ...
    @property
    def declared_guid(self) -> str: ...
    @property
    def cop_msg_id(self) -> str: ...
    @property
    def problem(self) -> str: ...


@writes
def add_receipts(tx: Connection, raw_id: int, rows: Sequence[ReceiptLike]) -> int:
    """Keep the receipts of one raw message; known ones change nothing. Returns how many were new."""
    return add_all(tx, [(raw_id, rows)])


@writes
def add_all(tx: Connection, brought: Iterable[tuple[int, Sequence[ReceiptLike]]]) -> int:
    """Keep the receipts of many raw messages, by their ids; known ones change nothing. Returns how many were new.

    One with a problem is kept as "unusable": it never moves a document.
    """
    now, values = clock.now(), attrgetter(*_FIELDS)
    pairs = [(raw_id, row) for raw_id, rows in brought for row in rows]
    known = stories.known(tx, [row for _, row in pairs])
    kept = [
        (raw_id, *values(row), row.return_time or stories.NO_TIME, row.problem, UNUSABLE if row.problem else NEW, now)
        for place, (raw_id, row) in enumerate(pairs)
        if place not in known
    ]
    return bulk.insert(tx, receipt, _COLUMNS, kept, ignore=True)


@reads
def of_document(tx: Connection, document_id: int) -> list[Receipt]:
    """The receipts that were told of a document, by their own time."""
    return _of(tx, [document_id])


@reads
def of_shipment(tx: Connection, shipment_id: int) -> list[Receipt]:
    """All receipts about a shipment's documents, by their own time."""
    return _of(tx, tx.execute(select(document.c.id).where(document.c.shipment_id == shipment_id)).scalars().all())


def _of(tx: Connection, idents: Sequence[int]) -> list[Receipt]:
    heard = stories.of_documents(tx, idents)  # first: what is told apart meanwhile is then among the rows
    query = select(*(receipt.c[name] for name in Receipt._fields)).where(bulk.among(tx, receipt.c.document_id, idents))
    found = [Receipt._make(row) for row in tx.execute(query.order_by(receipt.c.id)).all()]
    return sorted({_told(one): one for one in (*found, *heard)}.values(), key=attrgetter("return_time"))


_told = attrgetter("document_id", "type", "status", "return_time", "guid")  # what tells one from the others


@reads
def strangers(tx: Connection, authority: str) -> list[Row[Any]]:
    """The parked receipts about documents that the ledger does not have."""
    c = receipt.c
    query = select(c.id, c.type, c.business_key).where(waiting_of(authority), c.disposition == PARKED)
    return list(tx.execute(query.where(c.reason == STRANGER).order_by(c.id)).all())


@writes
def keep_for_partner(tx: Connection, ids: Sequence[int]) -> None:
    """Receipts about documents that a partner sent itself: kept, and waiting for nothing."""
    bulk.update(
        tx, receipt, ("id", "disposition", "reason"), [(ident, PARTNER, "sent by the partner itself") for ident in ids]
    )


@reads
def counts(tx: Connection, authority: str) -> dict[str, int]:
    """How many receipts of an authority are in each disposition."""
    query = select(receipt.c.disposition, func.count()).where(receipt.c.authority == authority)
    found = Counter({row[0]: row[1] for row in tx.execute(query.group_by(receipt.c.disposition)).all()})
    mine = select(func.coalesce(func.sum(story.c.receipts), 0)).where(story.c.authority == authority)
    return dict(+(found + Counter({APPLIED: int(tx.execute(mine).scalar_one())})))
