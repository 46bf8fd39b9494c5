"""Hearing the authorities: what became of messages without an answer, and what lies ready in receipts."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial

from adapters.contract import Authority
from mappings.clock import stopwatch
from mappings.errors import AuthorityUnavailable
from tasks.clearing import partners
from tasks.clearing.pace import Pace
from tasks.clearing.settling import settle_shipment
from tasks.office import Office
from tasks.receipts.due import with_unexplained
from tasks.receipts.receive import fetch
from tasks.receipts.settle import explain_what_waits, read_and_settle, read_stored
from tasks.submission.recover import recover

TOGETHER = 1.0  # real seconds of receipts that parcels and shipments hear of together, while more are fetched: at the
# least; where it takes them longer than that to hear, as long as it took last time


def hear(office: Office, seconds: float = math.inf, pace: Pace | None = None) -> set[int]:
    """Fetch and apply the receipts of every authority. Returns the shipments that they concern.

    After so many real seconds it leaves what else lies ready to who hears next, and what trucks make of it to the waker
    where there is a `pace`. Raises AuthorityUnavailable after having heard all authorities that can be reached.
    """
    touched: set[int] = set()
    trouble: AuthorityUnavailable | None = None
    senders = office.listening.senders(office.ledger)
    quiet = [name for name in office.authorities if not senders.get(name)]
    left = with_unexplained(office.ledger, quiet) if quiet else set()
    until = stopwatch() + seconds
    for authority in office.authorities.values():
        addresses = senders.get(authority.name)
        if not addresses and authority.name not in left:
            continue  # nothing to fetch, nothing to explain of a shipment that has come to its end meanwhile
        meanwhile = _Meanwhile(office, authority, stopwatch(), until, pace)
        try:
            fetch(office.ledger, authority, addresses or (), meanwhile.look)
        except AuthorityUnavailable as error:
            trouble = error
        touched |= meanwhile.end()
    if trouble is not None:
        raise trouble
    return touched


@dataclass
class _Meanwhile:
    """Applies what was fetched so far: where more comes all the time, the fetching has no end for long.

    Documents have the effect of their receipts at once, parcels and shipments once a second (beside a waker those of
    few parcels): what a truck of thousands of parcels makes of them costs the same for few receipts and for many.
    """

    office: Office
    authority: Authority
    since: float
    until: float
    pace: Pace | None = None
    took: float = 0.0
    changed: set[int] = field(default_factory=set)  # since it was applied last
    touched: set[int] = field(default_factory=set)

    def look(self) -> bool:
        """Some pages more are stored; whether there is time for others."""
        self.changed |= read_stored(self.office.ledger, self.authority).shipments
        now = stopwatch()
        if now - self.since >= max(TOGETHER, self.took):
            self.end()
        return now < self.until

    def end(self) -> set[int]:
        """Applies all that was read. Returns the shipments that all of it concerns."""
        began = stopwatch()
        self.touched |= apply(self.office, self.authority.name, pace=self.pace, changed=self.changed)
        self.changed = set()
        self.since = stopwatch()
        self.took = self.since - began
        return self.touched


def apply(
    office: Office, authority_name: str, channel: str = "", pace: Pace | None = None, changed: Collection[int] = ()
) -> set[int]:
    """Read and apply what is stored of an authority already (by one channel alone), or left by a process that died.

    Returns the shipments that it was applied to, those too that had `changed` when receipts were only read. Who has a
    `pace` hears beside a waker, which settles a truck when it looks at it: here only small shipments are settled then,
    and trucks explained in their turn.
    """
    authority = office.authority(authority_name)
    which = partial(pace.due, office.ledger, authority_name) if pace else set
    touched = read_and_settle(office.ledger, authority, office.home.profiles, channel, which).shipments | {*changed}
    if pace:
        pace.explained()
    partners.recognise(office.ledger, authority_name)
    for shipment_id in sorted(touched):
        if not (pace and pace.is_large(office.ledger, shipment_id)):
            settle_shipment(office, shipment_id)
    return touched


def explain(office: Office, shipment_id: int) -> None:
    """Explain what authorities said of a shipment and nobody has explained yet: it is about to be shown."""
    for name in office.authorities:
        explain_what_waits(office.ledger, name, shipment_id, office.home.profiles)


def find_out(office: Office, shipment_id: int, alone: bool = True) -> int:
    """Settle messages of unknown outcome as far as can be known; `alone`: the caller holds the truck's lease.

    Raises AuthorityUnavailable after having asked all authorities that can be reached.
    """
    settled = 0
    trouble: AuthorityUnavailable | None = None
    for authority in office.authorities.values():
        try:
            done = recover(office.ledger, authority, office.worker, shipment_id, alone)
        except AuthorityUnavailable as error:
            trouble = error
            continue
        settled += sum(done.counts.values())
    if settled:
        settle_shipment(office, shipment_id)
    if trouble is not None:
        raise trouble
    return settled
