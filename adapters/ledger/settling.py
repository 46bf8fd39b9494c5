"""What receipts do to documents: set-based, and never backwards (receipts.md, sections 1 to 3; DESIGN, promise 5).

Whose receipt is it? The business key's only attempt; else the attempt whose guid stands in brackets in the text;
else the newest attempt that had left by the receipt's time; else it is parked, and looked at again next time.
What does it do? Higher rank moves the document on; lower or equal is late or a duplicate; what contradicts a final
state is a conflict, flagged on the document, whose state stays. Of a message that was sent again as a recovery a status
may mean something else: "you sent this before" proves that the first arrived.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, and_, select, type_coerce
from sqlalchemy.types import NullType

from adapters.ledger import bulk
from adapters.ledger.ledger import alone, writes
from adapters.ledger.messages import confirm_arrived
from adapters.ledger.sealed import SealedText
from adapters.ledger.tables import Instant, document, message, receipt

NEW, APPLIED, DUPLICATE, LATE, CONFLICT, PARKED = "new", "applied", "duplicate", "late", "conflict", "parked"
UNUSABLE, PARTNER = "unusable", "partner"
STRANGER = "unknown document"
_WRITTEN = (
    "id", "state", "rank", "return_status", "return_time", "return_info", "pre_no", "invt_no", "final", "conflict",
)  # fmt: skip


class Meaning(Protocol):
    """What a status means for a document (mappings.states.State)."""

    @property
    def state(self) -> str: ...
    @property
    def rank(self) -> int: ...
    @property
    def final(self) -> bool: ...
    @property
    def follow(self) -> frozenset[str]: ...


class Rank(NamedTuple):
    """The smallest Meaning; `follow` are the statuses that may follow although it is final."""

    state: str
    rank: int
    final: bool = False
    follow: frozenset[str] = frozenset()


Ranks = Mapping[tuple[str, str], Meaning]
_NONE = Rank("", 0)


@dataclass
class Settled:
    """How many receipts went which way, and which shipments and messages that concerns."""

    counts: Counter[str] = field(default_factory=Counter)
    shipments: set[int] = field(default_factory=set)
    messages: set[int] = field(default_factory=set)


class Verdict(NamedTuple):
    """What became of a receipt."""

    document_id: int | None
    disposition: str
    reason: str = ""


class _Pair(NamedTuple):
    """A waiting receipt beside a document that it may be about; times and sealed texts as the driver gave them."""

    id: int
    status: str
    return_time: Any
    info: Any
    pre_no: str
    invt_no: str
    declared_guid: str
    cop_msg_id: str
    type: str
    document_id: int
    shipment_id: int
    message_id: int
    attempt: int
    guid: str
    first_claimed_at: Any
    recovery: bool
    was: tuple[Any, ...]  # what _State is made of


@dataclass(slots=True)
class _State:
    """A document while receipts are applied to it; times and sealed texts as the driver gave them."""

    state: str
    rank: int
    status: str
    time: Any
    info: Any
    pre_no: str
    invt_no: str
    final: bool
    conflict: bool
    touched: bool = False

    def apply(self, row: _Pair, meaning: Meaning, current: Meaning) -> str:
        """Let one receipt have its effect; `current` is what the document's own status means."""
        disposition = _judge(self, row, meaning, current)
        if disposition == APPLIED:
            self.touched = True
            self.state, self.rank, self.final = meaning.state, meaning.rank, meaning.final
            self.status, self.time, self.info = row.status, row.return_time, row.info
            self.pre_no, self.invt_no = row.pre_no or self.pre_no, row.invt_no or self.invt_no
        elif disposition == CONFLICT:
            self.touched = self.conflict = True
        elif (row.pre_no and not self.pre_no) or (row.invt_no and not self.invt_no):
            self.touched = True
            self.pre_no, self.invt_no = self.pre_no or row.pre_no, self.invt_no or row.invt_no
        return disposition

    def values(self) -> tuple[Any, ...]:
        """As _WRITTEN, after the id."""
        return (
            self.state, self.rank, self.status, self.time, self.info, self.pre_no, self.invt_no, self.final,
            self.conflict,
        )  # fmt: skip


def _judge(held: _State, row: _Pair, meaning: Meaning, current: Meaning) -> str:
    """The disposition of a receipt for a document in the state `held`."""
    if row.status == held.status:
        return DUPLICATE
    later = meaning.rank == held.rank and held.time is not None and row.return_time > held.time
    if not held.final or row.status in current.follow:
        return APPLIED if meaning.rank > held.rank or later else LATE
    if meaning.final and held.status not in meaning.follow:
        return DUPLICATE if meaning.state == held.state else CONFLICT
    return CONFLICT if meaning.rank > held.rank else LATE


