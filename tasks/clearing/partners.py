"""Where a partner sends a list itself: which parcels it is taken to name; and receipts that are a partner's, not ours.

Of a partner's messages we see neither bytes nor, as a rule, receipts: its list is taken to name what the procedure
would put on it, from the event on that makes it due.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from typing import TYPE_CHECKING, Any

from adapters.ledger import Ledger, parcels, receipts, shipments
from mappings.canonical.model import Truck
from tasks.conversion.partners import roles, theirs

if TYPE_CHECKING:
    from tasks.clearing.standing import Standing

BEYOND_REVIEW = ("reviewed", "inspection", "released", "detained", "sent_back", "closed")
LEFT = ("released", "closed")


def _arrived(standing: Standing) -> Set[int]:
    return standing.named("CEB607Message") if "arrived" in standing.events else set()


def _departed(standing: Standing) -> set[int]:
    return standing.gone() & standing.named("CEB507Message") if "departed" in standing.events else set()


TAKEN: dict[str, Callable[[Standing], Set[int]]] = {
    "CEB607Message": lambda standing: standing.in_state(*BEYOND_REVIEW),
    "CEB507Message": _arrived,
    "CEB509Message": _departed,
    "CEB711Message": lambda standing: standing.alike("came_in") if "arrived" in standing.events else set(),
}


def by_shipment(ledger: Ledger) -> dict[int, frozenset[str]]:
    """The message types that partners send themselves, of each shipment that has such."""
    found = {int(row.id): theirs(_truck(ledger, int(row.id))) for row in shipments.listing(ledger)}
    return {shipment_id: kinds for shipment_id, kinds in found.items() if kinds}


def _truck(ledger: Ledger, shipment_id: int) -> Truck:
    return Truck.model_validate(shipments.get(ledger, shipment_id).truck)


def recognise(ledger: Ledger, authority: str) -> int:
    """Keeps as "partner" the parked receipts about documents that a partner sent itself. Returns how many."""
    waiting = receipts.strangers(ledger, authority)
    if not waiting:
        return 0
    known = [pair for ident, kinds in by_shipment(ledger).items() for pair in _keys(ledger, ident, kinds)]
    own = [row.id for row in waiting if any(row.type == kind and _fits(row.business_key, key) for kind, key in known)]
    receipts.keep_for_partner(ledger, own)
    return len(own)


def _keys(ledger: Ledger, shipment_id: int, kinds: frozenset[str]) -> list[tuple[str, tuple[set[str], ...]]]:
    """For each type the texts that each part of its key may have; an empty set is any: the partner's own number."""
    truck = _truck(ledger, shipment_id)
    rows = parcels.listing(ledger, shipment_id)
    said: Mapping[str, set[str]] = {
        "order.order_no": {row.order_no for row in rows},
        "waybill.waybill_no": {row.waybill_no for row in rows},
        "truck.master_waybill": {truck.master_waybill},
        **{f"party.{role}.code": {party.code} for role, party in truck.parties.items()},
    }
    return [(kind, tuple(said.get(path, set()) for path in roles()["messages"][kind]["key"])) for kind in sorted(kinds)]


def _fits(business_key: str, key: tuple[set[str], ...]) -> bool:
    parts: list[Any] = business_key.split("|")
    return len(parts) == len(key) and all(part in may or not may for part, may in zip(parts, key, strict=True))
