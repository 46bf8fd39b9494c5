"""What is declared and what is said of it: messages, documents, receipts, tax bills; applications (decision 0008)."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    or_,
)

from adapters.ledger.sealed import SealedJson, SealedText
from adapters.ledger.tables.columns import Key, count, flag, ident, instant, metadata, text, to

DEAD = ("refused", "rejected", "failed", "send_failed", "cancelled")  # a document that declares nothing any longer

message = Table(
    "message",
    metadata,
    ident(),
    to("shipment"),
    Column("authority", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("guid", Text, nullable=False),
    Column("cop_msg_id", Text, nullable=False, unique=True),
    text("sender_dxp"),
    text("owner_role"),
    to("raw"),
    count("documents"),
    Column("state", Text, nullable=False, index=True),
    text("claimed_by"),
    instant("claimed_at"),
    instant("first_claimed_at"),
    instant("sent_at"),
    instant("settled_at"),
    count("sends"),
    flag("recovery"),
    text("refusal"),
    UniqueConstraint("shipment_id", "authority", "type", "attempt", "seq"),
)

document = Table(
    "document",
    metadata,
    ident(),
    to("message", index=True),
    to("shipment", index=True),
    to("parcel", nullable=True, index=True),
    Column("authority", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("business_key", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    text("app_type"),
    Column("guid", Text, nullable=False),
    to("document", nullable=True, name="previous_id"),
    Column("state", Text, nullable=False),
    count("rank"),
    text("return_status"),
    instant("return_time"),
    Column("return_info", SealedText),
    text("pre_no"),
    text("invt_no"),
    flag("final"),
    flag("conflict"),
    text("digest"),
    UniqueConstraint("authority", "type", "business_key", "attempt"),
)

# Hardly any document is contradicted, and of each truck it is asked often which are.
Index("ix_document_conflict", document.c.shipment_id, sqlite_where=literal_column("conflict = 1"),
      postgresql_where=document.c.conflict)  # fmt: skip

# Nor are many about the whole truck, or follow another one.
WHOLE_TRUCK, FOLLOWS = document.c.parcel_id.is_(None), document.c.previous_id.is_not(None)
Index("ix_document_whole", document.c.shipment_id, sqlite_where=WHOLE_TRUCK, postgresql_where=WHOLE_TRUCK)
Index("ix_document_follows", document.c.shipment_id, sqlite_where=FOLLOWS, postgresql_where=FOLLOWS)

list_document = Table(  # the parcels of its shipment that a list document names (ranges.py; decision 0033)
    "list_document",
    metadata,
    Column("document_id", Key, ForeignKey("document.id"), primary_key=True, autoincrement=False),
    Column("seqs", Text, nullable=False),
)

receipt = Table(
    "receipt",
    metadata,
    ident(),
    to("raw"),
    Column("authority", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("business_key", Text, nullable=False),
    to("document", nullable=True, index=True),
    text("guid"),
    text("declared_guid"),
    text("cop_msg_id"),
    Column("status", Text, nullable=False),
    instant("return_time", False),
    Column("info", SealedText),
    text("pre_no"),
    text("invt_no"),
    Column("disposition", Text, nullable=False),
    text("reason"),
    instant("at", False),
    UniqueConstraint("authority", "type", "business_key", "status", "return_time", "guid"),
)
story = Table(  # ordinary receipts of one raw message, of one type, about one shipment's documents (decision 0024)
    "story",
    metadata,
    ident(),
    to("shipment", index=True),
    to("raw"),
    Column("authority", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("first_id", Key, nullable=False),  # of the documents in it
    Column("last_id", Key, nullable=False),
    count("receipts"),
    Column("told", SealedJson, nullable=False),
    instant("at", False),
)
NEW, PARKED = "new", "parked"  # of a receipt that has had no effect yet
# Ordinary receipts are in no index but those of their document and their key. These two are asked for by their words
# alone: a database knows that an index of a part serves a query when it reads the same constants in it.
WHOLE = receipt.c.cop_msg_id != literal_column("''")  # a receipt about a whole message
WAITING = or_(*(receipt.c.disposition == literal_column(f"'{name}'") for name in (NEW, PARKED)))
Index("ix_receipt_whole", receipt.c.cop_msg_id, sqlite_where=WHOLE, postgresql_where=WHOLE)
Index("ix_receipt_waiting", receipt.c.authority, sqlite_where=WAITING, postgresql_where=WAITING)

bill = Table(  # an electronic tax bill, that the authority opens about a released import inventory
    "bill",
    metadata,
    ident(),
    Column("authority", Text, nullable=False),
    Column("tax_no", Text, nullable=False),
    Column("invt_no", Text, nullable=False, index=True),
    to("document", nullable=True, index=True),
    text("state"),
    count("rank"),
    text("status"),
    instant("return_time"),
    flag("final"),
    flag("conflict"),
    Column("customs_tax", BigInteger),  # scaled by 100,000, as all money here; empty until the bill itself came
    Column("value_added_tax", BigInteger),
    Column("consumption_tax", BigInteger),
    Column("lines", JSON, nullable=False),
    instant("amounts_at"),
    text("duty_no"),
    text("assure_code"),
    to("raw", nullable=True, index=True),
    instant("at", False),
    UniqueConstraint("authority", "tax_no"),
)

application = Table(  # what is asked for after a declaration: cancel, return, tally, summary (decision 0008)
    "application",
    metadata,
    ident(),
    to("shipment", index=True),
    to("parcel", nullable=True, index=True),
    Column("kind", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("number", Text, nullable=False),
    count("part", 1),
    count("attempt", 1),
    text("request"),
    Column("state", Text, nullable=False, index=True),
    text("code"),
    Column("reason", SealedText),
    Column("detail", JSON, nullable=False),
    text("after"),
    text("was"),
    text("was_reason"),
    to("document", nullable=True, name="about_id"),
    to("document", nullable=True, name="document_id", index=True),
    text("actor"),
    text("approved_by"),
    instant("asked_at", False),
    instant("approved_at"),
    instant("due_at"),
    instant("settled_at"),
    UniqueConstraint("shipment_id", "kind", "number", "part"),
)

application_line = Table(
    "application_line",
    metadata,
    ident(),
    Column("application_id", Key, ForeignKey("application.id"), nullable=False, index=True),
    to("parcel", index=True),
    count("gnum"),
    Column("quantity", BigInteger, nullable=False, server_default="0"),
    UniqueConstraint("application_id", "parcel_id", "gnum"),
)