@writes
def settle(tx: Connection, authority: str, ranks: Ranks, recovered: Ranks | None = None) -> Settled:
    """Apply every receipt of an authority that is new or parked, and say what became of it.

    `recovered` says what a status means, instead of `ranks`, for a message that was sent again as a recovery.
    One settling of an authority at a time: two that do not see each other's receipts could take a document back.
    """
    verdicts: dict[int, Verdict] = {}
    states: dict[int, _State] = {}
    settled = Settled()
    alone(tx, f"settle {authority}")
    rows = [(row, _order(row, ranks)) for row in _choose(_candidates(tx, authority), verdicts)]
    for row, _ in sorted(rows, key=itemgetter(1)):
        key = (row.type, row.status)
        meaning = (recovered or {}).get(key) if row.recovery else None
        meaning = meaning or ranks.get(key)
        told = None if row.cop_msg_id else row.document_id
        if meaning is None:
            verdicts.setdefault(row.id, Verdict(told, PARKED, f"unknown status {row.status}"))
            continue
        held = states.get(row.document_id)
        if held is None:
            held = states[row.document_id] = _State(*row.was)
        disposition = held.apply(row, meaning, ranks.get((row.type, held.status), _NONE))
        if row.id not in verdicts or disposition == APPLIED:
            verdicts[row.id] = Verdict(told, disposition)
        settled.shipments.add(row.shipment_id)
        settled.messages.add(row.message_id)
    changed = [(ident, *held.values()) for ident, held in states.items() if held.touched]
    bulk.update(tx, document, _WRITTEN, changed, stored=("return_time", "return_info"))
    settled.counts = _note(tx, authority, verdicts)
    confirm_arrived(tx, settled.messages)
    return settled


def _order(row: _Pair, ranks: Ranks) -> tuple[Any, int, int]:
    """Receipts take effect by their own time, then by rank."""
    return row.return_time, ranks.get((row.type, row.status), _NONE).rank, row.id


def _candidates(tx: Connection, authority: str) -> list[_Pair]:
    """Every waiting receipt beside each document it may be about: same key, or inside the message it names."""
    r, d, m = receipt.c, document.c, message.c
    told = [r.id, r.status, r.return_time, r.info, r.pre_no, r.invt_no, r.declared_guid, r.cop_msg_id]
    about = [d.type, d.id.label("document_id"), d.shipment_id, d.message_id, d.attempt, d.guid, m.first_claimed_at,
             m.recovery]  # fmt: skip
    state = [d.state, d.rank, d.return_status, d.return_time, d.return_info, d.pre_no, d.invt_no, d.final, d.conflict]
    columns = [*map(_stored, told + about), *(_stored(c).label(f"was_{c.name}") for c in state)]
    same = and_(d.authority == r.authority, d.type == r.type, d.business_key == r.business_key, r.cop_msg_id == "")
    named = and_(m.authority == r.authority, m.cop_msg_id == r.cop_msg_id)
    by_key = select(*columns).select_from(receipt.join(document, same).join(message, d.message_id == m.id))
    by_message = select(*columns).select_from(receipt.join(message, named).join(document, d.message_id == m.id))
    found = [row for query in (by_key, by_message) for row in tx.execute(query.where(_waiting(authority))).all()]
    return [_Pair._make((*row[:16], tuple(row[16:]))) for row in found]


def _stored(column: Any) -> Any:
    """A time or a sealed text as the driver gives it: it is only compared and handed on."""
    raw = isinstance(column.type, Instant | SealedText)
    return type_coerce(column, NullType()).label(column.name) if raw else column


def _waiting(authority: str) -> Any:
    return and_(receipt.c.authority == authority, receipt.c.disposition.in_((NEW, PARKED)))


def _choose(candidates: list[_Pair], verdicts: dict[int, Verdict]) -> list[_Pair]:
    """Each receipt with its document; one that may be about several attempts, and tells not which, is parked."""
    groups: dict[int, list[_Pair]] = defaultdict(list)
    for row in candidates:
        groups[row.id].append(row)
    chosen = []
    for ident, rows in groups.items():
        if len(rows) == 1 or rows[0].cop_msg_id:
            chosen += rows
            continue
        attempt = _by_guid(rows) or _by_time(rows)
        if attempt is None:
            verdicts[ident] = Verdict(None, PARKED, "ambiguous attempt")
        else:
            chosen.append(attempt)
    return chosen


def _by_guid(rows: list[_Pair]) -> _Pair | None:
    """The attempt whose guid the receipt gives back."""
    return next((row for row in rows if row.guid.upper() == row.declared_guid.upper()), None)


def _by_time(rows: list[_Pair]) -> _Pair | None:
    """The newest attempt that had been claimed for sending by the receipt's time."""
    left = [row for row in rows if row.first_claimed_at and row.first_claimed_at <= row.return_time]
    return max(left, key=lambda row: row.attempt, default=None)


def _note(tx: Connection, authority: str, verdicts: dict[int, Verdict]) -> Counter[str]:
    """Write each receipt's verdict; one that nobody claims is parked until its document is known."""
    waiting = tx.execute(select(receipt.c.id, receipt.c.disposition).where(_waiting(authority)))
    stranger = Verdict(None, PARKED, STRANGER)
    changes = [(ident, *verdicts.get(ident, stranger)) for ident, was in waiting if was == NEW or ident in verdicts]
    bulk.update(tx, receipt, ("id", "document_id", "disposition", "reason"), changes)
    return Counter(change[2] for change in changes)
