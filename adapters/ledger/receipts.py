"""Receipts as they come: every one is kept once, whatever order they come in. `settling` gives them their effect."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Protocol

from sqlalchemy import Connection, Row, func, select

from adapters.ledger import bulk
from adapters.ledger.ledger import reads, writes
from adapters.ledger.settling import Rank, Ranks, Settled, settle
from adapters.ledger.tables import document, receipt
from mappings import clock

__all__ = ["Rank", "Ranks", "ReceiptLike", "Settled", "add_receipts", "counts", "of_document", "of_shipment", "settle"]

_FIELDS = ("authority", "type", "business_key", "guid", "status", "return_time", "info", "pre_no", "invt_no")
_COLUMNS = ("raw_id", *_FIELDS, "disposition", "at")


class ReceiptLike(Protocol):
    """A normalised receipt (adapters.contract.ReceiptRow). `type` is the declared type that it answers.

    A receipt about a whole message (CEB900) has the message's CopMsgId as its business key.
    """

    authority: str
    type: str
    business_key: str
    guid: str
    status: str
    return_time: datetime
    info: str
    pre_no: str
    invt_no: str


@writes
def add_receipts(tx: Connection, raw_id: int, rows: Sequence[ReceiptLike]) -> int:
    """Keep the receipts that came in one raw message; those that are known already change nothing. Returns new ones."""
    now, values = clock.now(), attrgetter(*_FIELDS)
    return bulk.insert(tx, receipt, _COLUMNS, [(raw_id, *values(row), "new", now) for row in rows], ignore=True)


@reads
def of_document(tx: Connection, document_id: int) -> list[Row[Any]]:
    """The receipts that were told of a document, by their own time."""
    query = select(receipt).where(receipt.c.document_id == document_id)
    return list(tx.execute(query.order_by(receipt.c.return_time, receipt.c.id)))


@reads
def of_shipment(tx: Connection, shipment_id: int) -> list[Row[Any]]:
    """All receipts about a shipment's documents, by their own time."""
    query = select(receipt).join(document, receipt.c.document_id == document.c.id)
    mine = query.where(document.c.shipment_id == shipment_id)
    return list(tx.execute(mine.order_by(receipt.c.return_time, receipt.c.id)))


@reads
def counts(tx: Connection, authority: str) -> dict[str, int]:
    """How many receipts of an authority are in each disposition."""
    query = select(receipt.c.disposition, func.count()).where(receipt.c.authority == authority)
    return {row[0]: row[1] for row in tx.execute(query.group_by(receipt.c.disposition))}
