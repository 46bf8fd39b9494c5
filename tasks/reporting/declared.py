"""Parcels that were declared more than once: each attempt, what became of it, and which one it follows."""

from __future__ import annotations

from typing import Any

from adapters.ledger import messages
from adapters.ledger.ledger import Ledger
from mappings import states as document_states
from tasks.clearing.standing import Standing

MOST = 200


def redeclared(ledger: Ledger, standing: Standing) -> list[dict[str, Any]]:
    """One row for each document that follows another of its parcel, oldest first (the first MOST)."""
    return [_row(row) for row in messages.lineage(ledger, standing.id)[:MOST]]


def _row(row: Any) -> dict[str, Any]:
    names = document_states.document_states(row.authority).get(row.type, {})

    def name(state: str) -> str:
        return f"{names[state].zh} {names[state].en}" if state in names else state

    return {
        "订单 order": row.order_no,
        "单证 document": row.type.removesuffix("Message"),
        "第几次 attempt": row.attempt,
        "编号 key": row.business_key,
        "状态 state": name(row.state),
        "承接 follows": row.before_key,
        "原状态 its state": f"{name(row.before_state)} {row.before_status}".strip(),
    }
