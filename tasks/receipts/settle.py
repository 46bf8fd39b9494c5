"""Gives receipts their effect: the ledger moves documents by rank, then what was rejected is explained.

The ranks are data (mappings/<authority>/states.yaml). A status that the table does not know is a rejection when it is
below zero (the published lists are not closed) and parked otherwise.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import cast

from adapters.contract import Authority
from adapters.ledger import Ledger, bills, receipts
from adapters.ledger.settling import Ranks, Settled
from adapters.ledger.touches import touch
from mappings import states
from tasks.receipts.alarm import alarm_conflicts, alarm_unreadable
from tasks.receipts.explain import explain
from tasks.receipts.lookup import complete_parked
from tasks.receipts.places import Places
from tasks.receipts.reasons import table


def settle(ledger: Ledger, authority: Authority, profiles_from: Path | None = None) -> Settled:
    """Apply every waiting receipt of this authority and explain what was rejected, shipment by shipment.

    `profiles_from` is the folder of the user's own source profiles, whose headings name the cells.
    """
    ranks = cast(Ranks, states.rank_table(authority.name))
    with ledger.begin() as tx:
        known = table(authority.name).get("bills")
        apart = (known["kind"],) if known else ()
        complete_parked(tx, authority.name)
        settled = receipts.settle(tx, authority.name, ranks, cast(Ranks, proofs(authority.name)), apart)
        if known:
            about = bills.settle(tx, authority.name, known["kind"], known["about"], ranks)
            settled.shipments |= about.shipments
            settled.counts += about.counts
        touch(tx, settled.shipments)
    alarm_unreadable(ledger, authority.name, settled.messages)
    alarm_conflicts(ledger, authority.name, settled.shipments)
    for shipment_id in sorted(settled.shipments):
        explain(ledger, authority.name, shipment_id, Places(ledger, shipment_id, profiles_from))
    return settled


@lru_cache
def proofs(authority: str) -> dict[tuple[str, str], states.State]:
    """What `duplicates` (receipts.yaml) mean for a message that was sent again as a recovery: the first one arrived."""
    statuses = table(authority).get("duplicates", ())
    kinds = states.document_states(authority).items()
    return {(kind, s): known["duplicate"] for kind, known in kinds if "duplicate" in known for s in statuses}
