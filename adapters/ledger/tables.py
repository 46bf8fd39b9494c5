"""The tables of the ledger (DESIGN, promises 4 and 5, "Identity", "People's data").

Times are stored in UTC. What can name a person (raw bytes, the truck with its driver, snapshots, values in faults,
an authority's texts) is in a Sealed column; order and waybill numbers are not sealed, because they are keys.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    literal_column,
    or_,
)
from sqlalchemy.types import TypeDecorator

from adapters.ledger.sealed import SealedBytes, SealedDetail, SealedJson, SealedLine, SealedText

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
DEAD = ("refused", "rejected", "failed", "send_failed", "cancelled")  # a document that declares nothing any longer
Key = BigInteger().with_variant(Integer, "sqlite")


class Instant(TypeDecorator[datetime]):
    """An aware time, stored and returned in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> datetime | None:
        """The time in UTC; a time without zone is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"The time {value} has no zone; the ledger stores aware times only.")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """The time, aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _id() -> Column[Any]:
    return Column("id", Key, primary_key=True)


def _to(table: str, nullable: bool = False, name: str = "", index: bool = False) -> Column[Any]:
    return Column(name or f"{table}_id", Key, ForeignKey(f"{table}.id"), nullable=nullable, index=index)


def _text(name: str, index: bool = False) -> Column[Any]:
    return Column(name, Text, nullable=False, server_default="", index=index)


def _count(name: str, start: int = 0) -> Column[Any]:
    return Column(name, Integer, nullable=False, server_default=str(start))


def _flag(name: str) -> Column[Any]:
    return Column(name, Boolean, nullable=False, server_default=false())


def _time(name: str, nullable: bool = True) -> Column[Any]:
    return Column(name, Instant, nullable=nullable)


shipment = Table(
    "shipment",
    metadata,
    _id(),
    Column("agent_code", Text, nullable=False),
    Column("master_waybill", Text, nullable=False),
    _text("label", index=True),
    _text("regime"),
    _text("corridor"),
    Column("state", Text, nullable=False),
    _text("previous_state"),
    _flag("held"),
    Column("held_reason", SealedLine, nullable=False, server_default=""),
    _time("approved_at"),
    _text("approved_by"),
    Column("truck", SealedJson, nullable=False),
    _text("source"),
    _time("created_at", False),
    _time("updated_at", False),
    _time("closed_at"),
    _count("version", 1),
    UniqueConstraint("agent_code", "master_waybill"),
)

raw = Table(
    "raw",
    metadata,
    _id(),
    Column("direction", Text, nullable=False),
    Column("authority", Text, nullable=False),
    _text("channel"),
    _text("peer"),
    _text("media_type"),
    Column("sha256", Text, nullable=False, index=True),
    Column("size", BigInteger, nullable=False),
    Column("body", SealedBytes, nullable=False),
    _time("at", False),
    _to("shipment", nullable=True, index=True),
    Column("state", Text, nullable=False),
    _text("reason"),
    _time("erased_at"),
    Index(None, "authority", "direction", "state"),
)

