"""List documents about the whole truck: master list, arrival, departure; for an import what came in."""

from __future__ import annotations

from collections.abc import Callable

from adapters.ledger import events, preparing
from adapters.ledger.conversions import Conversion, replace_conversions
from mappings import clock
from mappings.errors import DataFault
from tasks.clearing.declaring import load_batch, part_of
from tasks.clearing.standing import LISTED_ANEW, Standing
from tasks.conversion.lists import listing
from tasks.conversion.messages import Making
from tasks.conversion.record import list_record
from tasks.office import Office
from tasks.submission.seal import seal_messages

PARCELS: dict[str, Callable[[Standing], set[int]]] = {
    "list": Standing.to_list,
    "arrive": Standing.to_arrive,
    "depart": Standing.to_depart,
    "warehouse_in": Standing.to_warehouse,
}


def prepare_list(office: Office, standing: Standing, step: str) -> int:
    """Prepare the list document of a step over the parcels that it is to name. Returns how many messages."""
    message_type, seqs = standing.procedure.list_of(step), PARCELS[step](standing)
    batch = part_of(load_batch(office.ledger, standing.id), seqs)
    if not len(batch.parcels):
        return 0
    supplement = standing.next_supplement(message_type)
    making = Making(office.identities, clock.now(), supplement=supplement)
    try:
        made = listing(batch, message_type, making, standing.events.get("departed"))
    except DataFault as fault:
        events.record(
            office.ledger, standing.id, "list_faults", detail={"type": message_type, "why": str(fault)}, once=True
        )
        return 0
    office.ensure_keys(standing.truck)
    outgoing = seal_messages(made, standing.truck, office.authority(standing.procedure.authority), office.keys)
    told = part_of(load_batch(office.ledger, standing.id), seqs | standing.named(message_type))
    with office.ledger.begin() as tx:
        added = preparing.add_messages(tx, standing.id, outgoing)
        rows = [Conversion(**row) for row in list_record(told, message_type)]
        replace_conversions(tx, standing.id, standing.procedure.authority, message_type, rows)
    return len(added.message_ids)


def list_anew(office: Office, standing: Standing, message_type: str) -> int:
    """After a refusal, let a new list name the parcels of the refused ones. Returns how many parcels."""
    refused = [i for i in standing.lists if i.type == message_type and standing.refused(i)]
    if refused:
        events.record(office.ledger, standing.id, LISTED_ANEW, detail={"documents": [item.id for item in refused]})
    return sum(len(item.seqs) for item in refused)
