"""Sends what is prepared: claimed (committed), posted, settled, one message after the other (DESIGN, promise 5).

The next message is claimed in the transaction that settles the one before it: one commit a message, and each claim is
still committed before its message leaves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row

from adapters.contract import Answer, Authority
from adapters.ledger import Ledger, messages, raws
from adapters.ledger.events import record
from mappings.errors import AuthorityRejected, AuthorityUnavailable, ConfigurationError, OutcomeUnknown

Progress = Callable[[int, int], None]  # messages done, messages in all
SENT, UNKNOWN, REFUSED, TAKEN = "sent", "unknown", "refused", "taken"


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
    ahead = Ahead([row.id for row in waiting], worker)
    try:
        for number, row in enumerate(waiting, 1):
            claimed = ahead.take(row.id) or messages.claim(ledger, row.id, worker)
            done.note(row.id, post(ledger, authority, row.id, ahead=ahead) if claimed else TAKEN)
            if progress is not None:
                progress(number, len(waiting))
    finally:
        ahead.release(ledger)
    return done


@dataclass
class Ahead:
    """Messages in their order: the next one is claimed while the one before it is settled."""

    ids: list[int]
    worker: str
    claimed: int | None = None

    def claim(self, tx: Connection, after: int) -> int | None:
        """Claim what follows a message. Returns its id, None where nothing follows or it is not to be had."""
        place = self.ids.index(after) + 1
        if place < len(self.ids) and messages.claim_within(tx, self.ids[place], self.worker):
            return self.ids[place]
        return None

    def take(self, message_id: int) -> bool:
        """Whether this message is claimed already; it is about to be posted."""
        mine, self.claimed = self.claimed == message_id, None
        return mine

    def release(self, ledger: Ledger) -> None:
        """Free what was claimed and surely was not sent: something went wrong between two messages."""
        if self.claimed is not None:
            messages.settle_unavailable(ledger, self.claimed)


def post(
    ledger: Ledger, authority: Authority, message_id: int, recovery: bool = False, ahead: Ahead | None = None
) -> str:
    """Post a message that this worker has claimed, keep the answer, and settle the claim by what came of it.

    With `ahead`, what follows is claimed as it is settled as sent.
    """
    with ledger.read() as tx:
        row = messages.get(tx, message_id)
        body = raws.body(tx, row.raw_id)
    try:
        answer = authority.send(body, row.cop_msg_id, recovery)
    except (AuthorityUnavailable, ConfigurationError) as error:
        with ledger.begin() as tx:
            raws.store_answer(tx, authority.name, row.cop_msg_id, error.raw, row.shipment_id)
            messages.settle_unavailable(tx, message_id)
        raise
    except OutcomeUnknown as error:
        with ledger.begin() as tx:
            raws.store_answer(tx, authority.name, row.cop_msg_id, error.raw, row.shipment_id)
            messages.mark_unknown(tx, message_id)
            _tell(tx, row.shipment_id, "outcome_unknown", message_id, row.type, str(error))
        return UNKNOWN
    except AuthorityRejected as error:
        with ledger.begin() as tx:
            raws.store_answer(tx, authority.name, row.cop_msg_id, error.raw, row.shipment_id)
            messages.settle_refused(tx, message_id, error.code, str(error))
            _tell(tx, row.shipment_id, "message_refused", message_id, row.type, str(error))
        return REFUSED
    return _sent(ledger, authority, row, answer, ahead)


def _sent(ledger: Ledger, authority: Authority, row: Row[Any], answer: Answer, ahead: Ahead | None = None) -> str:
    with ledger.begin() as tx:
        raws.store_answer(tx, authority.name, row.cop_msg_id, answer.raw, row.shipment_id)
        messages.settle_sent(tx, row.id)
        claimed = ahead.claim(tx, row.id) if ahead else None
    if ahead:
        ahead.claimed = claimed  # only now is it so: the transaction is at its end
    return "duplicate" if answer.duplicate else SENT


def _tell(tx: Connection, shipment_id: int, kind: str, message_id: int, type_: str, text: str) -> None:
    record(tx, shipment_id, kind, detail={"message_id": message_id, "type": type_, "text": text[:500]})
