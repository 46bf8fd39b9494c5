"""The ledger's own captured payments: they complete what the payment files lack, and are compared with them.

A declaration has no raw request, answer, account or link, so what is in the ledger alone is never enough.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd

from adapters.ledger import payment_requests, sources
from adapters.ledger.ledger import Ledger
from mappings.canonical.batch import Batch
from mappings.canonical.columns import SCALE
from tasks.clearing.batches import BATCH
from tasks.payment_data.record import PaidOrder, PaymentData, Value

ROLES = {"payment.platform_code": "platform", "payment.payment_company_code": "payment_company"}
COLUMNS = {
    "payment.transaction_no": "payment.pay_no",
    "payment.amount": "payment.amount",
    "payment.currency": "payment.currency",
    "payment.paid_at": "payment.paid_at",
}


def from_ledger(ledger: Ledger, order_no: str) -> PaymentData | None:
    """What the newest shipment with a payment for this order knows of it, or None."""
    for shipment_id in payment_requests.shipments_of(ledger, order_no):
        body = sources.load_snapshot(ledger, shipment_id, BATCH)
        found = _of_batch(Batch.from_bytes(body), order_no) if body else None
        if found is not None:
            return found
    return None


def _of_batch(batch: Batch, order_no: str) -> PaymentData | None:
    rows = batch.parcels[batch.parcels["order.order_no"] == order_no]
    if rows.empty:
        return None
    row = rows.iloc[0]
    parties = batch.truck.parties
    values: dict[str, Value] = {path: parties[role].code for path, role in ROLES.items() if role in parties}
    values |= {path: _plain(row[name], name) for path, name in COLUMNS.items() if name in rows}
    lines = batch.lines[batch.lines["parcel"] == int(rows.index[0])]
    names = (lines["line.goods_name"].where(lines["line.goods_name"] != "", lines["line.item_name"])).tolist()
    return PaymentData(values, [PaidOrder({"payment.order_no": order_no}, [{"goods.name": n} for n in names if n])])


def _plain(value: Any, name: str) -> Value:
    if value is None or pd.isna(value):
        return None
    if name == "payment.amount":
        return Decimal(int(value)) / SCALE
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else str(value)
