"""Taking a shipment as far as it can go now, in this process and without Prefect: what its flow does, stage by stage.

For shipments of few parcels, and for what is little work of trucks, where Prefect's own calls would take longer than
the work; it is shown afterwards. What was applied for is left to a run. The ledger decides what was sent, so that
whoever comes second finds it done.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from mappings.errors import AuthorityUnavailable
from tasks.clearing import hearing, intake, steps
from tasks.clearing.alone import alone
from tasks.clearing.settling import settle_shipment
from tasks.clearing.standing import Standing
from tasks.office import Office


class Advanced(NamedTuple):
    """Where a shipment stands then, and whether files were worked up, or messages prepared or sent."""

    at: Standing
    did: bool


def advance(office: Office, shipment_id: int, most: float = math.inf) -> Advanced | None:
    """Takes every step that can be taken; None where another worker has the shipment. Raises as the stages do.

    No step where about more than `most` parcels are to be declared once its files are worked up. An authority that
    cannot be reached stops only what is said to it: AuthorityUnavailable is raised at the end.
    """
    missed: list[AuthorityUnavailable] = []
    with alone(office, shipment_id) as mine:
        if not mine:
            return None
        did = intake.work_up(office, shipment_id) is not None
        with _noted(missed):
            hearing.find_out(office, shipment_id)
        standing = settle_shipment(office, shipment_id)
        for step in standing.procedure.steps if steps.load(standing) <= most else ():
            if not steps.anything_to_do(office, standing, step.name):
                continue
            after = None
            with _noted(missed):
                taken = steps.take(office, shipment_id, step.name, standing=standing)
                after, did = taken.standing, did or taken.did
            standing = after or settle_shipment(office, shipment_id)
    if missed:
        raise missed[0]
    return Advanced(standing, did)


@contextmanager
def _noted(missed: list[AuthorityUnavailable]) -> Iterator[None]:
    """What is said to an authority that cannot be reached is over there; the next stage goes on."""
    try:
        yield
    except AuthorityUnavailable as error:
        missed.append(error)
