"""Finds out what became of messages whose sender died or whose answer got lost (DESIGN, promise 5).

Never a blind resend: the authority is asked where it can be (capability query_by_key); else its receipts since the
claim are looked through for our business keys; only after the profile's dated deadline do the same bytes leave again,
marked as a recovery.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Row

from adapters.contract import Authority
from adapters.ledger import Ledger, claims, messages, raws
from adapters.ledger.events import record
from mappings import clock
from mappings.errors import Unsupported
from tasks.receipts.receive import receive, take_in
from tasks.receipts.settle import settle
from tasks.submission.submit import TAKEN, Submitted, post

ARRIVED, WAITING = "arrived", "waiting"
LONGEST_SEND = 120.0  # real seconds, where a profile does not say


def recover(
    ledger: Ledger, authority: Authority, worker: str, shipment_id: int | None = None, alone: bool = False
) -> Submitted:
    """Settle every message of unknown outcome as far as can be known now.

    `alone` says that the caller holds the shipment's lease: then whoever made an open claim is dead; else a claim must
    be older than any send can last. Raises AuthorityUnavailable.
    """
    release_claims(ledger, authority, shipment_id, alone)
    lost = messages.unknown(ledger, shipment_id, authority.name)
    done = Submitted()
    if not lost:
        return done
    receive(ledger, authority, sorted({row.sender_dxp for row in lost}))
    settle(ledger, authority)
    still = {row.id for row in messages.unknown(ledger, shipment_id, authority.name)}
    for row in lost:
        done.note(row.id, _one(ledger, authority, row, worker) if row.id in still else ARRIVED)
    return done


def release_claims(ledger: Ledger, authority: Authority, shipment_id: int | None, alone: bool) -> list[int]:
    """Claims of workers that must be dead become unknown outcomes. Returns their ids.

    A send lasts real seconds, whatever the speed of the clock.
    """
    if alone and shipment_id is None:
        raise Unsupported("Only one shipment's claims can be released before their time / 只能释放单个车次的占用")
    longest = 0.0 if alone else float(authority.profile.value("claim_seconds", LONGEST_SEND)) * clock.clock().speed
    older_than = clock.now() - timedelta(seconds=longest)
    return claims.open_claims(ledger, older_than, shipment_id)


def _one(ledger: Ledger, authority: Authority, row: Row[Any], worker: str) -> str:
    deadline = row.claimed_at + timedelta(seconds=float(authority.profile.value("unknown_deadline_seconds")))
    if clock.now() < deadline:
        return WAITING
    if authority.profile.capabilities.get("query_by_key") and (known := _asked(ledger, authority, row)):
        return known
    return _again(ledger, authority, row, worker)


def _asked(ledger: Ledger, authority: Authority, row: Row[Any]) -> str:
    """What the authority says of a message, '' when it surely never had it; its answers go the way of all receipts."""
    answers = authority.ask(raws.body(ledger, row.raw_id))
    if answers is None:
        return ""
    take_in(ledger, authority, answers.messages, "query", row.sender_dxp)
    settle(ledger, authority)
    claims.settle_known(ledger, row.id)  # where its answers have not said so already
    return ARRIVED


def _again(ledger: Ledger, authority: Authority, row: Row[Any], worker: str) -> str:
    """The same bytes once more, with the same ids, marked."""
    if not claims.claim(ledger, row.id, worker, recovery=True):
        return TAKEN
    record(ledger, row.shipment_id, "recovery", detail={"message_id": row.id, "type": row.type})
    return post(ledger, authority, row.id, recovery=True)
