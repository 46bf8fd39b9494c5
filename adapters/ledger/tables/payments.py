"""Announcement 179: customs' requests for the payment data of orders, and the answers."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from adapters.ledger.sealed import SealedText
from adapters.ledger.tables.columns import Key, count, flag, ident, instant, metadata, text, to

payment_request = Table(  # announcement 179: customs asked for the payment data of an order
    "payment_request",
    metadata,
    ident(),
    Column("session_id", Text, nullable=False),
    Column("order_no", Text, nullable=False),
    text("service_time"),
    to("raw", index=True),
    Column("state", Text, nullable=False, index=True),
    text("reason"),
    count("asked", 1),
    instant("received_at", False),
    instant("due_at", False),
    instant("answered_at"),
    UniqueConstraint("session_id", "order_no"),
)

payment_answer = Table(
    "payment_answer",
    metadata,
    ident(),
    Column("request_id", Key, ForeignKey("payment_request.id"), nullable=False),
    Column("attempt", Integer, nullable=False),
    to("raw", index=True),
    text("company_code"),
    Column("state", Text, nullable=False, index=True),
    text("claimed_by"),
    instant("claimed_at"),
    instant("first_claimed_at"),
    count("sends"),
    flag("recovery"),
    text("code"),
    Column("message", SealedText),
    to("raw", nullable=True, name="reply_raw_id", index=True),
    instant("prepared_at", False),
    instant("settled_at"),
    UniqueConstraint("request_id", "attempt"),
)

payment_event = Table(
    "payment_event",
    metadata,
    ident(),
    Column("request_id", Key, ForeignKey("payment_request.id"), nullable=False),
    Column("kind", Text, nullable=False),
    flag("alarm"),
    instant("at", False),
    Column("detail", JSON, nullable=False),
    Column("once", Text),
    UniqueConstraint("request_id", "once"),
    Index(None, "request_id", "at"),
)
