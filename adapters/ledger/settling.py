"""What receipts do to documents: set-based, and never backwards (receipts.md, sections 1 to 3; DESIGN, promise 5).

Whose receipt is it? The business key's only attempt; else the attempt whose guid stands in brackets in the text;
else the newest attempt that had left by the receipt's time; else it is parked, and looked at again next time.
What does it do? That is `folding`'s: the same receipts make the same of a document in whatever order they come. Of a
message that was sent again as a recovery a status may mean something else: "you sent this before" proves that the first
arrived.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, select

from adapters.ledger import bulk, folding, history, stories
from adapters.ledger.claims import confirm_arrived
from adapters.ledger.folding import APPLIED, CONFLICT, DUPLICATE, LATE, Held, Meaning, Rank
from adapters.ledger.history import SETTLED, Past, stored
from adapters.ledger.ledger import alone, writes
from adapters.ledger.tables import NEW, PARKED, WAITING, document, message, receipt

__all__ = [
    "APPLIED", "CONFLICT", "DUPLICATE", "LATE", "NEW", "PARKED", "PARTNER", "SETTLED", "STRANGER", "UNUSABLE",
    "Meaning", "Meanings", "Rank", "Ranks", "Settled", "settle", "waiting_of",
]  # fmt: skip
UNUSABLE, PARTNER = "unusable", "partner"
STRANGER = "unknown document"
_WRITTEN = (
    "id", "state", "rank", "return_status", "return_time", "return_info", "pre_no", "invt_no", "final", "conflict",
)  # fmt: skip
Ranks = Mapping[tuple[str, str], Meaning]


@dataclass
class Settled:
    """How many receipts went which way, and which shipments and messages that concerns.

    `telling`: the shipments of which something may be told otherwise than before that a person has to look at.
    """

    counts: Counter[str] = field(default_factory=Counter)
    shipments: set[int] = field(default_factory=set)
    telling: set[int] = field(default_factory=set)
    messages: set[int] = field(default_factory=set)

    def __iadd__(self, other: Settled) -> Settled:
        self.counts += other.counts
        self.shipments |= other.shipments
        self.telling |= other.telling
        self.messages |= other.messages
        return self


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
    was: tuple[Any, ...]  # what Held is made of


@writes
def settle(
    tx: Connection, authority: str, ranks: Ranks, recovered: Ranks | None = None, apart: Collection[str] = ()
) -> Settled:
    """Apply every receipt of an authority that is new or parked, and say what became of it.

    `recovered` says what a status means, instead of `ranks`, for a message that was sent again as a recovery; types
    in `apart` are about no document of ours, and settled elsewhere.
    One settling of an authority at a time: two that do not see each other's receipts could take a document back.
    """
    verdicts: dict[int, Verdict] = {}
    settled = Settled()
    alone(tx, f"settle {authority}")
    groups: dict[int, list[_Pair]] = defaultdict(list)
    for row in _choose(_candidates(tx, authority), verdicts):
        groups[row.document_id].append(row)
    held = {ident: Held(*rows[0].was) for ident, rows in groups.items()}
    of = Meanings(ranks, recovered).of
    meanings = {ident: of(rows[0].type, bool(rows[0].recovery)) for ident, rows in groups.items()}
    moved = [i for i in groups if held[i].status or held[i].final]  # of the others nothing was said yet
    unsettled = [i for i in moved if any(folding.unsettles(held[i], row, meanings[i]) for row in groups[i])]
    stories.apart(tx, unsettled)
    past = history.past(tx, unsettled)
    told_anew: list[tuple[int, str]] = []
    for ident, rows in groups.items():
        if ident in past:
            held[ident], said = folding.refold(held[ident], past[ident], rows, meanings[ident])
            told_anew += _changed(past[ident], said)
        else:
            said = folding.advance(held[ident], rows, meanings[ident])
        _judge(rows, said, verdicts, settled)
    changed = [(ident, *one.values()) for ident, one in held.items() if one.touched]
    bulk.update(tx, document, _WRITTEN, changed, stored=("return_time", "return_info"))
    bulk.update(tx, receipt, ("id", "disposition"), told_anew)
    settled.counts = _note(tx, authority, verdicts, apart)
    settled.telling |= settled.shipments
    confirm_arrived(tx, settled.messages)
    return settled


@writes
def retell(
    tx: Connection, authority: str, idents: list[int], ranks: Ranks, recovered: Ranks | None = None
) -> dict[int, str]:
    """Make these documents anew from all that was told of them, as after a cancel was granted. Their states by id."""
    alone(tx, f"settle {authority}")
    stories.apart(tx, idents)
    d, past = document.c, history.past(tx, idents)
    state = [d.state, d.rank, d.return_status, d.return_time, d.return_info, d.pre_no, d.invt_no, d.final, d.conflict]
    query = select(d.id, d.type, message.c.recovery, *map(stored, state)).join(message, d.message_id == message.c.id)
    changed, anew, of = [], [], Meanings(ranks, recovered).of
    for ident, kind, recovery, *was in tx.execute(query.where(bulk.among(tx, d.id, idents))).all():
        meaning = of(kind, bool(recovery))
        held, said = folding.refold(Held(*was), past[ident], [], meaning)
        changed.append((ident, *held.values()))
        anew += _changed(past[ident], said)
    bulk.update(tx, document, _WRITTEN, changed, stored=("return_time", "return_info"))
    bulk.update(tx, receipt, ("id", "disposition"), anew)
    return {ident: state for ident, state, *_ in changed}


class Meanings:
    """What each status means for the documents of each type, and of recoveries: asked for once."""

    def __init__(self, ranks: Ranks, recovered: Ranks | None) -> None:
        self._ranks, self._recovered = ranks, recovered
        self._known: dict[tuple[str, bool], folding.Meanings] = {}

    def of(self, kind: str, recovery: bool) -> folding.Meanings:
        """What a status means for a document of this type, whose message was sent (or sent again, as a recovery)."""
        key = kind, recovery
        if key not in self._known:
            self._known[key] = _ByStatus(_asking(kind, recovery, self._ranks, self._recovered)).__getitem__
        return self._known[key]


class _ByStatus(dict[str, Meaning | None]):
    """What each status means for the documents of one type."""

    def __init__(self, ask: folding.Meanings) -> None:
        super().__init__()
        self._ask = ask

    def __missing__(self, status: str) -> Meaning | None:
        found = self[status] = self._ask(status)
        return found


def _asking(kind: str, recovery: bool, ranks: Ranks, recovered: Ranks | None) -> folding.Meanings:
    def meaning(status: str) -> Meaning | None:
        key = (kind, status)
        return ((recovered or {}).get(key) if recovery else None) or ranks.get(key)

    return meaning


def _judge(rows: list[_Pair], said: dict[int, str], verdicts: dict[int, Verdict], settled: Settled) -> None:
    """Note what became of one document's receipts; one about a whole message counts where it moved any document."""
    for row in rows:
        ident = None if row.cop_msg_id else row.document_id
        if row.id not in said:
            verdicts.setdefault(row.id, Verdict(ident, PARKED, f"unknown status {row.status}"))
            continue
        if row.id not in verdicts or said[row.id] == APPLIED:
            verdicts[row.id] = Verdict(ident, said[row.id])
        settled.shipments.add(row.shipment_id)
        settled.messages.add(row.message_id)


