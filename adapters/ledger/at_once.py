"""Receipts that are settled as they are kept: the ordinary ones, in the transaction that keeps them (decision 0009).

Ordinary is a receipt of which `settling` would need nothing else than the one document with its business key: no other
attempt, nothing waiting about it, nothing that would have its story told anew. All others are kept as new, and settled
by `settling`. Most documents of a message live the same life: each such life is folded once, by the same `folding`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from adapters.ledger import bulk, folding
from adapters.ledger.folding import Held
from adapters.ledger.history import stored
from adapters.ledger.ledger import alone, writes
from adapters.ledger.messages import confirm_arrived
from adapters.ledger.receipts import NO_TIME, ReceiptLike
from adapters.ledger.settling import NEW, PARKED, UNUSABLE, WRITTEN, Meanings, Ranks, Settled
from adapters.ledger.tables import document, message, receipt
from mappings import clock

_COLUMNS = (
    "raw_id", "authority", "type", "business_key", "guid", "status", "return_time", "info", "pre_no", "invt_no",
    "declared_guid", "cop_msg_id", "document_id", "disposition", "reason", "at",
)  # fmt: skip
_STATE = ("state", "rank", "return_status", "return_time", "return_info", "pre_no", "invt_no", "final", "conflict")
Shape = tuple[str, Any, bool, bool]  # of a receipt: status, time as the driver has it, whether it has either number


class _Sign(NamedTuple):
    """A receipt of a life that many documents live: in place of its texts stands its place (from 1) in that life."""

    id: int
    status: str
    return_time: Any
    info: Any
    pre_no: Any
    invt_no: Any


class Life(NamedTuple):
    """What a life makes of a document; `info`, `pre_no`, `invt_no` say whose they are: -1 its own, 0 none."""

    said: tuple[str, ...]
    touched: bool
    state: str
    rank: int
    status: str
    time: Any
    info: int
    pre_no: int
    invt_no: int
    final: bool
    conflict: bool


def life(was: Held, shapes: Sequence[Shape], meanings: folding.Meanings) -> Life | None:
    """What receipts of these shapes, in order of coming, make of such a document; None where it is no ordinary life.

    Of `was` the texts are not looked at, only whether there are any: the outcome holds for every document alike.
    """
    rows = [
        _Sign(place, status, at, place, place * pre, place * invt)
        for place, (status, at, pre, invt) in enumerate(shapes, 1)
    ]
    if (was.status or was.final) and any(folding.unsettles(was, row, meanings) for row in rows):
        return None
    pre_no: Any = -bool(was.pre_no)
    invt_no: Any = -bool(was.invt_no)
    held = Held(was.state, was.rank, was.status, was.time, -1, pre_no, invt_no, was.final, was.conflict)
    said = folding.advance(held, rows, meanings)
    if len(said) < len(rows):  # an unknown status
        return None
    return Life(tuple(said[row.id] for row in rows), held.touched, *held.values())


@writes
def keep(
    tx: Connection,
    authority: str,
    told: Iterable[tuple[int, Sequence[ReceiptLike]]],
    ranks: Ranks,
    recovered: Ranks | None = None,
    apart: Collection[str] = (),
) -> tuple[int, Settled]:
    """Keep the receipts of many raw messages, by their ids, and settle the ordinary ones. Known ones change nothing.

    Returns how many were new, and what was settled. `ranks` to `apart` are as in `settling.settle`; one settling of an
    authority at a time.
    """
    alone(tx, f"settle {authority}")
    batch = _Batch(tx, told)
    settled = Settled()
    changed: list[tuple[Any, ...]] = []
    meanings = Meanings(ranks, recovered)
    for kind, keys in batch.by_key(apart).items():
        known, documents = _known(tx, authority, kind, keys), _documents(tx, authority, kind, keys)
        for key, about in documents.items():
            if about is not None and (places := batch.unknown(keys[key], known.get(key, {}))):
                changed += batch.settle(about, places, meanings.of(kind, bool(about.recovery)), settled)
    new = kept(tx, batch.values())
    bulk.update(tx, document, WRITTEN, changed, stored=("return_time", "return_info"))
    settled.counts = Counter(batch.said.values())
    confirm_arrived(tx, settled.messages)
    return new, settled


def kept(tx: Connection, rows: bulk.Rows) -> int:
    """Insert receipts that were converted before; how many are new."""
    return bulk.insert(tx, receipt, _COLUMNS, rows, ignore=True, stored=("return_time", "info"))


class _Batch:
    """Receipts about to be kept: what the driver needs of each, and what became of it."""

    def __init__(self, tx: Connection, told: Iterable[tuple[int, Sequence[ReceiptLike]]]) -> None:
        self.rows: list[ReceiptLike] = []
        self.raws: list[int] = []
        for raw_id, rows in told:
            self.rows += rows
            self.raws += [raw_id] * len(rows)
        self.times = bulk.converted(tx, receipt, "return_time", [row.return_time or NO_TIME for row in self.rows])
        self.infos = bulk.converted(tx, receipt, "info", [row.info for row in self.rows])
        self.said: dict[int, str] = {}
        self.about: dict[int, int] = {}
        self._lives: dict[tuple[Any, ...], Life | None] = {}
        self._shapes: list[Shape] = [
            (row.status, at, row.pre_no != "", row.invt_no != "") for row, at in zip(self.rows, self.times, strict=True)
        ]

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

    def unknown(self, places: list[int], known: Mapping[tuple[Any, ...], bool]) -> list[int]:
        """Of these places those of which the ledger has nothing yet, each once; none where something waits there."""
        if any(known.values()):
            return []
        if not known and len(places) == 1:
            return places
        rows, times = self.rows, self.times
        first = {(rows[p].status, times[p], rows[p].guid): p for p in reversed(places)}
        return sorted(place for same, place in first.items() if same not in known)

    def settle(
        self, about: Any, places: list[int], meanings: folding.Meanings, settled: Settled
    ) -> list[tuple[Any, ...]]:
        """What these receipts make of their document, as a row to be written; nothing where it is not ordinary."""
        was = Held(*about[5:14])
        shapes = tuple([self._shapes[place] for place in places])
        like = (about.type, bool(about.recovery), was.state, was.rank, was.status, was.time, was.pre_no != "",
                was.invt_no != "", was.final, was.conflict, shapes)  # fmt: skip
        if like not in self._lives:
            self._lives[like] = life(was, shapes, meanings)
        lived = self._lives[like]
        if lived is None:
            return []
        for place, said in zip(places, lived.said, strict=True):
            self.said[place], self.about[place] = said, about.id
        settled.shipments.add(about.shipment_id)
        settled.messages.add(about.message_id)
        return [self._written(about.id, was, places, lived)] if lived.touched else []

    def _written(self, ident: int, was: Held, places: list[int], lived: Life) -> tuple[Any, ...]:
        rows = self.rows
        info = self.infos[places[lived.info - 1]] if lived.info > 0 else was.info
        pre_no = rows[places[lived.pre_no - 1]].pre_no if lived.pre_no > 0 else was.pre_no
        invt_no = rows[places[lived.invt_no - 1]].invt_no if lived.invt_no > 0 else was.invt_no
        return (ident, lived.state, lived.rank, lived.status, lived.time, info, pre_no, invt_no, lived.final,
                lived.conflict)  # fmt: skip

    def values(self) -> list[tuple[Any, ...]]:
        """Every receipt as the ledger has it; what is not settled now waits as new."""
        now, about, said = clock.now(), self.about.get, self.said.get
        return [
            (
                raw_id, row.authority, row.type, row.business_key, row.guid, row.status, at, info, row.pre_no,
                row.invt_no, row.declared_guid, row.cop_msg_id, about(place),
                UNUSABLE if row.problem else said(place, NEW), row.problem, now,
            )
            for place, (raw_id, row, at, info) in enumerate(
                zip(self.raws, self.rows, self.times, self.infos, strict=True)
            )
        ]  # fmt: skip


def _documents(tx: Connection, authority: str, kind: str, keys: Collection[str]) -> dict[str, Any]:
    """By business key its document with what it holds, None where there are several attempts."""
    d = document.c
    columns = [d.business_key, d.id, d.message_id, d.shipment_id, message.c.recovery, *(stored(d[n]) for n in _STATE)]
    query = select(*columns, d.type).join(message, d.message_id == message.c.id)
    mine = query.where(d.authority == authority, d.type == kind, bulk.among(tx, d.business_key, keys))
    found: dict[str, Any] = {}
    for row in tx.execute(mine).all():
        found[row[0]] = None if row[0] in found else row
    return found


def _known(tx: Connection, authority: str, kind: str, keys: Collection[str]) -> dict[str, dict[tuple[Any, ...], bool]]:
    """By business key its receipts that are kept already (status, time, guid), and whether each waits."""
    r = receipt.c
    columns = (r.business_key, r.status, stored(r.return_time), r.guid, r.disposition)
    mine = select(*columns).where(r.authority == authority, r.type == kind, bulk.among(tx, r.business_key, keys))
    found: dict[str, dict[tuple[Any, ...], bool]] = {}
    for key, status, at, guid, disposition in tx.execute(mine).all():
        found.setdefault(key, {})[status, at, guid] = disposition in (NEW, PARKED)
    return found
