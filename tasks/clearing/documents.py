"""The parcels and documents of a shipment as it stands, and the parcels that each list names.

A truck has thousands of parcels and four documents of each, it is asked some hundred times in its life how it stands,
and from one time to the next few of them change. On PostgreSQL a process keeps what it read last and reads only the
rows that transactions have written since. Rows are neither deleted nor lost there, so that what was kept and what was
written since are the whole. What a transaction reads after it has written something itself is not kept: it may come to
nothing.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from operator import itemgetter
from sys import intern
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Pool, case, event, select

from adapters.ledger import bulk, messages, parcels, written
from adapters.ledger.tables import document

MOST = 800_000  # documents that a process keeps, of all shipments: some 200 MB, sixty trucks of 3,200 parcels
FEW = 1_000  # a shipment of fewer documents is read anew: that takes about a millisecond
LISTS = 300  # list documents whose parcels it keeps: some hundred kB each, of a truck of thousands
PREPARED, CLOSED = "prepared", "closed"  # of a document, of a parcel


class Document(NamedTuple):
    """The latest attempt of a document; `state` is what the authority said, or how its message stands.

    A parcel's own has neither `business_key` nor `pre_no`: they are thousands, and nobody asks that of them here.
    """

    id: int
    type: str
    business_key: str
    attempt: int
    app_type: str
    seq: int | None
    state: str
    pre_no: str
    return_time: datetime | None
    follows: int | None = None  # the document that this one declares anew or changes


_DOCUMENT = partial(tuple.__new__, Document)  # as Document._make, without a call of Python's for each
ByParcel = dict[int | None, Document]
States = dict[int, tuple[str, str]]  # of parcels, by seq: state and reason


@dataclass(frozen=True)
class Known:
    """What was read of a shipment up to the transaction `since`; nobody changes it.

    `found`: the latest of each type and parcel, of one without a parcel under its negative id; `waiting`: of those that
    were prepared the messages, which say how they stand. `states`: how its parcels stand, by seq; `seqs`: by id.
    """

    since: int = 0
    found: dict[str, ByParcel] = field(default_factory=dict)
    waiting: dict[tuple[str, int | None], int] = field(default_factory=dict)
    states: States = field(default_factory=dict)
    seqs: dict[int, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(map(len, self.found.values()))

    @property
    def ended(self) -> bool:
        """Whether all its parcels are closed: it is hardly asked for any more."""
        return all(state == CLOSED for state, _ in self.states.values())


@dataclass
class Kept:
    """What a process keeps of one ledger."""

    shipments: dict[int, Known] = field(default_factory=dict)
    members: dict[int, frozenset[int]] = field(default_factory=dict)

    def clear(self, *_: object) -> None:
        """Forgets all of it: where connections are made anew the database may be another (a backup)."""
        self.shipments, self.members = {}, {}

    def keep(self, shipment_id: int, known: Known) -> None:
        """Keeps a shipment, where it is worth that; where it becomes too much, those at their end go, then any others.

        All others are asked in turn: who let the oldest go would find none of them.
        """
        kept = {ident: one for ident, one in self.shipments.items() if ident != shipment_id}
        size = len(known)
        if FEW <= size <= MOST:
            size += sum(map(len, kept.values()))
            ended = [ident for ident, one in kept.items() if one.ended] if size > MOST else []
            while size > MOST:
                size -= len(kept.pop(ended.pop() if ended else _any(kept)))
            kept[shipment_id] = known
        self.shipments = kept


def _any(kept: Collection[int]) -> int:
    return random.choice(list(kept))


_kept: WeakKeyDictionary[Pool, Kept] = WeakKeyDictionary()


def _of(tx: Connection) -> Kept | None:
    """What is kept of the ledger of a transaction; None where nothing is to be."""
    if tx.dialect.name != "postgresql":
        return None
    pool = tx.engine.pool
    if pool not in _kept:
        _kept[pool] = made = Kept()
        event.listen(pool, "connect", made.clear)
    return _kept[pool]


@dataclass
class Reading:
    """A shipment as it was read: its documents, then its parcels; what they refer to is read after it.

    What was read after the documents holds all that they refer to, also where others write meanwhile.
    """

    shipment_id: int
    rows: list[Any]
    parcels: list[Any]
    known: Known
    since: int = 0  # 0 where it is not to be kept

    def now(self, tx: Connection, message_states: dict[int, str]) -> tuple[States, dict[str, ByParcel]]:
        """The parcels by seq, and the latest document of each type and parcel.

        `message_states`: of the shipment's messages, read after the rest. A truck has thousands of documents: what its
        few messages say is joined here.
        """
        kept = _of(tx) if self.since or self.known.since else None
        now = self._merged(tx, {} if kept else message_states)
        if kept is None:
            return now.states, now.found
        if self.since:
            kept.keep(self.shipment_id, now)
        found = dict(now.found)
        for kind in {kind for kind, _ in now.waiting}:
            found[kind] = dict(found[kind])
        for (kind, key), message_id in now.waiting.items():
            told = found[kind][key]
            said = message_states.get(message_id, PREPARED)
            if said != PREPARED:
                found[kind][key] = _DOCUMENT((*told[:6], said, *told[7:]))
        return now.states, found

    def _merged(self, tx: Connection, message_states: dict[int, str]) -> Known:
        """What was known, with what was read now; the former is left as it is.

        Where `message_states` are given they are in it, which is then for this once; else their messages are `waiting`.
        """
        states, seqs = self._here()
        if not self.rows:
            return Known(self.since, self.known.found, self.known.waiting, states, seqs)
        self.rows.sort(key=itemgetter(3))  # by attempt: nearly always the first, and the database would sort as well
        times = bulk.read(tx, document.c.return_time, {row[8] for row in self.rows})
        changed = {row[1] for row in self.rows}
        found = {kind: dict(ones) if kind in changed else ones for kind, ones in self.known.found.items()}
        waiting = dict(self.known.waiting)
        for ident, kind, name, attempt, app_type, parcel_id, state, pre_no, at, follows, message_id in self.rows:
            seq = seqs.get(parcel_id)
            key = -ident if seq is None else seq
            ones = found.get(kind)
            if ones is None:
                ones = found[kind] = {}
            before = ones.get(key)
            if before is not None and (before[3], before[0]) > (attempt, ident):
                continue
            if state != PREPARED:
                waiting.pop((kind, key), None)
            elif message_states:
                state = message_states.get(message_id, state)  # noqa: PLW2901
            else:
                waiting[kind, key] = message_id
            ones[key] = _DOCUMENT(
                (ident, intern(kind), name, attempt, app_type, seq, intern(state), pre_no, times[at], follows)
            )
        return Known(self.since, found, waiting, states, seqs)

    def _here(self) -> tuple[States, dict[int, int]]:
        """The parcels' states by seq, in that order, and their seqs by id."""
        if not self.parcels:
            return self.known.states, self.known.seqs
        # turned as a whole: rows one by one take three times as long, by name ten times
        idents, numbers, states, reasons = zip(*self.parcels, strict=True)
        read = dict(zip(numbers, zip(map(intern, states), map(intern, reasons), strict=True), strict=True))
        known, seqs = self.known.states, self.known.seqs
        if read.keys() <= known.keys():
            return known | read, seqs
        seqs = seqs | dict(zip(idents, numbers, strict=True))
        return dict(sorted((known | read).items())) if known else read, seqs


