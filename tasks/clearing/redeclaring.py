"""Declaring rejected or cancelled parcels anew, as the newest files say: which of the chosen ones can be, and why not.

Each attempt is linked to the one before it (adapters.ledger.messages.lineage).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.ledger import events, parcels
from tasks.clearing import intake
from tasks.clearing.declaring import declare_again
from tasks.clearing.settling import settle_shipment
from tasks.clearing.standing import Standing
from tasks.office import Office

REJECTED, EVENT = "rejected", "redeclared"
FROM = (REJECTED, "cancelled")
ALREADY = ("ready", "declared")  # of these nothing is left to do
STRANGER, OTHER_STATE, TRUCK_LEFT = "APP-001", "APP-030", "APP-031"


@dataclass(frozen=True)
class Redeclared:
    """What came of a wish to declare parcels anew: orders that will be, that are already, and faults of the others."""

    orders: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)  # order -> code (mappings/faults/applications.yaml)


def judged(standing: Standing, orders: dict[str, int], wanted: Sequence[str] | None) -> Redeclared:
    """Which of the wanted orders (None: all that are rejected) may be declared anew; `orders` gives each its seq."""
    names = {seq: order for order, seq in orders.items()}
    found = Redeclared()
    for order in sorted(names[seq] for seq in standing.in_state(REJECTED)) if wanted is None else wanted:
        seq = orders.get(order)
        if code := _against(standing, seq):
            found.refused[order] = code
        elif seq in standing.in_state(*ALREADY):
            found.known.append(order)
        else:
            found.orders.append(order)
    return found


def _against(standing: Standing, seq: int | None) -> str:
    """Why a parcel cannot be declared anew, '' when it can (or is to be already)."""
    if seq is None:
        return STRANGER
    state = standing.parcels[seq][0]
    if state not in (*FROM, *ALREADY):
        return OTHER_STATE
    return TRUCK_LEFT if state in FROM and "departed" in standing.events else ""


def redeclare(
    office: Office, shipment_id: int, wanted: Sequence[str] | None = None, actor: str = "operator"
) -> Redeclared:
    """Make parcels ready again; the next run declares them. Running it again finds nothing more to do."""
    standing = settle_shipment(office, shipment_id)
    orders = {row.order_no: row.seq for row in parcels.listing(office.ledger, shipment_id)}
    found = judged(standing, orders, wanted)
    if found.orders:
        if intake.deliveries_of(office, shipment_id):
            intake.work_up(office, shipment_id, anew=True)
        declare_again(office, settle_shipment(office, shipment_id), {orders[order] for order in found.orders})
        detail = {"parcels": len(found.orders), "refused": len(found.refused)}
        events.record(office.ledger, shipment_id, EVENT, actor=actor, detail=detail)
        settle_shipment(office, shipment_id)
    return found
