"""What ordinary receipts told of a shipment's documents: all that one raw message said of one type, in one row.

A truck has nine receipts a parcel, and hardly one of them is ever looked at again by itself: as rows of their own, with
a key each, they were the dearest thing in the ledger (decision 0024). Here are those that were settled as they came:
each was later than all that its document had been told before, and applied. So what is here of a document is no later
than its `return_time`, and whoever comes with something later need not look. What is looked at is told apart again
(`apart`): it becomes rows of `receipt`, as if it had never been anything else.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, select, update

from adapters.ledger import bulk
from adapters.ledger.folding import APPLIED
from adapters.ledger.tables import document, receipt, story

NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)  # stands for the time of a receipt that tells none
TEXTS = ("guid", "declared_guid", "status", "info", "pre_no", "invt_no")  # of a receipt, as a story has them
_COLUMNS = ("document_id", *TEXTS, "return_time")


class Receipt(NamedTuple):
    """A receipt about a document, as it was kept, and what became of it; first what a story has of each."""

    document_id: int
    guid: str
    declared_guid: str
    status: str
    info: str
    pre_no: str
    invt_no: str
    return_time: datetime
    raw_id: int
    authority: str
    type: str
    at: datetime
    disposition: str
    reason: str


class Part(NamedTuple):
    """A story about to be kept: its receipts' columns, in the order of `Receipt`; times as `datetime`."""

    raw_id: int
    shipment_id: int
    type: str
    columns: tuple[Sequence[Any], ...]


def keep(tx: Connection, authority: str, parts: Sequence[Part], at: datetime) -> int:
    """Keep stories. Returns of how many receipts."""
    names = ("raw_id", "shipment_id", "type", "authority", "at", *_SPAN, "told")
    rows = [(*part[:3], authority, at, *_span(part.columns[0]), _written(part.columns)) for part in parts]
    bulk.insert(tx, story, names, rows)
    return sum(len(part.columns[0]) for part in parts)


_SPAN = ("first_id", "last_id", "receipts")


def _span(documents: Sequence[int]) -> tuple[int, int, int]:
    return min(documents), max(documents), len(documents)


def _written(columns: Iterable[Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """As it is sealed; times with their zone, as ISO 8601 has them."""
    return dict(zip(_COLUMNS, columns, strict=True))


def _read(row: Any) -> list[Receipt]:
    *texts, times = (row.told[name] for name in _COLUMNS)
    at = (datetime.fromisoformat(time).astimezone(UTC) for time in times)
    same = row.raw_id, row.authority, row.type, row.at
    return [Receipt._make((*told, *same, APPLIED, "")) for told in zip(*texts, at, strict=True)]


def of_documents(tx: Connection, idents: Collection[int]) -> list[Receipt]:
    """What stories say of these documents, in the order of coming."""
    wanted = set(idents)
    return [one for _, told in _stories(tx, wanted) for one in told if one.document_id in wanted]


def _stories(tx: Connection, idents: Collection[int]) -> Iterator[tuple[int, list[Receipt]]]:
    """The stories in which one of these documents may be: opened one after the other, for a truck has hundreds."""
    if not idents:
        return
    spans, c = sorted(idents), story.c
    mine = select(document.c.shipment_id).where(bulk.among(tx, document.c.id, spans)).distinct()
    shipments = list(tx.execute(mine).scalars())
    there = select(c.id, c.first_id, c.last_id).where(bulk.among(tx, c.shipment_id, shipments))
    within = there.where(c.first_id <= spans[-1], c.last_id >= spans[0]).order_by(c.id)
    whole = select(c.raw_id, c.authority, c.type, c.at, c.told)
    for ident, first, last in tx.execute(within).all():
        place = bisect_left(spans, first)
        if place < len(spans) and spans[place] <= last:
            row = tx.execute(whole.where(c.id == ident)).one_or_none()
            if row is not None:  # else it was told apart in the meantime
                yield ident, _read(row)


def known(tx: Connection, rows: Sequence[Any]) -> set[int]:
    """Of receipts about to be kept (`receipts.ReceiptLike`) the places of those that a story has told already."""
    places: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, row in enumerate(rows):
        if not row.cop_msg_id:
            places[row.authority, row.type][row.business_key].append(place)
    found: set[int] = set()
    for (authority, kind), keys in places.items():
        d = document.c
        mine = select(d.id, d.business_key).where(d.authority == authority, d.type == kind)
        there = {row[0]: row[1] for row in tx.execute(mine.where(bulk.among(tx, d.business_key, keys))).all()}
        said = {(there[one.document_id], *_same(one)) for one in of_documents(tx, there)}
        told = ((key, place, rows[place]) for key, mine in keys.items() for place in mine)
        found |= {place for key, place, row in told if (key, *_same(row)) in said} if said else set()
    return found


def _same(row: Any) -> tuple[Any, ...]:
    """What tells a receipt from the others of its key."""
    return row.guid, row.status, row.return_time or NO_TIME


def apart(tx: Connection, idents: Collection[int]) -> int:
    """Make what was told of these documents rows of `receipt`. Returns how many receipts."""
    wanted = set(idents)
    found: list[Receipt] = []
    for ident, told in _stories(tx, wanted):
        mine = [one for one in told if one.document_id in wanted]
        if mine:
            found += mine
            _shorten(tx, ident, [one for one in told if one.document_id not in wanted])
    if not found:
        return 0
    query = select(document.c.id, document.c.business_key).where(bulk.among(tx, document.c.id, wanted))
    keys = {row[0]: row[1] for row in tx.execute(query).all()}
    _replace(tx, keys, found)
    rows = [(keys[one.document_id], "", *one) for one in found]
    return bulk.insert(tx, receipt, ("business_key", "cop_msg_id", *Receipt._fields), rows, ignore=True)


def _replace(tx: Connection, keys: Mapping[int, str], found: Sequence[Receipt]) -> None:
    """Take away the rows of the same receipts that moved nothing (a partner's, an unusable one): one of them stays."""
    c = receipt.c
    mine = {(one.authority, one.type, keys[one.document_id], *_same(one)) for one in found}
    same = select(c.id, c.authority, c.type, c.business_key, c.guid, c.status, c.return_time)
    for authority, kind in {told[:2] for told in mine}:
        of_kind = same.where(c.authority == authority, c.type == kind, c.document_id.is_(None))
        there = tx.execute(of_kind.where(bulk.among(tx, c.business_key, set(keys.values())))).all()
        gone = [row[0] for row in there if tuple(row[1:]) in mine]
        tx.execute(delete(receipt).where(bulk.among(tx, c.id, gone)))


def without_texts(tx: Connection, shipment_id: int) -> None:
    """Erase the authority's texts from everything that was told of a shipment, while nobody settles (`alone`)."""
    query = select(story.c.id, story.c.told).where(story.c.shipment_id == shipment_id)
    for ident, told in tx.execute(query).all():
        bare = {**told, "info": [""] * len(told["info"])}
        tx.execute(update(story).where(story.c.id == ident).values(told=bare))


def _shorten(tx: Connection, ident: int, left: Sequence[Receipt]) -> None:
    """A story that tells only what is left of it; gone where that is nothing."""
    mine = story.c.id == ident
    if not left:
        tx.execute(delete(story).where(mine))
        return
    columns = tuple(zip(*left, strict=True))[: len(_COLUMNS)]
    values = dict(zip(_SPAN, _span(columns[0]), strict=True))
    tx.execute(update(story).where(mine).values(told=_written(columns), **values))