def _changed(past: list[Past], said: dict[int, str]) -> list[tuple[int, str]]:
    """Receipts settled before that are, or are no longer, a conflict now that an earlier one has come."""
    mine = ((row, said[row.id]) for row in past if row.id in said and not row.whole)
    return [(row.id, now) for row, now in mine if (now == CONFLICT) != (row.disposition == CONFLICT)]


def _candidates(tx: Connection, authority: str) -> list[_Pair]:
    """Every waiting receipt beside each document it may be about: same key, or inside the message it names."""
    r, d, m = receipt.c, document.c, message.c
    waiting = tx.execute(select(r.id).where(waiting_of(authority))).scalars().all()
    if not waiting:
        return []
    mine = bulk.among(tx, r.id, waiting)  # the receipts lead: there may be few of them, and many documents
    said = [r.id, r.status, r.return_time, r.info, r.pre_no, r.invt_no, r.declared_guid, r.cop_msg_id]
    about = [d.type, d.id.label("document_id"), d.shipment_id, d.message_id, d.attempt, d.guid, m.first_claimed_at,
             m.recovery]  # fmt: skip
    state = [d.state, d.rank, d.return_status, d.return_time, d.return_info, d.pre_no, d.invt_no, d.final, d.conflict]
    columns = [*map(stored, said + about), *(stored(c).label(f"was_{c.name}") for c in state)]
    same = and_(d.authority == r.authority, d.type == r.type, d.business_key == r.business_key, r.cop_msg_id == "")
    named = and_(m.authority == r.authority, m.cop_msg_id == r.cop_msg_id)
    by_key = select(*columns).select_from(receipt.join(document, same).join(message, d.message_id == m.id))
    by_message = select(*columns).select_from(receipt.join(message, named).join(document, d.message_id == m.id))
    found = [row for query in (by_key, by_message) for row in tx.execute(query.where(mine)).all()]
    return [_Pair._make((*row[:16], tuple(row[16:]))) for row in found]


def waiting_of(authority: str) -> Any:
    """The condition of a receipt that has had no effect yet."""
    return and_(receipt.c.authority == authority, WAITING)


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


def _note(tx: Connection, authority: str, verdicts: dict[int, Verdict], apart: Collection[str]) -> Counter[str]:
    """Write each receipt's verdict; one that nobody claims is parked until its document is known."""
    mine = and_(waiting_of(authority), receipt.c.type.not_in(apart))
    waiting = tx.execute(select(receipt.c.id, receipt.c.disposition).where(mine)).all()
    stranger = Verdict(None, PARKED, STRANGER)
    changes = [(ident, *verdicts.get(ident, stranger)) for ident, was in waiting if was == NEW or ident in verdicts]
    bulk.update(tx, receipt, ("id", "document_id", "disposition", "reason"), changes)
    return Counter(change[2] for change in changes)
