"""A send is claimed before it leaves and settled after (DESIGN, promise 5).

prepared --claim--> claimed --settle_sent--> sent
   ^                  |--settle_unavailable--> prepared (unknown again, if it was a recovery)
   |                  |--settle_refused-----> refused (its documents too)
   '---               '--mark_unknown-------> unknown --claim(recovery=True)--> claimed
                                                '-----settle_known----------> sent
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, Update, bindparam, case, exists, func, select, update

from adapters.ledger import bulk
from adapters.ledger.ledger import Ledger, writes
from adapters.ledger.tables import document, message, shipment
from mappings import clock

PREPARED, CLAIMED, SENT, UNKNOWN, REFUSED = "prepared", "claimed", "sent", "unknown", "refused"


def claim(ledger: Ledger, message_id: int, worker: str, recovery: bool = False) -> bool:
    """Claim a prepared message (with `recovery`, one of unknown outcome) for this worker and commit.

    False: somebody else has it, it is sent, or the shipment is held. `sends` counts how often it may have left.
    """
    with ledger.begin() as tx:
        return claim_within(tx, message_id, worker, recovery)


def claim_within(tx: Connection, message_id: int, worker: str, recovery: bool = False) -> bool:
    """The same inside a transaction, whose end must come before the message leaves."""
    return tx.execute(_CLAIM, _claimant(message_id, worker, recovery)).rowcount == 1


def claim_all(tx: Connection, message_ids: Sequence[int], worker: str) -> list[int]:
    """The same of several prepared messages. Returns those that it got, in their order."""
    return [ident for ident in message_ids if claim_within(tx, ident, worker)]


def _claimant(message_id: int, worker: str, recovery: bool) -> dict[str, Any]:
    return {"b_id": message_id, "b_free": UNKNOWN if recovery else PREPARED, "b_worker": worker, "b_now": clock.now(),
            "b_recovery": recovery}  # fmt: skip


def _claiming() -> Update:
    """The claim as a statement: put together once, as all that runs for every message."""
    now: BindParameter[Any] = bindparam("b_now", type_=message.c.claimed_at.type)
    held = select(shipment.c.id).where(shipment.c.id == message.c.shipment_id, shipment.c.held)
    values = {
        "state": CLAIMED,
        "claimed_by": bindparam("b_worker"),
        "claimed_at": now,
        "first_claimed_at": func.coalesce(message.c.first_claimed_at, now),
        "recovery": bindparam("b_recovery"),
        "sends": message.c.sends + 1,
    }
    mine = (message.c.id == bindparam("b_id"), message.c.state == bindparam("b_free"), ~held.exists())
    return update(message).where(*mine).values(values)


_CLAIM = _claiming()
_SENT = (
    update(message)
    .where(message.c.id == bindparam("b_id"), message.c.state == CLAIMED)
    .values(state=SENT, sent_at=bindparam("b_now"), settled_at=bindparam("b_now"))
)


@writes
def settle_sent(tx: Connection, *message_ids: int) -> bool:
    """The authority has taken them. Returns whether every one was claimed."""
    now = clock.now()
    return tx.execute(_SENT, [{"b_id": ident, "b_now": now} for ident in message_ids]).rowcount == len(message_ids)


@writes
def settle_known(tx: Connection, message_id: int) -> bool:
    """The authority, asked, says that it has a message of unknown outcome: nothing left anew, nothing was claimed."""
    values = {"state": SENT, "settled_at": clock.now(), "sent_at": message.c.first_claimed_at}
    return tx.execute(_unless_settled(message_id, UNKNOWN).values(values)).rowcount == 1


@writes
def settle_refused(tx: Connection, message_id: int, code: str, text: str) -> bool:
    """The authority refused the whole message at the door: its documents are refused with it, and final."""
    refusal = f"{code} {text}".strip()
    if not _settle(tx, message_id, {"state": REFUSED, "refusal": refusal, "settled_at": clock.now()}):
        return False
    mine = update(document).where(document.c.message_id == message_id, document.c.rank == 0)
    tx.execute(mine.values(state=REFUSED, final=True, return_status=code))
    return True


@writes
def settle_unavailable(tx: Connection, message_id: int, worker: str | None = None) -> bool:
    """Surely not sent this time: free again (if it is this `worker`'s). A recovery that did not leave stays unknown."""
    values = {
        "state": case((message.c.recovery, UNKNOWN), else_=PREPARED),
        "first_claimed_at": case((message.c.recovery, message.c.first_claimed_at), else_=None),
        "sends": message.c.sends - 1,
        "claimed_by": "",
    }
    mine = _unless_settled(message_id, CLAIMED)
    mine = mine if worker is None else mine.where(message.c.claimed_by == worker)
    return tx.execute(mine.values(values)).rowcount == 1


@writes
def mark_unknown(tx: Connection, message_id: int) -> bool:
    """It may have arrived: look through the receipts before anything else is done with it."""
    return _settle(tx, message_id, {"state": UNKNOWN, "settled_at": clock.now()})


@writes
def confirm_arrived(tx: Connection, message_ids: Collection[int] | None = None) -> list[int]:
    """Messages of unknown outcome (of all, or of these) for which a receipt has come: sent. Returns their ids."""
    arrived = exists().where(document.c.message_id == message.c.id, document.c.rank > 0)
    lost = update(message).where(message.c.state == UNKNOWN, arrived)
    sent = {"state": SENT, "settled_at": clock.now(), "sent_at": message.c.first_claimed_at}
    if message_ids is not None:
        lost = lost.where(bulk.among(tx, message.c.id, message_ids))
    done = tx.execute(lost.values(sent).returning(message.c.id)).scalars()
    return sorted(done)


@writes
def open_claims(tx: Connection, older_than: datetime, shipment_id: int | None = None) -> list[int]:
    """Claims made before `older_than`, whose worker must have died: they become unknown. Returns their ids."""
    stale = update(message).where(message.c.state == CLAIMED, message.c.claimed_at < older_than)
    if shipment_id is not None:
        stale = stale.where(message.c.shipment_id == shipment_id)
    done = tx.execute(stale.values(state=UNKNOWN, settled_at=clock.now()).returning(message.c.id))
    return sorted(done.scalars())


def _unless_settled(message_id: int, state: str) -> Any:
    return update(message).where(message.c.id == message_id, message.c.state == state)


def _settle(tx: Connection, message_id: int, values: dict[str, Any]) -> bool:
    return tx.execute(_unless_settled(message_id, CLAIMED).values(values)).rowcount == 1
