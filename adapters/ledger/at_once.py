"""Receipts that are settled as they are kept: the ordinary ones, in the transaction that keeps them (decision 0009).

Ordinary is a receipt of which `settling` would need nothing else than the one document with its business key: no other
attempt, nothing waiting about it, nothing that would have its story told anew. All others are kept as new, and settled
by `settling` afterwards. Both do as `folding` says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Dialect, select, type_coerce
from sqlalchemy.types import NullType

from adapters.ledger import bulk
from adapters.ledger.claims import confirm_arrived
from adapters.ledger.ledger import alone, writes
from adapters.ledger.lives import Life, Likeness, Shape, life
from adapters.ledger.receipts import NO_TIME, ReceiptLike
from adapters.ledger.settling import NEW, UNUSABLE, Meanings, Ranks, Settled, waiting_of
from adapters.ledger.tables import document, message, receipt
from mappings import clock

_TOLD = (
    "business_key", "authority", "type", "guid", "status", "pre_no", "invt_no", "declared_guid", "cop_msg_id",
    "problem",
)  # fmt: skip
_told = attrgetter(*_TOLD)
_WRITTEN = ("id", "state", "rank", "return_status", "return_time", "final", "conflict")  # of a document, and its texts
_STORED = ("return_time", "return_info", "final", "conflict")  # handed on as the driver gave them
_LIKENESS = slice(4, 12)  # of a document as read: business key, id, shipment, message, then its Likeness
Lived = list[tuple[tuple[Any, ...], list[int]]]  # documents as read, each with the places of its receipts
Changed = dict[tuple[str, ...], list[tuple[Any, ...]]]  # documents to be written, by which texts they have
Told = Iterable[tuple[int, Sequence[ReceiptLike]]]  # receipts by the raw message that brought them
Known = Mapping[str, Collection[Any]]  # by business key its receipts that are kept already (as `Batch._same`)


@writes
def keep(
    tx: Connection,
    authority: str,
    told: Told | Batch,
    ranks: Ranks,
    recovered: Ranks | None = None,
    apart: Collection[str] = (),
) -> tuple[int, Settled]:
    """Keep the receipts of many raw messages, by their ids, and settle the ordinary ones. Known ones change nothing.

    `told` may have been made a Batch before the transaction began: others wait for less long.

    Returns how many were new, and what was settled. `ranks` to `apart` are as in `settling.settle`; one settling of an
    authority at a time.
    """
    alone(tx, f"settle {authority}")
    batch = told if isinstance(told, Batch) else Batch(tx.dialect, told)
    meanings = Meanings(ranks, recovered)
    keys, waits = batch.by_key(apart), _waiting(tx, authority)
    documents = {kind: _documents(tx, authority, kind, mine) for kind, mine in keys.items()}
    again = _recoveries(tx, {row[3] for rows in documents.values() for row in rows})

    def live(known: Mapping[str, Known]) -> tuple[Settled, Changed]:
        ordinary = {
            kind: batch.ordinary(rows, keys[kind], waits.get(kind, ()), known.get(kind, {}))
            for kind, rows in documents.items()
        }
        return _live(batch, ordinary, again, meanings)

    settled, changed = live({})
    if not batch.rows:
        return 0, settled
    new = _all_new(tx, batch)
    if not new:
        batch.forget()
        settled, changed = live({kind: _known(tx, authority, kind, mine) for kind, mine in keys.items()})
        new = kept(tx, batch.columns())
    for texts, rows in changed.items():
        bulk.update(tx, document, (*_WRITTEN, *texts), rows, stored=_STORED)
    confirm_arrived(tx, settled.messages)
    return new, settled


def _live(
    batch: Batch, ordinary: Mapping[str, Lived], again: Collection[int], meanings: Meanings
) -> tuple[Settled, Changed]:
    """What ordinary receipts make of their documents, by type: what was settled, and the documents to be written."""
    settled, changed = Settled(), Changed()
    for kind, documents in ordinary.items():
        for (was, recovery, shapes), lived in batch.alike(documents, again).items():
            found = life(Likeness._make(was), shapes, meanings.of(kind, recovery))
            if found is not None:
                texts, rows = batch.settle(found, lived)
                changed.setdefault(texts, []).extend(rows)
                settled.counts.update({said: found.said.count(said) * len(lived) for said in set(found.said)})
                settled.shipments.update({row[2] for row, _ in lived})
                settled.messages.update({row[3] for row, _ in lived})
    return settled, changed


def _all_new(tx: Connection, batch: Batch) -> int:
    """Keep receipts, none of which is known, as a rule; 0, and nothing is kept, where one is. Returns how many."""
    trial = tx.begin_nested()
    if kept(tx, batch.columns()) == len(batch.rows):
        trial.commit()
        return len(batch.rows)
    trial.rollback()
    return 0


def kept(tx: Connection, columns: Mapping[str, Sequence[Any]]) -> int:
    """Insert receipts, in columns of values converted before. Returns how many are new."""
    return bulk.insert_columns(tx, receipt, columns, ignore=True)


class Batch:
    """Receipts about to be kept, by their place: what the driver needs of each, and what becomes of it."""

    def __init__(self, dialect: Dialect, told: Told) -> None:
        self.rows: list[ReceiptLike] = []
        self.raws: list[int] = []
        for raw_id, rows in told:
            self.rows += rows
            self.raws += [raw_id] * len(rows)
        self.now = bulk.converted(dialect, receipt, "at", [clock.now()])[0]
        self.times = bulk.converted(dialect, receipt, "return_time", [row.return_time or NO_TIME for row in self.rows])
        self.infos = bulk.converted(dialect, receipt, "info", [row.info for row in self.rows])
        self.shapes: list[Shape] = [
            (row.status, at, row.pre_no != "", row.invt_no != "") for row, at in zip(self.rows, self.times, strict=True)
        ]
        self.forget()

    def forget(self) -> None:
        """Nothing was settled yet."""
        self.said = [UNUSABLE if row.problem else NEW for row in self.rows]
        self.about: list[int | None] = [None] * len(self.rows)

    def by_key(self, apart: Collection[str]) -> dict[str, dict[str, list[int]]]:
        """The places of the receipts that may be ordinary, by type and business key."""
        found: dict[str, dict[str, list[int]]] = {}
        for place, row in enumerate(self.rows):
            if row.problem or row.cop_msg_id or row.type in apart:
                continue
            keys = found.get(row.type)
            if keys is None:
                keys = found[row.type] = {}
            if row.business_key in keys:
                keys[row.business_key].append(place)
            else:
                keys[row.business_key] = [place]
        return found

    def ordinary(
        self, documents: Sequence[tuple[Any, ...]], keys: Mapping[str, list[int]], waits: Collection[str], known: Known
    ) -> Lived:
        """The documents of which there is one attempt and nothing waits, each with its receipts that are new."""
        attempts = Counter([row[0] for row in documents])
        if waits or len(attempts) < len(documents):
            documents = [row for row in documents if attempts[row[0]] == 1 and row[0] not in waits]
        found = [(row, keys[row[0]]) for row in documents]
        if not known:
            return found
        told = ((row, self._new(places, known.get(row[0], ()))) for row, places in found)
        return [(row, places) for row, places in told if places]

    def _new(self, places: list[int], known: Collection[Any]) -> list[int]:
        return [place for place in places if self._same(place) not in known] if known else places

    def _same(self, place: int) -> tuple[Any, ...]:
        """What tells a receipt from the others of its key."""
        return self.rows[place].status, self.times[place], self.rows[place].guid

    def alike(self, documents: Lived, again: Collection[int]) -> dict[tuple[Any, bool, tuple[Shape, ...]], Lived]:
        """These documents by their Likeness, whether their message was sent again, and the shapes of their receipts."""
        found: dict[tuple[Any, bool, tuple[Shape, ...]], Lived] = {}
        shapes = self.shapes
        for row, places in documents:
            mine = tuple([shapes[place] for place in places])
            if len(mine) > 1 and len(set(mine)) < len(mine):
                places = sorted({self._same(place): place for place in reversed(places)}.values())  # noqa: PLW2901
                mine = tuple([shapes[place] for place in places])
            like = row[_LIKENESS], row[3] in again, mine
            if like in found:
                found[like].append((row, places))
            else:
                found[like] = [(row, places)]
        return found

    def settle(self, found: Life, lived: Lived) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Note what becomes of the receipts of documents that live the same.

        Returns which texts the documents have from their receipts, and the documents to be written, with these.
        """
        for nth, said in enumerate(found.said):
            for row, places in lived:
                self.said[places[nth]], self.about[places[nth]] = said, row[1]
        if not found.touched:
            return (), []
        rows, texts = self.rows, dict[str, list[Any]]()
        if found.info > 0:
            texts["return_info"] = [self.infos[places[found.info - 1]] for _, places in lived]
        if found.pre_no > 0:
            texts["pre_no"] = [rows[places[found.pre_no - 1]].pre_no for _, places in lived]
        if found.invt_no > 0:
            texts["invt_no"] = [rows[places[found.invt_no - 1]].invt_no for _, places in lived]
        same = (found.state, found.rank, found.status, found.time, found.final, found.conflict)
        ids = ((row[1], *same) for row, _ in lived)
        return tuple(texts), [(*head, *said) for head, said in zip(ids, _turned(texts, len(lived)), strict=True)]

    def columns(self) -> dict[str, Sequence[Any]]:
        """Every receipt as the ledger has it, in columns; what is not settled now waits as new."""
        told: dict[str, Sequence[Any]] = dict(zip(_TOLD, zip(*map(_told, self.rows), strict=True), strict=True))
        told["reason"] = told.pop("problem")
        return told | {
            "raw_id": self.raws, "return_time": self.times, "info": self.infos, "document_id": self.about,
            "disposition": self.said, "at": [self.now] * len(self.rows),
        }  # fmt: skip


