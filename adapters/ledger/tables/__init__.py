"""The tables of the ledger (DESIGN, promises 4 and 5, "Identity", "People's data").

Times are stored in UTC. What can name a person (raw bytes, the truck with its driver, snapshots, values in faults,
an authority's texts) is in a Sealed column; order and waybill numbers are not sealed, because they are keys.
"""

from adapters.ledger.tables.books import book_account, book_entry
from adapters.ledger.tables.columns import Instant, metadata
from adapters.ledger.tables.documents import (
    DEAD,
    NEW,
    PARKED,
    WAITING,
    WHOLE,
    application,
    application_line,
    bill,
    document,
    list_document,
    message,
    receipt,
    story,
)
from adapters.ledger.tables.payments import payment_answer, payment_event, payment_request
from adapters.ledger.tables.pool import pool_file, pool_piece, pool_row, pool_seen
from adapters.ledger.tables.shipments import (
    ENDED,
    OPEN,
    conversion,
    cursor,
    event,
    fault,
    lease,
    parcel,
    raw,
    shipment,
    snapshot,
    source_file,
)

# Of these tables PostgreSQL does not prove row by row that what they refer to is there: the audit does (decision 0021).
UNCHECKED = (document, receipt, parcel, pool_row)

__all__ = [
    "DEAD",
    "ENDED",
    "NEW",
    "OPEN",
    "PARKED",
    "UNCHECKED",
    "WAITING",
    "WHOLE",
    "Instant",
    "application",
    "application_line",
    "bill",
    "book_account",
    "book_entry",
    "conversion",
    "cursor",
    "document",
    "event",
    "fault",
    "lease",
    "list_document",
    "message",
    "metadata",
    "parcel",
    "payment_answer",
    "payment_event",
    "payment_request",
    "pool_file",
    "pool_piece",
    "pool_row",
    "pool_seen",
    "raw",
    "receipt",
    "shipment",
    "snapshot",
    "source_file",
    "story",
]
