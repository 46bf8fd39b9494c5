"""What had its effect on documents before: their receipts, and a cancel that was granted since.

That an inventory is cancelled is said by the receipt of its cancel (606, 624), not by one of its own. It is told here
from the granted application, at the time of that receipt: so it stands in the fold, in whatever order the others come.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, func, literal, select

from adapters.ledger import bulk
from adapters.ledger.folding import APPLIED, CONFLICT, DUPLICATE, LATE
from adapters.ledger.sealed import SealedText
from adapters.ledger.tables import WHOLE, Instant, application, document, message, receipt

SETTLED = (APPLIED, DUPLICATE, LATE, CONFLICT)
CANCEL, GRANTED, CANCELLED = "cancel", "granted", "cancelled"  # of an application; the status that stands for it


class Past(NamedTuple):
    """A receipt that had its effect on a document before."""

    document_id: int
    disposition: str
    id: int
    status: str
    return_time: Any
    info: Any
    pre_no: str
    invt_no: str
    whole: bool  # it spoke of the whole message, or of the cancel: its disposition is not this document's alone


def past(tx: Connection, idents: list[int]) -> dict[int, list[Past]]:
    """The receipts that had their effect on these documents, and the cancels of them that were granted."""
    found: dict[int, list[Past]] = {ident: [] for ident in idents}
    if not idents:
        return found
    r, d, m = receipt.c, document.c, message.c
    columns = [*map(stored, [r.disposition, r.id, r.status, r.return_time, r.info, r.pre_no, r.invt_no])]
    own = select(r.document_id, *columns, literal(False)).where(bulk.among(tx, r.document_id, idents))
    joined = receipt.join(message, and_(m.authority == r.authority, m.cop_msg_id == r.cop_msg_id))
    whole = select(d.id, *columns, literal(True)).select_from(joined.join(document, d.message_id == m.id))
    whole = whole.where(bulk.among(tx, d.id, idents), WHOLE)
    for query in (own, whole):
        for row in tx.execute(query.where(r.disposition.in_(SETTLED))).all():
            found[row[0]].append(Past._make(row))
    for ident, granted_id, at in _granted(tx, idents):
        found[ident].append(Past(ident, APPLIED, -granted_id, CANCELLED, at, None, "", "", True))
    return found


def _granted(tx: Connection, idents: list[int]) -> list[Any]:
    """Granted cancels of these documents: document, application, when customs said so."""
    a = application.c
    said_at = stored(func.coalesce(document.c.return_time, a.settled_at))
    query = select(a.about_id, a.id, said_at).join(document, document.c.id == a.document_id)
    mine = query.where(bulk.among(tx, a.about_id, idents), a.kind == CANCEL, a.state == GRANTED)
    return list(tx.execute(mine.order_by(a.id)).all())


def stored(column: Any) -> Any:
    """A time or a sealed text as the driver gives it: it is only compared and handed on."""
    return bulk.as_stored(column) if isinstance(column.type, Instant | SealedText) else column
