"""Receipts that are settled as they are kept: the ordinary ones, in the transaction that keeps them (decision 0009).

Ordinary is a receipt of which `settling` would need nothing else than the one document with its business key: no other
attempt, nothing waiting about it, later than all that the document was told before, and applied. It is kept in its
message's story (`stories`). All others are kept as new, each in a row of its own, and settled by `settling` afterwards.
Both do as `folding` says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Dialect, select, type_coerce
from sqlalchemy.types import NullType

from adapters.ledger import bulk, stories
from adapters.ledger.claims import confirm_arrived
from adapters.ledger.folding import APPLIED
from adapters.ledger.ledger import alone, writes
from adapters.ledger.lives import Life, Likeness, Shape, life
from adapters.ledger.receipts import ReceiptLike, add_all
from adapters.ledger.settling import Meanings, Ranks, Settled, waiting_of
from adapters.ledger.tables import document, message, receipt
from mappings import clock

_texts = attrgetter(*stories.TEXTS)
_WRITTEN = ("id", "state", "rank", "return_status", "return_time", "final", "conflict")  # of a document, and its texts
_STORED = ("return_time", "return_info", "final", "conflict")  # handed on as the driver gave them
_LIKENESS = slice(4, 12)  # of a document as read: business key, id, shipment, message, then its Likeness
_HELD = 7  # and of that the time
_CONFLICT = Likeness._fields.index("conflict")
Lived = list[tuple[tuple[Any, ...], list[int]]]  # documents as read, each with the places of its receipts
Changed = dict[tuple[str, ...], list[tuple[Any, ...]]]  # documents to be written, by which texts they have
Told = Iterable[tuple[int, Sequence[ReceiptLike]]]  # receipts by the raw message that brought them


@writes
def keep(
    tx: Connection,
    authority: str,
    told: Told | Batch,
    ranks: Ranks,
    recovered: Ranks | None = None,
    apart: Collection[str] = (),
    tells: Collection[str] | None = None,
) -> tuple[int, Settled]:
    """Keep the receipts of many raw messages, by their ids, and settle the ordinary ones. Known ones change nothing.

    `told` may have been made a Batch before the transaction began: others wait for less long.

    Returns how many were new, and what was settled. `ranks` to `apart` are as in `settling.settle`; one settling of an
    authority at a time. `tells` are the states that are told a person (None: all): who comes into one or leaves it,
    or is contradicted, is `telling`.
    """
    alone(tx, f"settle {authority}")
    batch = told if isinstance(told, Batch) else Batch(tx.dialect, told)
    meanings = Meanings(ranks, recovered)
    keys, waits = batch.by_key(apart), _waiting(tx, authority)
    documents = {kind: _documents(tx, authority, kind, mine) for kind, mine in keys.items()}
    again = _recoveries(tx, {row[3] for rows in documents.values() for row in rows})
    settled, changed = Settled(), Changed()
    for kind, rows in documents.items():
        ordinary = batch.ordinary(rows, keys[kind], waits.get(kind, ()))
        for (was, recovery, shapes), lived in batch.alike(ordinary, again).items():
            found = life(Likeness._make(was), shapes, meanings.of(kind, recovery))
            if found is not None and all(said == APPLIED for said in found.said):
                texts, written = batch.settle(found, lived)
                changed.setdefault(texts, []).extend(written)
                settled.counts[APPLIED] += len(shapes) * len(lived)
                settled.shipments.update([row[2] for row, _ in lived])
                told_of = found.conflict or was[_CONFLICT] or tells is None or found.state in tells or was[0] in tells
                settled.telling.update([row[2] for row, _ in lived] if told_of else ())
                settled.messages.update([row[3] for row, _ in lived])
        if batch.open:  # what is left may contradict them: whoever settles next is to look
            left = [row[2] for row in rows if not all(batch.about[place] for place in keys[kind][row[0]])]
            settled.shipments.update(left)
            settled.telling.update(left)
    new = stories.keep(tx, authority, batch.parts(), batch.now) + _add(tx, batch)
    for texts, written in changed.items():
        bulk.update(tx, document, (*_WRITTEN, *texts), written, stored=_STORED)
    confirm_arrived(tx, settled.messages)
    return new, settled


def _add(tx: Connection, batch: Batch) -> int:
    """Keep what is not settled now, each in a row of its own. Returns how many are new."""
    return add_all(tx, batch.left()) if batch.open else 0


class Batch:
    """Receipts about to be kept, by their place, and what becomes of each."""

    def __init__(self, dialect: Dialect, told: Told) -> None:
        self.rows: list[ReceiptLike] = []
        self.raws: list[tuple[int, int, int]] = []  # raw messages, each with the places of its receipts: from, to
        for raw_id, rows in told:
            self.raws.append((raw_id, len(self.rows), len(self.rows) + len(rows)))
            self.rows += rows
        self.now = clock.now()
        self.dialect = dialect
        self.told_at = [row.return_time or stories.NO_TIME for row in self.rows]
        self.times = bulk.converted(dialect, receipt, "return_time", self.told_at)
        self.shapes: list[Shape] = [
            (row.status, at, row.pre_no != "", row.invt_no != "") for row, at in zip(self.rows, self.times, strict=True)
        ]
        self.about = [0] * len(self.rows)  # the document that each is settled with
        self.whose = [0] * len(self.rows)  # and its shipment
        self.open = len(self.rows)  # how many are neither settled nor known

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
        self, documents: Sequence[tuple[Any, ...]], keys: Mapping[str, list[int]], waits: Collection[str]
    ) -> Lived:
        """The documents of which there is one attempt, nothing waits, and all is later than what they hold.

        So none of it is known: what was applied to a document is no later than what it holds. (A row that moved nothing
        may say the same; `stories.apart` lets one of the two stay.)
        """
        attempts = Counter([row[0] for row in documents])
        if waits or len(attempts) < len(documents):
            documents = [row for row in documents if attempts[row[0]] == 1 and row[0] not in waits]
        times = self.times
        return [
            (row, places)
            for row in documents
            for places in (keys[row[0]],)
            if row[_HELD] is None or all(times[place] > row[_HELD] for place in places)
        ]

    def alike(self, documents: Lived, again: Collection[int]) -> dict[tuple[Any, bool, tuple[Shape, ...]], Lived]:
        """These documents by their Likeness, whether their message was sent again, and the shapes of their receipts."""
        found: dict[tuple[Any, bool, tuple[Shape, ...]], Lived] = {}
        shapes = self.shapes
        for row, places in documents:
            mine = tuple([shapes[place] for place in places])
            if len(mine) > 1 and len(set(mine)) < len(mine):
                places = self._once(places)  # noqa: PLW2901
                mine = tuple([shapes[place] for place in places])
            like = row[_LIKENESS], row[3] in again, mine
            if like in found:
                found[like].append((row, places))
            else:
                found[like] = [(row, places)]
        return found

    def _once(self, places: Sequence[int]) -> list[int]:
        """These places without those of receipts that came before them in this batch."""
        return sorted({self._same(place): place for place in reversed(places)}.values())

    def _same(self, place: int) -> tuple[Any, ...]:
        """What tells a receipt from the others of its key."""
        return self.rows[place].status, self.times[place], self.rows[place].guid

    def settle(self, found: Life, lived: Lived) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Note with which documents, that live the same, these receipts are settled.

        Returns which texts the documents have from their receipts, and the documents to be written, with these.
        """
        about, whose = self.about, self.whose
        for row, places in lived:
            for place in places:
                about[place], whose[place] = row[1], row[2]
        self.open -= len(found.said) * len(lived)
        rows, texts = self.rows, dict[str, list[Any]]()
        if found.info > 0:
            infos = [rows[places[found.info - 1]].info for _, places in lived]
            texts["return_info"] = bulk.converted(self.dialect, document, "return_info", infos)
        if found.pre_no > 0:
            texts["pre_no"] = [rows[places[found.pre_no - 1]].pre_no for _, places in lived]
        if found.invt_no > 0:
            texts["invt_no"] = [rows[places[found.invt_no - 1]].invt_no for _, places in lived]
        same = (found.state, found.rank, found.status, found.time, found.final, found.conflict)
        ids = ((row[1], *same) for row, _ in lived)
        return tuple(texts), [(*head, *said) for head, said in zip(ids, _turned(texts, len(lived)), strict=True)]

    def parts(self) -> list[stories.Part]:
        """What is settled, as the stories that the raw messages told."""
        found = []
        for raw_id, first, end in self.raws:
            if end - first and all(self.about[first:end]) and self._one(first, end):
                found.append(self._part(raw_id, range(first, end)))
                continue
            groups: dict[tuple[int, str], list[int]] = {}
            for place in range(first, end):
                if self.about[place]:
                    groups.setdefault((self.whose[place], self.rows[place].type), []).append(place)
            found += [self._part(raw_id, places) for places in groups.values()]
        return found

    def _one(self, first: int, end: int) -> bool:
        """Whether these places are of one shipment and one type, as a message's are as a rule."""
        whose = self.whose[first]
        if self.whose[first:end].count(whose) < end - first:
            return False
        return len({row.type for row in self.rows[first:end]}) == 1

    def _part(self, raw_id: int, places: Sequence[int]) -> stories.Part:
        first, about, rows = places[0], self.about, self.rows
        texts = zip(*[_texts(rows[place]) for place in places], strict=True)
        times = [self.told_at[place] for place in places]
        columns = ([about[place] for place in places], *texts, times)
        return stories.Part(raw_id, self.whose[first], rows[first].type, columns)

    def left(self) -> Told:
        """What is not settled, by the raw message that brought it; of what came twice in this batch the second, too."""
        rows, about = self.rows, self.about
        for raw_id, first, end in self.raws:
            yield raw_id, [rows[place] for place in range(first, end) if not about[place]]


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
