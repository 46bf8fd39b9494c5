"""What documents make of parcels and of the shipment (mappings/cn_ecommerce/parcel.yaml, mappings/procedures)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from adapters.ledger import parcels, shipments
from tasks.applications import settling as applications
from tasks.clearing.standing import INVENTORY, ListDocument, Standing, load_standing, parcel_table
from tasks.conversion.declare import PARCEL_TYPES
from tasks.office import Office

LEFT_BEHIND = "left_behind"
SUPPORTING = tuple(kind for kind in PARCEL_TYPES if kind != INVENTORY)


def _lead(standing: Standing, seq: int) -> tuple[str, str] | None:
    """State and reason that a parcel's own documents give it; None where they say nothing."""
    table = parcel_table()
    inventory = standing.documents.get(INVENTORY, {}).get(seq)
    if inventory is None:
        return None
    state = table["lead"][inventory.state]
    stops = table["stops"]
    if state in stops["before"]:
        for kind in SUPPORTING:
            other = standing.documents.get(kind, {}).get(seq)
            if other is not None and other.state in stops["states"]:
                return stops["parcel"], kind
    return state, INVENTORY if state in ("rejected", "detained") else ""


def _said_of_list(state: str, lists: list[ListDocument]) -> str:
    for item in lists:
        rule = parcel_table()["list"].get(item.state)
        if rule and state in rule["from"]:
            state = rule["to"]
    return state


def parcel_states(standing: Standing) -> dict[int, tuple[str, str]]:
    """The state and reason that every parcel has now, where its documents say so.

    What was decided after a rejection (held for a new fault, given up) is not undone by the rejection.
    """
    found = {}
    by_parcel: dict[int, list[ListDocument]] = {}
    for item in standing.lists:
        if item.type == "CEB607Message" and item.state in parcel_table()["list"]:
            for seq in item.seqs:
                by_parcel.setdefault(seq, []).append(item)
    for seq, (state, _) in standing.parcels.items():
        if state in ("ready", "waiting_cancel", "cancelled"):
            continue
        lead = _lead(standing, seq)
        if lead is not None and not (state in ("held", "excluded") and lead[0] == "rejected"):
            found[seq] = (_said_of_list(lead[0], by_parcel.get(seq, [])), lead[1])
    for seq in standing.left_behind():
        found[seq] = (found.get(seq, standing.parcels[seq])[0], LEFT_BEHIND)
    return found


def settle_shipment(office: Office, shipment_id: int) -> Standing:
    """Bring parcels and shipment to what their documents and events say. Returns where the shipment stands then."""
    with office.ledger.begin() as tx:
        applications.settle(tx, shipment_id)
        standing = load_standing(tx, shipment_id)
        found = parcel_states(standing) | applications.parcel_states(tx, shipment_id)
        if parcels.set_parcel_states(tx, shipment_id, found):
            standing.parcels |= found
        if standing.parcels:
            counts = Counter(state for state, _ in standing.parcels.values())
            shipments.set_state(tx, shipment_id, standing.state(), detail={"parcels": dict(sorted(counts.items()))})
        return replace(standing, shipment=shipments.get(tx, shipment_id))
