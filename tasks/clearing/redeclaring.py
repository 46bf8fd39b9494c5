"""Declaring rejected parcels anew, as the newest files say: which of the chosen ones can be, and why the others cannot.

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


@dataclass(frozen=True)
class Redeclared:
    """What came of a wish to declare parcels anew: the orders that will be, and the others with the reason why not."""

    orders: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def judged(standing: Standing, orders: dict[str, int], wanted: Sequence[str]) -> Redeclared:
    """Which of the wanted orders (all that are rejected, if none) may be declared anew; `orders` gives each its seq."""
    names = {seq: order for order, seq in orders.items()}
    found = Redeclared()
    for order in wanted or sorted(names[seq] for seq in standing.in_state(REJECTED)):
        if why := _against(standing, orders.get(order)):
            found.refused[order] = why
        else:
            found.orders.append(order)
    return found


def _against(standing: Standing, seq: int | None) -> str:
    """Why a parcel cannot be declared anew, '' when it can."""
    if seq is None:
        return "不在此车次 not of this shipment"
    state = standing.parcels[seq][0]
    if state != REJECTED:
        name = standing.table["states"][state]
        return (
            f"状态为 {name['zh']}，仅已退单的包裹可重新申报 it is {name['en']}: only a rejected parcel is declared anew"
        )
    if "departed" in standing.events:
        return "车辆已离境 the truck has left"
    return ""


def redeclare(office: Office, shipment_id: int, wanted: Sequence[str] = (), actor: str = "operator") -> Redeclared:
    """Make rejected parcels ready again; the next run declares them. Running it again finds nothing more to do."""
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
