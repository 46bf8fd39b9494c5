"""Sends what is prepared: claimed (committed), posted, settled (DESIGN, promise 5).

A few messages are claimed together where an authority answers quickly, and settled together in the transaction that
claims the next ones: a commit for some, not for each. Every claim is committed before its message leaves. A process
that dies leaves at most these few of unknown outcome; a slow authority's messages are claimed one at a time.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row

from adapters.contract import Answer, Authority
from adapters.ledger import Ledger, claims, messages, raws
from adapters.ledger.events import record
from mappings import clock
from mappings.errors import AuthorityRejected, AuthorityUnavailable, ConfigurationError, OutcomeUnknown
from tasks.receipts.due import to_explain

Progress = Callable[[int, int], None]  # messages done, messages in all
SENT, UNKNOWN, REFUSED, TAKEN, DUPLICATE = "sent", "unknown", "refused", "taken", "duplicate"
TOGETHER, BRIEF = 16, 0.5  # messages claimed together at the most, and for about how many seconds


@dataclass
class Submitted:
    """How many messages went which way; `taken` were somebody else's, or their shipment is held."""

    counts: Counter[str] = field(default_factory=Counter)
    message_ids: dict[int, str] = field(default_factory=dict)

    def note(self, message_id: int, outcome: str) -> None:
        """Count one message."""
        self.counts[outcome] += 1
        self.message_ids[message_id] = outcome


def submit(
    ledger: Ledger,
    authority: Authority,
    shipment_id: int,
    types: Sequence[str],
    worker: str,
    progress: Progress | None = None,
) -> Submitted:
    """Send every prepared message of these types, in their order.

    Raises AuthorityUnavailable when the authority cannot be reached: what was not sent stays prepared.
    """
    done = Submitted()
    waiting = messages.to_send(ledger, shipment_id, authority.name, types)
    group = Group(ledger, worker, deque(row.id for row in waiting))
    try:
        while (ident := group.next(done)) is not None:
            done.note(ident, post(ledger, authority, ident, group=group))
            if progress is not None:
                progress(len(done.message_ids), len(waiting))
    finally:
        group.close()
    return done


@dataclass
class Group:
    """Messages in their order, some of which are claimed together, posted one by one, and settled together.

    How many: as many as their authority answers within `BRIEF` seconds, by the last ones; one to begin with.
    """

    ledger: Ledger
    worker: str
    left: deque[int]
    size: int = 1
    claimed: deque[int] = field(default_factory=deque)
    answered: list[tuple[Row[Any], Answer]] = field(default_factory=list)
    kept: dict[int, tuple[Row[Any], bytes]] = field(default_factory=dict)
    since: float = 0.0

    def next(self, done: Submitted) -> int | None:
        """The next message, claimed; None at the end. What is somebody else's, or of a held truck, is noted as taken.

        What was claimed some time ago is claimed anew: the truck may be held by now.
        """
        if self.claimed and clock.stopwatch() - self.since > BRIEF:
            self._release()
        while not self.claimed and self.left:
            self._turn(done)
        return self.claimed.popleft() if self.claimed else None

    def _turn(self, done: Submitted) -> None:
        """Settle the last ones and claim the next, in one transaction."""
        if self.answered:
            each = (clock.stopwatch() - self.since) / len(self.answered)
            self.size = min(TOGETHER, max(1, int(BRIEF / max(each, 1e-6))))
        ids = [self.left.popleft() for _ in range(min(self.size, len(self.left)))]
        with self.ledger.begin() as tx:
            _settle(tx, self.answered)
            mine = claims.claim_all(tx, ids, self.worker)
        self.answered.clear()  # only now is it so: the transaction is at its end
        self.claimed.extend(mine)
        for ident in ids:
            if ident not in mine:
                done.note(ident, TAKEN)
        self.kept, self.since = _kept(self.ledger, mine), clock.stopwatch()

    def _release(self) -> None:
        """Free what was claimed and surely was not sent; it is asked for again, in its order, one at a time at first.

        After so long a claim may be another worker's by now, who found this one dead: that one stays.
        """
        with self.ledger.begin() as tx:
            for ident in self.claimed:
                claims.settle_unavailable(tx, ident, self.worker)
        self.left.extendleft(reversed(self.claimed))
        self.claimed.clear()
        self.size = 1

    def close(self) -> None:
        """Settle what was answered, and free what was claimed: something went wrong, or all is sent."""
        if self.answered:
            with self.ledger.begin() as tx:
                _settle(tx, self.answered)
            self.answered.clear()
        if self.claimed:
            self._release()


def _kept(ledger: Ledger, ids: Sequence[int]) -> dict[int, tuple[Row[Any], bytes]]:
    """Messages and their bytes, by id."""
    with ledger.read() as tx:
        rows = messages.get_all(tx, ids)
        bodies = raws.bodies(tx, [row.raw_id for row in rows])
    return {row.id: (row, bodies[row.raw_id]) for row in rows}


def _settle(tx: Connection, answered: Sequence[tuple[Row[Any], Answer]]) -> None:
    """Keep the answers to messages that were taken, and that they were."""
    if answered:
        said = [(row.authority, row.cop_msg_id, answer.raw, row.shipment_id) for row, answer in answered]
        raws.store_answers(tx, said)
        claims.settle_sent(tx, *(row.id for row, _ in answered))


def post(
    ledger: Ledger, authority: Authority, message_id: int, recovery: bool = False, group: Group | None = None
) -> str:
    """Post a message that this worker has claimed, keep the answer, and settle the claim by what came of it.

    In a `group`, one that was sent is settled with the others of the group.
    """
    row, body = (group.kept if group else _kept(ledger, [message_id]))[message_id]
    try:
        answer = authority.send(body, row.cop_msg_id, recovery)
    except (AuthorityUnavailable, ConfigurationError) as error:
        with ledger.begin() as tx:
            raws.store_answer(tx, authority.name, row.cop_msg_id, error.raw, row.shipment_id)
            claims.settle_unavailable(tx, message_id)
        raise
    except OutcomeUnknown as error:
        with ledger.begin() as tx:
            raws.store_answer(tx, authority.name, row.cop_msg_id, error.raw, row.shipment_id)
            claims.mark_unknown(tx, message_id)
            _tell(tx, row.shipment_id, "outcome_unknown", message_id, row.type, str(error))
        return UNKNOWN
    except AuthorityRejected as error:
        with ledger.begin() as tx:
            raws.store_answer(tx, authority.name, row.cop_msg_id, error.raw, row.shipment_id)
            claims.settle_refused(tx, message_id, error.code, str(error))
            to_explain(tx, authority.name, [row.shipment_id])
            _tell(tx, row.shipment_id, "message_refused", message_id, row.type, str(error))
        return REFUSED
    return _sent(ledger, row, answer, group)


def _sent(ledger: Ledger, row: Row[Any], answer: Answer, group: Group | None) -> str:
    if group:
        group.answered.append((row, answer))
    else:
        with ledger.begin() as tx:
            _settle(tx, [(row, answer)])
    return DUPLICATE if answer.duplicate else SENT


def _tell(tx: Connection, shipment_id: int, kind: str, message_id: int, type_: str, text: str) -> None:
    record(tx, shipment_id, kind, detail={"message_id": message_id, "type": type_, "text": text[:500]})
