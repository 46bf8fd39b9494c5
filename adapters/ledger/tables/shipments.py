"""Shipments: what came in of each, its parcels, and what is known and told of it; who works on it, and how far."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, UniqueConstraint, literal_column

from adapters.ledger.sealed import SealedBytes, SealedDetail, SealedJson, SealedLine, SealedText
from adapters.ledger.tables.columns import count, flag, ident, instant, metadata, text, to

shipment = Table(
    "shipment",
    metadata,
    ident(),
    Column("agent_code", Text, nullable=False),
    Column("master_waybill", Text, nullable=False),
    text("label", index=True),
    text("regime"),
    text("corridor"),
    Column("state", Text, nullable=False),
    text("previous_state"),
    flag("held"),
    Column("held_reason", SealedLine, nullable=False, server_default=""),
    instant("approved_at"),
    text("approved_by"),
    Column("truck", SealedJson, nullable=False),
    text("source"),
    instant("created_at", False),
    instant("updated_at", False),
    instant("closed_at"),
    count("version", 1),
    UniqueConstraint("agent_code", "master_waybill"),
)
OPEN = shipment.c.state != literal_column("'closed'")
Index("ix_shipment_open", shipment.c.id, sqlite_where=OPEN, postgresql_where=OPEN)
ENDED = shipment.c.state == literal_column("'closed'")
Index("ix_shipment_ended", shipment.c.updated_at, sqlite_where=ENDED, postgresql_where=ENDED)

raw = Table(
    "raw",
    metadata,
    ident(),
    Column("direction", Text, nullable=False),
    Column("authority", Text, nullable=False),
    text("channel"),
    text("peer"),
    text("media_type"),
    Column("sha256", Text, nullable=False, index=True),
    Column("size", BigInteger, nullable=False),
    Column("body", SealedBytes, nullable=False),
    instant("at", False),
    to("shipment", nullable=True, index=True),
    Column("state", Text, nullable=False),
    text("reason"),
    instant("erased_at"),
    Index(None, "authority", "direction", "state"),
)

source_file = Table(
    "source_file",
    metadata,
    ident(),
    to("shipment", index=True),
    to("raw", nullable=True),
    Column("name", Text, nullable=False),
    text("kind"),
    text("profile"),
    text("sender"),
    count("rows"),
    Column("version", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
    instant("at", False),
    UniqueConstraint("shipment_id", "kind", "sender", "version"),
)

snapshot = Table(
    "snapshot",
    metadata,
    ident(),
    to("shipment"),
    Column("stage", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", SealedBytes, nullable=False),
    Column("sha256", Text, nullable=False),
    instant("at", False),
    UniqueConstraint("shipment_id", "stage", "version"),
)

parcel = Table(
    "parcel",
    metadata,
    ident(),
    to("shipment"),
    Column("seq", Integer, nullable=False),
    Column("platform_code", Text, nullable=False),
    Column("order_no", Text, nullable=False),
    text("carrier_code"),
    text("waybill_no"),
    Column("state", Text, nullable=False),
    text("reason"),
    text("digest"),
    count("version", 1),
    instant("state_at", False),
    UniqueConstraint("shipment_id", "seq"),
    UniqueConstraint("platform_code", "order_no", "shipment_id"),
    Index(None, "carrier_code", "waybill_no"),
)

fault = Table(
    "fault",
    metadata,
    ident(),
    to("shipment"),
    to("parcel", nullable=True),
    text("order_no"),
    text("waybill_no"),
    Column("code", Text, nullable=False),
    Column("severity", Text, nullable=False),
    text("field"),
    Column("value", SealedText),
    Column("other_value", SealedText),
    text("file"),
    text("sheet"),
    Column("row", Integer),
    text("column"),
    Column("stage", Text, nullable=False),
    Column("current", Boolean, nullable=False),
    instant("at", False),
    Index(None, "shipment_id", "current", "stage"),
)

event = Table(
    "event",
    metadata,
    ident(),
    to("shipment"),
    Column("kind", Text, nullable=False),
    instant("at", False),
    instant("recorded_at", False),
    text("actor"),
    Column("detail", SealedDetail, nullable=False),
    Column("once", Text),
    UniqueConstraint("shipment_id", "once"),
    Index(None, "shipment_id", "at"),
)

conversion = Table(
    "conversion",
    metadata,
    ident(),
    to("shipment"),
    Column("authority", Text, nullable=False),
    Column("message_type", Text, nullable=False),
    text("target"),
    text("source"),
    Column("kind", Text, nullable=False),
    count("count"),
    Column("example", SealedText),
    text("note"),
    Index(None, "shipment_id", "authority", "message_type"),
)

lease = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    instant("until", False),
)

cursor = Table(
    "cursor",
    metadata,
    Column("authority", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
