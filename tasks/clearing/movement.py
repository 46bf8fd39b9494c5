"""List documents of the truck: master and sub list (607), arrival at the yard (507), departure (509)."""

from __future__ import annotations

import json
from collections.abc import Callable

from adapters.ledger import messages, sources
from mappings import clock
from tasks.clearing.declaring import load_batch, part_of
from tasks.clearing.standing import CN, Standing, list_stage
from tasks.conversion.lists import listing
from tasks.conversion.messages import Making
from tasks.office import Office
from tasks.submission.seal import seal_messages

PARCELS: dict[str, Callable[[Standing], set[int]]] = {
    "CEB607Message": Standing.to_list,
    "CEB507Message": Standing.to_arrive,
    "CEB509Message": Standing.to_depart,
}


def prepare_list(office: Office, standing: Standing, message_type: str) -> int:
    """Prepare one list document over the parcels that it is to name. Returns how many messages."""
    seqs = PARCELS[message_type](standing)
    batch = part_of(load_batch(office.ledger, standing.id), seqs)
    if not len(batch.parcels):
        return 0
    supplement = standing.next_supplement(message_type)
    making = Making(office.identities, clock.now(), supplement=supplement)
    made = listing(batch, message_type, making, standing.events.get("departed"))
    office.ensure_keys(standing.truck)
    outgoing = seal_messages(made, standing.truck, office.authority(CN), office.keys)
    with office.ledger.begin() as tx:
        added = messages.add_messages(tx, standing.id, outgoing)
        sources.save_snapshot(tx, standing.id, list_stage(message_type, supplement), json.dumps(sorted(seqs)).encode())
    return len(added.message_ids)


def list_anew(office: Office, standing: Standing, message_type: str) -> int:
    """After a refusal, let the parcels of the refused lists be named by a new one. Returns how many parcels."""
    from tasks.clearing.standing import parcel_table  # noqa: PLC0415

    dead, freed = set(parcel_table()["dead"]), 0
    for item in standing.lists:
        if item.type == message_type and dead & set(item.states) and item.seqs:
            sources.save_snapshot(office.ledger, standing.id, list_stage(message_type, item.supplement), b"[]")
            freed += len(item.seqs)
    return freed
