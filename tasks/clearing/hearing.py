"""Hearing the authorities: what became of messages without an answer, and what lies ready in receipts."""

from __future__ import annotations

from functools import partial

from mappings.errors import AuthorityUnavailable
from tasks.clearing import partners
from tasks.clearing.settling import settle_shipment
from tasks.office import Office
from tasks.receipts.receive import fetch
from tasks.receipts.settle import read_and_settle
from tasks.submission.recover import recover


def hear(office: Office) -> set[int]:
    """Fetch and apply the receipts of every authority. Returns the shipments that they concern.

    Raises AuthorityUnavailable after having heard all authorities that can be reached.
    """
    touched: set[int] = set()
    trouble: AuthorityUnavailable | None = None
    senders = office.listening.senders(office.ledger)
    for authority in office.authorities.values():
        addresses = senders.get(authority.name)
        if not addresses:
            continue
        try:
            fetch(office.ledger, authority, addresses, partial(_also, office, authority.name, touched))
        except AuthorityUnavailable as error:
            trouble = error
        touched |= apply(office, authority.name)
    if trouble is not None:
        raise trouble
    return touched


def _also(office: Office, authority_name: str, touched: set[int]) -> None:
    """Apply what was fetched so far: where more comes all the time, the fetching has no end for long."""
    touched |= apply(office, authority_name)


def apply(office: Office, authority_name: str, channel: str = "") -> set[int]:
    """Read and apply what is stored of an authority already (by one channel alone), or left by a process that died."""
    authority = office.authority(authority_name)
    touched = read_and_settle(office.ledger, authority, office.home.profiles, channel).shipments
    partners.recognise(office.ledger, authority_name)
    for shipment_id in sorted(touched):
        settle_shipment(office, shipment_id)
    return touched


def find_out(office: Office, shipment_id: int, alone: bool = True) -> int:
    """Settle messages of unknown outcome as far as can be known; `alone`: the caller holds the truck's lease."""
    settled = 0
    for authority in office.authorities.values():
        done = recover(office.ledger, authority, office.worker, shipment_id, alone)
        settled += sum(done.counts.values())
    if settled:
        settle_shipment(office, shipment_id)
    return settled
