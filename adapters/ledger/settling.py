"""What receipts do to documents: set-based, and never backwards (receipts.md, sections 1 to 3; DESIGN, promise 5).

Whose receipt is it? The business key's only attempt; else the attempt whose guid stands in brackets in the text;
else the newest attempt that had left by the receipt's time; else it is parked, and looked at again next time.
What does it do? Higher rank moves the document on; lower or equal is late or a duplicate; what contradicts a final
state is a conflict, flagged on the document, whose state stays.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, LargeBinary, Row, and_, select, type_coerce

from adapters.ledger import bulk
from adapters.ledger.ledger import alone, writes
from adapters.ledger.messages import confirm_arrived
from adapters.ledger.sealed import Ciphertext
from adapters.ledger.tables import document, message, receipt

NEW, APPLIED, DUPLICATE, LATE, CONFLICT, PARKED = "new", "applied", "duplicate", "late", "conflict", "parked"
UNUSABLE = "unusable"
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


@dataclass
class _State:
    """A document while receipts are applied to it."""

    state: str
    rank: int
    status: str
    time: datetime | None
    info: bytes | None
    pre_no: str
    invt_no: str
    final: bool
    conflict: bool
    touched: bool = False

    def apply(self, row: Row[Any], meaning: Meaning, current: Meaning) -> str:
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


def _judge(held: _State, row: Row[Any], meaning: Meaning, current: Meaning) -> str:
    """The disposition of a receipt for a document in the state `held`."""
    if row.status == held.status:
        return DUPLICATE
    onwards = (meaning.rank, row.return_time) > (held.rank, held.time or row.return_time)
    if not held.final or row.status in current.follow:
        return APPLIED if onwards else LATE
    if meaning.final and held.status not in meaning.follow:
        return DUPLICATE if meaning.state == held.state else CONFLICT
    return CONFLICT if meaning.rank > held.rank else LATE


@writes
def settle(tx: Connection, authority: str, ranks: Ranks) -> Settled:
    """Apply every receipt of an authority that is new or parked, and say what became of it.

    One settling of an authority at a time: two that do not see each other's receipts could take a document back.
    """
    verdicts: dict[int, Verdict] = {}
    states: dict[int, _State] = {}
    settled = Settled()
    alone(tx, f"settle {authority}")
    chosen = _choose(_candidates(tx, authority), verdicts)
    for row in sorted(chosen, key=lambda r: (r.return_time, ranks.get((r.type, r.status), _NONE).rank, r.id)):
        meaning = ranks.get((row.type, row.status))
        told = None if row.whole_message else row.document_id
        if meaning is None:
            verdicts.setdefault(row.id, Verdict(told, PARKED, f"unknown status {row.status}"))
            continue
        held = states.get(row.document_id)
        if held is None:
            held = states[row.document_id] = _start(row)
        disposition = held.apply(row, meaning, ranks.get((row.type, held.status), _NONE))
        if row.id not in verdicts or disposition == APPLIED:
            verdicts[row.id] = Verdict(told, disposition)
        settled.shipments.add(row.shipment_id)
        settled.messages.add(row.message_id)
    changed = [(ident, *_values(held)) for ident, held in states.items() if held.touched]
    bulk.update(tx, document, _WRITTEN, changed)
    settled.counts = _note(tx, authority, verdicts)
    confirm_arrived(tx, settled.messages)
    return settled


def _candidates(tx: Connection, authority: str) -> list[Row[Any]]:
    """Every waiting receipt beside each document it may be about: same key, or inside the message it names."""
    r, d, m = receipt.c, document.c, message.c
    columns = [
        r.id, r.status, r.return_time, type_coerce(r.info, LargeBinary).label("info"), r.pre_no, r.invt_no, d.type,
        d.id.label("document_id"), d.shipment_id, d.message_id, d.attempt, d.guid, d.state, d.rank, d.final, d.conflict,
        d.return_status, d.return_time.label("last_time"), type_coerce(d.return_info, LargeBinary).label("last_info"),
        d.pre_no.label("last_pre_no"), d.invt_no.label("last_invt_no"), m.first_claimed_at,
        r.declared_guid, (r.cop_msg_id != "").label("whole_message"),
    ]  # fmt: skip
    same = and_(d.authority == r.authority, d.type == r.type, d.business_key == r.business_key, r.cop_msg_id == "")
    named = and_(m.authority == r.authority, m.cop_msg_id == r.cop_msg_id)
    by_key = select(*columns).select_from(receipt.join(document, same).join(message, d.message_id == m.id))
    by_message = select(*columns).select_from(receipt.join(message, named).join(document, d.message_id == m.id))
    return [row for query in (by_key, by_message) for row in tx.execute(query.where(_waiting(authority))).all()]


def _waiting(authority: str) -> Any:
    return and_(receipt.c.authority == authority, receipt.c.disposition.in_((NEW, PARKED)))


def _choose(candidates: list[Row[Any]], verdicts: dict[int, Verdict]) -> list[Row[Any]]:
    """Each receipt with its document; one that may be about several attempts, and tells not which, is parked."""
    groups: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in candidates:
        groups[row.id].append(row)
    chosen = []
    for ident, rows in groups.items():
        if len(rows) == 1 or rows[0].whole_message:
            chosen += rows
            continue
        attempt = _by_guid(rows) or _by_time(rows)
        if attempt is None:
            verdicts[ident] = Verdict(None, PARKED, "ambiguous attempt")
        else:
            chosen.append(attempt)
    return chosen


def _by_guid(rows: list[Row[Any]]) -> Row[Any] | None:
    """The attempt whose guid the receipt gives back."""
    return next((row for row in rows if row.guid.upper() == row.declared_guid.upper()), None)


def _by_time(rows: list[Row[Any]]) -> Row[Any] | None:
    """The newest attempt that had been claimed for sending by the receipt's time."""
    left = [row for row in rows if row.first_claimed_at and row.first_claimed_at <= row.return_time]
    return max(left, key=lambda row: row.attempt, default=None)


def _start(row: Row[Any]) -> _State:
    return _State(
        row.state, row.rank, row.return_status, row.last_time, row.last_info, row.last_pre_no, row.last_invt_no,
        row.final, row.conflict,
    )  # fmt: skip


def _values(held: _State) -> tuple[Any, ...]:
    info = None if held.info is None else Ciphertext(held.info)
    return (
        held.state, held.rank, held.status, held.time, info, held.pre_no, held.invt_no, held.final, held.conflict,
    )  # fmt: skip


def _note(tx: Connection, authority: str, verdicts: dict[int, Verdict]) -> Counter[str]:
    """Write each receipt's verdict; one that nobody claims is parked until its document is known."""
    waiting = tx.execute(select(receipt.c.id, receipt.c.disposition).where(_waiting(authority)))
    stranger = Verdict(None, PARKED, "unknown document")
    changes = [(ident, *verdicts.get(ident, stranger)) for ident, was in waiting if was == NEW or ident in verdicts]
    bulk.update(tx, receipt, ("id", "document_id", "disposition", "reason"), changes)
    return Counter(change[2] for change in changes)