def _turned(texts: Mapping[str, Sequence[Any]], count: int) -> Iterable[tuple[Any, ...]]:
    """The texts of each document."""
    return zip(*texts.values(), strict=True) if texts else [()] * count


def _documents(tx: Connection, authority: str, kind: str, keys: Collection[str]) -> list[tuple[Any, ...]]:
    """Every attempt of these business keys."""
    d = document.c
    numbers = (d.pre_no != "", d.invt_no != "")
    columns = (
        d.business_key, d.id, d.shipment_id, d.message_id,
        d.state, d.rank, d.return_status, d.return_time, d.final, d.conflict, *numbers,
    )  # fmt: skip
    query = select(*(type_coerce(column, NullType()).label(f"c{n}") for n, column in enumerate(columns)))
    mine = query.where(d.authority == authority, d.type == kind, bulk.among(tx, d.business_key, keys))
    return [tuple(row) for row in tx.execute(mine).all()]


def _recoveries(tx: Connection, message_ids: Collection[int]) -> set[int]:
    """Of these messages those that were sent again as a recovery."""
    return set(
        tx.execute(select(message.c.id).where(bulk.among(tx, message.c.id, message_ids), message.c.recovery)).scalars()
    )


def _waiting(tx: Connection, authority: str) -> dict[str, set[str]]:
    """By type the business keys about which something waits."""
    found: dict[str, set[str]] = {}
    for kind, key in tx.execute(select(receipt.c.type, receipt.c.business_key).where(waiting_of(authority))).all():
        found.setdefault(kind, set()).add(key)
    return found


def _known(tx: Connection, authority: str, kind: str, keys: Collection[str]) -> dict[str, set[Any]]:
    """What is kept already of these business keys."""
    r = receipt.c
    columns = (r.business_key, r.status, bulk.as_stored(r.return_time), r.guid)
    mine = select(*columns).where(r.authority == authority, r.type == kind, bulk.among(tx, r.business_key, keys))
    found: dict[str, set[Any]] = {}
    for key, *same in tx.execute(mine).all():
        found.setdefault(key, set()).add(tuple(same))
    return found
