"""Gives receipts their effect: the ledger moves documents by rank, then what was rejected is explained.

The ranks are data (mappings/<authority>/states.yaml). A status that the table does not know is a rejection when it is
below zero (the published lists are not closed) and parked otherwise.
"""

from __future__ import annotations

from typing import cast

from adapters.contract import Authority
from adapters.ledger import Ledger, receipts
from adapters.ledger.settling import Ranks, Settled
from mappings import states
from tasks.receipts.alarm import alarm_unreadable
from tasks.receipts.explain import explain


def settle(ledger: Ledger, authority: Authority) -> Settled:
    """Apply every waiting receipt of this authority and explain what was rejected, shipment by shipment."""
    ranks = cast(Ranks, states.rank_table(authority.name))
    settled = receipts.settle(ledger, authority.name, ranks)
    alarm_unreadable(ledger, settled.messages)
    for shipment_id in sorted(settled.shipments):
        explain(ledger, authority.name, shipment_id)
    return settled