source_file = Table(
    "source_file",
    metadata,
    _id(),
    _to("shipment", index=True),
    _to("raw", nullable=True),
    Column("name", Text, nullable=False),
    _text("kind"),
    _text("profile"),
    _text("sender"),
    _count("rows"),
    Column("version", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
    _time("at", False),
    UniqueConstraint("shipment_id", "kind", "sender", "version"),
)

snapshot = Table(
    "snapshot",
    metadata,
    _id(),
    _to("shipment"),
    Column("stage", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", SealedBytes, nullable=False),
    Column("sha256", Text, nullable=False),
    _time("at", False),
    UniqueConstraint("shipment_id", "stage", "version"),
)

parcel = Table(
    "parcel",
    metadata,
    _id(),
    _to("shipment"),
    Column("seq", Integer, nullable=False),
    Column("platform_code", Text, nullable=False),
    Column("order_no", Text, nullable=False),
    _text("carrier_code"),
    _text("waybill_no"),
    Column("state", Text, nullable=False),
    _text("reason"),
    _text("digest"),
    _count("version", 1),
    _time("state_at", False),
    UniqueConstraint("shipment_id", "seq"),
    UniqueConstraint("platform_code", "order_no", "shipment_id"),
    Index(None, "carrier_code", "waybill_no"),
)

message = Table(
    "message",
    metadata,
    _id(),
    _to("shipment"),
    Column("authority", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("guid", Text, nullable=False),
    Column("cop_msg_id", Text, nullable=False, unique=True),
    _text("sender_dxp"),
    _text("owner_role"),
    _to("raw"),
    _count("documents"),
    Column("state", Text, nullable=False, index=True),
    _text("claimed_by"),
    _time("claimed_at"),
    _time("first_claimed_at"),
    _time("sent_at"),
    _time("settled_at"),
    _count("sends"),
    _flag("recovery"),
    _text("refusal"),
    UniqueConstraint("shipment_id", "authority", "type", "attempt", "seq"),
)

document = Table(
    "document",
    metadata,
    _id(),
    _to("message", index=True),
    _to("shipment", index=True),
    _to("parcel", nullable=True, index=True),
    Column("authority", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("business_key", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    _text("app_type"),
    Column("guid", Text, nullable=False),
    _to("document", nullable=True, name="previous_id"),
    Column("state", Text, nullable=False),
    _count("rank"),
    _text("return_status"),
    _time("return_time"),
    Column("return_info", SealedText),
    _text("pre_no"),
    _text("invt_no"),
    _flag("final"),
    _flag("conflict"),
    _text("digest"),
    UniqueConstraint("authority", "type", "business_key", "attempt"),
)

listed = Table(
    "listed",
    metadata,
    Column("document_id", Key, ForeignKey("document.id"), primary_key=True),
    Column("parcel_id", Key, ForeignKey("parcel.id"), primary_key=True, index=True),
)

receipt = Table(
    "receipt",
    metadata,
    _id(),
    _to("raw"),
    Column("authority", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("business_key", Text, nullable=False),
    _to("document", nullable=True, index=True),
    _text("guid"),
    _text("declared_guid"),
    _text("cop_msg_id"),
    Column("status", Text, nullable=False),
    _time("return_time", False),
    Column("info", SealedText),
    _text("pre_no"),
    _text("invt_no"),
    Column("disposition", Text, nullable=False),
    _text("reason"),
    _time("at", False),
    UniqueConstraint("authority", "type", "business_key", "status", "return_time", "guid"),
)
OPEN = shipment.c.state != literal_column("'closed'")
Index("ix_shipment_open", shipment.c.id, sqlite_where=OPEN, postgresql_where=OPEN)
ENDED = shipment.c.state == literal_column("'closed'")
Index("ix_shipment_ended", shipment.c.updated_at, sqlite_where=ENDED, postgresql_where=ENDED)
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
    _id(),
    Column("authority", Text, nullable=False),
    Column("tax_no", Text, nullable=False),
    Column("invt_no", Text, nullable=False, index=True),
    _to("document", nullable=True, index=True),
    _text("state"),
    _count("rank"),
    _text("status"),
    _time("return_time"),
    _flag("final"),
    _flag("conflict"),
    Column("customs_tax", BigInteger),  # scaled by 100,000, as all money here; empty until the bill itself came
    Column("value_added_tax", BigInteger),
    Column("consumption_tax", BigInteger),
    Column("lines", JSON, nullable=False),
    _time("amounts_at"),
    _text("duty_no"),
    _text("assure_code"),
    _to("raw", nullable=True, index=True),
    _time("at", False),
    UniqueConstraint("authority", "tax_no"),
)

fault = Table(
    "fault",
    metadata,
    _id(),
    _to("shipment"),
    _to("parcel", nullable=True),
    _text("order_no"),
    _text("waybill_no"),
    Column("code", Text, nullable=False),
    Column("severity", Text, nullable=False),
    _text("field"),
    Column("value", SealedText),
    Column("other_value", SealedText),
    _text("file"),
    _text("sheet"),
    Column("row", Integer),
    _text("column"),
    Column("stage", Text, nullable=False),
    Column("current", Boolean, nullable=False),
    _time("at", False),
    Index(None, "shipment_id", "current", "stage"),
)

event = Table(
    "event",
    metadata,
    _id(),
    _to("shipment"),
    Column("kind", Text, nullable=False),
    _time("at", False),
    _time("recorded_at", False),
    _text("actor"),
    Column("detail", SealedDetail, nullable=False),
    Column("once", Text),
    UniqueConstraint("shipment_id", "once"),
    Index(None, "shipment_id", "at"),
)

lease = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    _time("until", False),
)

cursor = Table(
    "cursor",
    metadata,
    Column("authority", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

conversion = Table(
    "conversion",
    metadata,
    _id(),
    _to("shipment"),
    Column("authority", Text, nullable=False),
    Column("message_type", Text, nullable=False),
    _text("target"),
    _text("source"),
    Column("kind", Text, nullable=False),
    _count("count"),
    Column("example", SealedText),
    _text("note"),
    Index(None, "shipment_id", "authority", "message_type"),
)

book_account = Table(  # an account of a book: a buyer's quota of a year, a guarantee, an item of warehouse stock
    "book_account",
    metadata,
    _id(),
    Column("book", Text, nullable=False),
    Column("holder", Text, nullable=False),
    _text("item"),
    _text("unit"),
    Column("total", BigInteger, nullable=False, server_default="0"),
    Column("reserved", BigInteger, nullable=False, server_default="0"),
    Column("taken", BigInteger, nullable=False, server_default="0"),
    _time("opened_at", False),
    UniqueConstraint("book", "holder", "item"),
)

book_entry = Table(  # what an entry changes; an account is the sum of its entries
    "book_entry",
    metadata,
    _id(),
    Column("account_id", Key, ForeignKey("book_account.id"), nullable=False),
    _to("parcel", nullable=True, index=True),
    _to("shipment", nullable=True, index=True),
    Column("kind", Text, nullable=False),
    _count("round"),
    _text("application"),
    Column("total", BigInteger, nullable=False, server_default="0"),
    Column("reserved", BigInteger, nullable=False, server_default="0"),
    Column("taken", BigInteger, nullable=False, server_default="0"),
    _text("reference"),
    Column("once", Text, nullable=False),
    _time("at", False),
    UniqueConstraint("account_id", "once"),
)

payment_request = Table(  # announcement 179: customs asked for the payment data of an order
    "payment_request",
    metadata,
    _id(),
    Column("session_id", Text, nullable=False),
    Column("order_no", Text, nullable=False),
    _text("service_time"),
    _to("raw", index=True),
    Column("state", Text, nullable=False, index=True),
    _text("reason"),
    _count("asked", 1),
    _time("received_at", False),
    _time("due_at", False),
    _time("answered_at"),
    UniqueConstraint("session_id", "order_no"),
)

payment_answer = Table(
    "payment_answer",
    metadata,
    _id(),
    Column("request_id", Key, ForeignKey("payment_request.id"), nullable=False),
    Column("attempt", Integer, nullable=False),
    _to("raw", index=True),
    _text("company_code"),
    Column("state", Text, nullable=False, index=True),
    _text("claimed_by"),
    _time("claimed_at"),
    _time("first_claimed_at"),
    _count("sends"),
    _flag("recovery"),
    _text("code"),
    Column("message", SealedText),
    _to("raw", nullable=True, name="reply_raw_id", index=True),
    _time("prepared_at", False),
    _time("settled_at"),
    UniqueConstraint("request_id", "attempt"),
)

payment_event = Table(
    "payment_event",
    metadata,
    _id(),
    Column("request_id", Key, ForeignKey("payment_request.id"), nullable=False),
    Column("kind", Text, nullable=False),
    _flag("alarm"),
    _time("at", False),
    Column("detail", JSON, nullable=False),
    Column("once", Text),
    UniqueConstraint("request_id", "once"),
    Index(None, "request_id", "at"),
)

application = Table(  # what is asked for after a declaration: cancel, return, tally, summary (decision 0008)
    "application",
    metadata,
    _id(),
    _to("shipment", index=True),
    _to("parcel", nullable=True, index=True),
    Column("kind", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("number", Text, nullable=False),
    _count("part", 1),
    _count("attempt", 1),
    _text("request"),
    Column("state", Text, nullable=False, index=True),
    _text("code"),
    Column("reason", SealedText),
    Column("detail", JSON, nullable=False),
    _text("after"),
    _text("was"),
    _text("was_reason"),
    _to("document", nullable=True, name="about_id"),
    _to("document", nullable=True, name="document_id", index=True),
    _text("actor"),
    _text("approved_by"),
    _time("asked_at", False),
    _time("approved_at"),
    _time("due_at"),
    _time("settled_at"),
    UniqueConstraint("shipment_id", "kind", "number", "part"),
)

application_line = Table(
    "application_line",
    metadata,
    _id(),
    Column("application_id", Key, ForeignKey("application.id"), nullable=False, index=True),
    _to("parcel", index=True),
    _count("gnum"),
    Column("quantity", BigInteger, nullable=False, server_default="0"),
    UniqueConstraint("application_id", "parcel_id", "gnum"),
)

pool_file = Table(  # a file that belongs to no single truck: a day's orders or payments
    "pool_file",
    metadata,
    _id(),
    Column("name", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    _text("platform_code"),
    _text("kind"),
    _text("profile"),
    _text("sender"),
    Column("state", Text, nullable=False),
    Column("layout", SealedJson),
    Column("done", JSON, nullable=False),
    _count("rows"),
    Column("faults", SealedJson),
    _time("at", False),
    _time("read_at"),
    UniqueConstraint("sha256", "platform_code"),
)

pool_piece = Table(
    "pool_piece",
    metadata,
    _id(),
    _to("pool_file"),
    _count("number"),
    _to("raw", index=True),
    UniqueConstraint("pool_file_id", "number"),
)

pool_row = Table(  # the rows of one order (or item) that stood together in a file of the pool, as the sender wrote them
    "pool_row",
    metadata,
    _id(),
    _to("pool_file", index=True),
    _to("pool_file", name="last_file_id"),
    _text("platform_code"),
    Column("keyed_by", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("rows", SealedJson, nullable=False),
    Index(None, "key", "keyed_by"),
)

pool_seen = Table(  # rows that a file being read says again unchanged; gone when it has been read
    "pool_seen",
    metadata,
    _id(),
    _to("pool_file"),
    _to("pool_row", index=True),
    UniqueConstraint("pool_file_id", "pool_row_id"),
)
