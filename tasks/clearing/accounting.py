"""Accounting for what was captured: every order of a truck's latest batch is a parcel of the ledger, exactly once.

A part of the audit beside adapters/ledger/audit: that one holds the ledger against itself, this one against the batch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from adapters.ledger import Ledger, parcels, shipments, sources
from adapters.ledger.audit import ERROR, Finding
from mappings.canonical.batch import Batch
from tasks.clearing.batches import BATCH

MOST = 20  # orders that a finding names
TEXTS = {
    "captured-not-kept": ("有 {count} 个订单已采集，但包裹表中没有：{orders}",
                          "{count} orders were captured, but are no parcels of the ledger: {orders}"),
    "captured-twice": ("有 {count} 个订单在批次中出现多次：{orders}",
                       "{count} orders stand more than once in the batch: {orders}"),
    "kept-not-captured": ("有 {count} 个包裹不在最新批次中：{orders}",
                          "{count} parcels of the ledger are not in the latest batch: {orders}"),
}  # fmt: skip


def findings(ledger: Ledger) -> list[Finding]:
    """Every shipment whose parcels are not the orders of its latest batch; [] when all are accounted for."""
    return [found for row in shipments.listing(ledger) for found in _of(ledger, int(row.id))]


def _of(ledger: Ledger, shipment_id: int) -> Iterator[Finding]:
    body = sources.load_snapshot(ledger, shipment_id, BATCH)
    kept = Counter(row.order_no for row in parcels.listing(ledger, shipment_id))
    captured = Counter(Batch.from_bytes(body).parcels["order.order_no"].tolist() if body else [])
    wrong = {
        "captured-not-kept": captured.keys() - kept.keys(),
        "captured-twice": {order for order, count in captured.items() if count > 1},
        "kept-not-captured": kept.keys() - captured.keys(),
    }
    for code, orders in wrong.items():
        if orders:
            told = ", ".join(sorted(orders)[:MOST]) + (" …" if len(orders) > MOST else "")
            zh, en = (text.format(count=len(orders), orders=told) for text in TEXTS[code])
            yield Finding(code, ERROR, shipment_id, zh, en)
