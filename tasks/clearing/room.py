"""Room in the books: parcels that a book held back are ready again once something made room.

What makes room is an entry that adds or gives back (a top-up, an arrival of stock, a cancel), or a new year of a
buyer's quota. Whether the room is enough is found out by reserving; what still finds none is held again.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, func, select

from adapters.ledger import leases
from adapters.ledger.ledger import reads
from adapters.ledger.tables import book_entry, parcel
from mappings.imports import parameters
from tasks.clearing.settling import settle_shipment
from tasks.imports.booking import refusals, try_again
from tasks.office import Office

ROOM = "room"
MAKES_ROOM = ("added", "adjusted", "freed", "returned")
_NEAR = 1000  # entries committed out of the order of their numbers are not further apart


@reads
def _mark(tx: Connection) -> str:
    """What changes whenever room was made; quick to find."""
    c = book_entry.c
    last = tx.execute(select(func.max(c.id)).where(c.kind.in_(MAKES_ROOM))).scalar() or 0
    near = select(func.count()).where(c.id > last - _NEAR, c.kind.in_(MAKES_ROOM))
    return f"{parameters.today().year}:{last}:{tx.execute(near).scalar()}"


def offer(office: Office) -> list[int]:
    """Try again where room was made since last time. Returns the shipments whose parcels are ready again."""
    mark = _mark(office.ledger)
    if leases.get_cursor(office.ledger, ROOM, "") == mark:
        return []
    c = parcel.c
    query = select(c.shipment_id).distinct().where(c.state == "held", c.reason.in_(refusals()))
    with office.ledger.read() as tx:
        waiting = sorted(tx.execute(query).scalars())
    again = try_all(office, waiting)
    leases.set_cursor(office.ledger, ROOM, "", mark)
    return again


def try_all(office: Office, shipments: Iterable[int]) -> list[int]:
    """Put what the books held back of these shipments to ready; those that were at their end go on."""
    found = [ident for ident in shipments if try_again(office.ledger, ident)]
    for ident in found:
        settle_shipment(office, ident)
    return found
