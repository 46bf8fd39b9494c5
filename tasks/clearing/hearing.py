"""Hearing the authorities: what became of messages without an answer, and what lies ready in receipts."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from sqlalchemy import ColumnElement, and_, exists, or_, select

from adapters.ledger.applications import GRANTED
from adapters.ledger.ledger import reads
from adapters.ledger.tables import application, document, message, parcel, shipment
from mappings import clock, procedures
from mappings.errors import AuthorityUnavailable
from tasks.clearing import partners
from tasks.clearing.settling import settle_shipment
from tasks.office import Office
from tasks.receipts.receive import fetch
from tasks.receipts.settle import read_and_settle
from tasks.submission.recover import recover

CLOSED, UNHEARD = "closed", ("declared", "reviewed", "inspection", "detained")


@reads
def senders(tx: object, authority: str) -> list[str]:
    """The addresses under which messages were sent of which something is still to be heard.

    A closed truck is listened to as long as a parcel that it left behind is not at its end, or a summary that was
    accepted waits for its result, and for as many days as its procedure says: an import's closures and tax bills come
    after its end.
    """
    waiting = exists().where(parcel.c.shipment_id == shipment.c.id, parcel.c.state.in_(UNHEARD))
    query = select(message.c.sender_dxp).distinct().join(shipment, message.c.shipment_id == shipment.c.id)
    query = query.where(message.c.authority == authority, message.c.state != "prepared")
    summed = exists().where(application.c.shipment_id == shipment.c.id, application.c.document_id == document.c.id,
                            application.c.state == GRANTED, ~document.c.final)  # fmt: skip
    query = query.where(or_(shipment.c.state != CLOSED, waiting, summed, *_afterwards()))
    return sorted(tx.execute(query).scalars())  # type: ignore[attr-defined]


def _afterwards() -> list[ColumnElement[bool]]:
    """For each procedure that goes on listening: all that it sends, of shipments closed not too long ago.

    A shipment may close before the last answer is there, as that to the operator's warehouse-in list (711).
    """
    found = []
    for procedure in procedures.every():
        if days := procedure.value("listen_days", 0):
            since = clock.now() - timedelta(days=days)
            sent = {kind for step in procedure.steps for kind in step.sends}
            found.append(and_(message.c.type.in_(sent), shipment.c.closed_at > since))
    return found


def hear(office: Office) -> set[int]:
    """Fetch and apply the receipts of every authority. Returns the shipments that they concern.

    Raises AuthorityUnavailable after having heard all authorities that can be reached.
    """
    touched: set[int] = set()
    trouble: AuthorityUnavailable | None = None
    for authority in office.authorities.values():
        addresses = senders(office.ledger, authority.name)
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