def read(tx: Connection, shipment_id: int) -> Reading:
    """A shipment's documents and parcels: all of them, or those that were written since this process read them last."""
    d, since, known = document.c, 0, Known()
    columns = (d.id, d.type, _of_truck(d.business_key), d.attempt, d.app_type, d.parcel_id, d.state,
               _of_truck(d.pre_no), bulk.as_stored(d.return_time), d.previous_id, d.message_id)  # fmt: skip
    query = select(*columns).where(d.shipment_id == shipment_id).order_by(d.id)
    kept = _of(tx)
    if kept is not None:
        known = kept.shipments.get(shipment_id, known)
        snapshot, clean = written.snapshot(tx)  # before the rows: what is written between the two is read again
        since = snapshot if clean else 0
        if not written.can_tell(known.since, snapshot):
            known = Known()
    rows = list(tx.execute(written.since(query, document, known.since)).all())
    return Reading(shipment_id, rows, parcels.brief(tx, shipment_id, known.since), known, since)


def _of_truck(column: Any) -> Any:
    """A column's value of a document about the whole truck; of a parcel's own ''."""
    return case((document.c.parcel_id.is_(None), column), else_="")


def members(tx: Connection, shipment_id: int, lists: Iterable[int]) -> dict[int, frozenset[int]]:
    """The parcels (by seq) that each of these list documents of the shipment names; what a list names stays so."""
    kept, wanted = _of(tx), set(lists)
    known = {ident: kept.members[ident] for ident in wanted & kept.members.keys()} if kept is not None else {}
    missing = wanted - known.keys()
    if missing:
        named = messages.list_members(tx, shipment_id, missing)
        read_now = {ident: frozenset(named.get(ident, ())) for ident in missing}
        known |= read_now
        if kept is not None and written.snapshot(tx)[1]:
            others = dict(kept.members)
            while len(others) > LISTS:
                del others[_any(others)]
            kept.members = others | read_now
    return known
