"""Gives receipts their effect: the ledger moves documents by rank, then what was rejected is explained.

The ranks are data (mappings/<authority>/states.yaml). A status that the table does not know is a rejection when it is
below zero (the published lists are not closed) and parked otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, cast

from sqlalchemy import Connection

from adapters.contract import Authority
from adapters.ledger import Ledger, at_once, bills, receipts
from adapters.ledger.settling import Ranks, Settled
from adapters.ledger.touches import HEARD, touch
from mappings import states
from tasks.receipts import reading
from tasks.receipts.alarm import alarm_conflicts, alarm_unreadable
from tasks.receipts.due import Rows, explained, tells, to_explain, unexplained
from tasks.receipts.explain import explain
from tasks.receipts.lookup import complete_parked
from tasks.receipts.places import Places
from tasks.receipts.reasons import table

Which = Callable[[Collection[int]], set[int]]


def settle(ledger: Ledger, authority: Authority, profiles_from: Path | None = None) -> Settled:
    """Apply every waiting receipt of this authority and explain what was rejected, shipment by shipment.

    `profiles_from` is the folder of the user's own source profiles, whose headings name the cells.
    """
    return _settled(ledger, authority, profiles_from, Settled())


def read_and_settle(
    ledger: Ledger, authority: Authority, profiles_from: Path | None = None, channel: str = "", which: Which = set
) -> Settled:
    """Read what was kept of this authority (by one channel) and nobody has read yet, and do as `settle`.

    Ordinary receipts have their effect in the transaction that keeps them: one write each instead of two. Of the
    shipments of which something is to be explained, now or since before, those are that `which` says; the others wait.
    Who reads one channel takes on only those that changed now: trucks may be waiting whose turn has not come. Those
    that changed, and those that were explained, are the shipments returned.
    """
    read = read_stored(ledger, authority, channel)
    return _settled(ledger, authority, profiles_from, read, which, left=not channel)


def read_stored(ledger: Ledger, authority: Authority, channel: str = "") -> Settled:
    """Only read, and give ordinary receipts their effect; others, and what is to be explained, wait for `settle`."""
    return reading.read_waiting(ledger, authority, _AtOnce(authority.name), channel).settled


class _AtOnce:
    """Keeps receipts, and gives the ordinary ones their effect (`reading.Keep`)."""

    def __init__(self, authority: str) -> None:
        self.authority, self.rules, self.tells = authority, rules_of(authority), tells(authority)

    def ready(self, ledger: Ledger, told: reading.Told) -> at_once.Batch:
        """As columns."""
        return at_once.Batch(ledger.engine.dialect, told)

    def __call__(self, tx: Connection, told: reading.Told | at_once.Batch) -> tuple[int, Settled]:
        """Keeps them, and notes which shipments changed."""
        complete_parked(tx, self.authority)  # what waited with an open key is then known by its whole one
        new, done = at_once.keep(tx, self.authority, told, *self.rules, self.tells)
        _changed(tx, self.authority, done)
        return new, done


def _settled(
    ledger: Ledger, authority: Authority, profiles_from: Path | None, settled: Settled, which: Which = set,
    left: bool = True,
) -> Settled:  # fmt: skip
    """Settle what waits besides what is `settled` already; alarm and explain, also what others have `left`."""
    name = authority.name
    with ledger.begin() as tx:
        complete_parked(tx, name)
        now = receipts.settle(tx, name, *rules_of(name))
        if known := table(name).get("bills"):
            now += bills.settle(tx, name, known["kind"], known["about"], rules_of(name).ranks)
        _changed(tx, name, now)
    settled += now
    due = unexplained(ledger, name)
    turn = which(due.keys() if left else due.keys() & settled.shipments)
    _explain(ledger, name, {ident: rows for ident, rows in due.items() if ident in turn}, profiles_from)
    settled.shipments |= turn & due.keys()
    return settled


def explain_what_waits(ledger: Ledger, authority: str, shipment_id: int, profiles_from: Path | None = None) -> bool:
    """Alarm and explain what waits of one shipment, whose turn it is or not: it is about to be shown. Whether any."""
    due = unexplained(ledger, authority)
    if shipment_id in due:
        _explain(ledger, authority, {shipment_id: due[shipment_id]}, profiles_from)
    return shipment_id in due


def _explain(ledger: Ledger, name: str, due: Rows, profiles_from: Path | None) -> None:
    """Alarm and explain; then the rows that asked for it are forgotten."""
    alarm_unreadable(ledger, name, (), due)
    alarm_conflicts(ledger, name, due)
    for shipment_id in sorted(due):
        explain(ledger, name, shipment_id, Places(ledger, shipment_id, profiles_from))
    explained(ledger, name, due)


def _changed(tx: Connection, authority: str, settled: Settled) -> None:
    """These shipments' documents changed: the pulse is to look at them, and what was rejected is to be explained."""
    touch(tx, settled.shipments, HEARD)
    to_explain(tx, authority, settled.telling)


class Rules(NamedTuple):
    """What the ledger has to know of an authority to settle its receipts: see `settling.settle`."""

    ranks: Ranks
    recovered: Ranks
    apart: tuple[str, ...]


def rules_of(authority: str) -> Rules:
    """An authority's, from its tables."""
    known = table(authority).get("bills")
    apart = (known["kind"],) if known else ()
    return Rules(cast(Ranks, states.rank_table(authority)), cast(Ranks, proofs(authority)), apart)


@lru_cache
def proofs(authority: str) -> dict[tuple[str, str], states.State]:
    """What `duplicates` (receipts.yaml) mean for a message that was sent again as a recovery: the first one arrived."""
    statuses = table(authority).get("duplicates", ())
    kinds = states.document_states(authority).items()
    return {(kind, s): known["duplicate"] for kind, known in kinds if "duplicate" in known for s in statuses}
