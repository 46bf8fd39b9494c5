"""Small made-up shipments, messages and receipts for the ledger's contract tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.contract import ReceiptRow
from adapters.ledger import Ledger, at_once, claims, messages, parcels, preparing, raws, receipts, shipments
from adapters.ledger.parcels import ParcelRow
from adapters.ledger.receipts import Rank
from mappings.identity import seeded

CN = "cn_ecommerce"
ORDER, INVENTORY, LIST = "CEB303Message", "CEB603Message", "CEB607Message"
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
IDENTITIES = seeded(7)
RANKS = {
    (kind, status): rank
    for kind in (ORDER, INVENTORY, LIST)
    for status, rank in {
        "2": Rank("accepted", 20),
        "120": Rank("stored", 40),
        "399": Rank("reviewed", 60),
        "100": Rank("rejected", 75, final=True),
        "501": Rank("detained", 78, final=True, follow=frozenset({"700"})),
        "800": Rank("released", 80),
        "700": Rank("sent_back", 95, final=True),
        "899": Rank("closed", 100, final=True),
        "-1": Rank("failed", 36, final=True),
    }.items()
}


@dataclass(frozen=True)
class Doc:
    """A document to be declared."""

    business_key: str
    parcel_seq: int | None = None
    attempt: int = 1
    app_type: str = "1"
    guid: str = field(default_factory=IDENTITIES.guid)
    lists: tuple[int, ...] = ()
    digest: str = ""


@dataclass(frozen=True)
class Message:
    """A message to be declared."""

    documents: Sequence[Doc]
    type: str = ORDER
    seq: int = 1
    authority: str = CN
    owner_role: str = "platform"
    guid: str = field(default_factory=IDENTITIES.guid)


def out(docs: Sequence[Doc], type: str = ORDER, seq: int = 1, cop: str = "", body: bytes = b"<x/>") -> Any:
    """A message with its bytes, ready for add_messages."""
    said = Message(docs, type, seq)
    return preparing.Outgoing(said, body, cop or said.guid, "DXPTEST000000001")


def row(order: str, seq: int = 0, digest: str = "d1", state: str = "ready", waybill: str = "") -> ParcelRow:
    """A parcel of platform P and carrier C."""
    return ParcelRow(seq, "P", order, "C", waybill or f"W-{order}", state, "", digest)


def shipment(ledger: Ledger, waybill: str = "M1", orders: Sequence[str] = ("o1", "o2", "o3")) -> int:
    """A shipment with parcels numbered 1, 2, 3."""
    ident, _ = shipments.open_shipment(ledger, "AGENT", waybill, {"driver": {"name": "测试"}}, label=f"粤Z{waybill}")
    parcels.sync_parcels(ledger, ident, [row(order, n) for n, order in enumerate(orders, 1)])
    return ident


def declared(ledger: Ledger, ident: int, orders: Sequence[str] = ("o1", "o2", "o3"), type: str = ORDER) -> int:
    """One sent message with a document for each order. Returns its id."""
    docs = [Doc(f"P|{order}", n) for n, order in enumerate(orders, 1)]
    (message,) = preparing.add_messages(ledger, ident, [out(docs, type)]).message_ids
    assert claims.claim(ledger, message, "w")
    assert claims.settle_sent(ledger, message)
    return message


def answer(key: str, status: str, minutes: float = 1, type: str = ORDER, **more: Any) -> ReceiptRow:
    """A receipt about a business key, some minutes after NOW."""
    values: dict[str, Any] = {"guid": IDENTITIES.guid(), "info": f"[{status}]", **more}
    time = values.pop("return_time", NOW + timedelta(minutes=minutes))
    return ReceiptRow(CN, type, key, values.pop("guid"), status, time, values.pop("info"), **values)


def arrive(ledger: Ledger, *rows: ReceiptRow) -> receipts.Settled:
    """Receipts come in one raw message, and are settled."""
    raw = raws.store_raw(ledger, "in", CN, "http", "customs", repr(rows).encode())
    if not Way.at_once:
        receipts.add_receipts(ledger, raw, rows)
        return receipts.settle(ledger, CN, RANKS)
    _, settled = at_once.keep(ledger, CN, [(raw, rows)], RANKS)
    settled += receipts.settle(ledger, CN, RANKS)
    return settled


class Way:
    """Whether receipts that arrive are settled as they are kept, where they are ordinary."""

    at_once = False


def states(ledger: Ledger, ident: int) -> dict[tuple[str, int], str]:
    """State by (business key, attempt)."""
    return {(d.business_key, d.attempt): d.state for d in messages.documents(ledger, ident)}
