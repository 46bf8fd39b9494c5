"""Taking a shipment as far as it can go now, in this process and without Prefect: what its flow does, stage by stage.

For shipments of few parcels, and for what is little work of trucks, where Prefect's own calls would take longer than
the work; it is shown afterwards. The ledger decides what was sent, so that whoever comes second finds it done.
"""

from __future__ import annotations

import math

from tasks.clearing import hearing, intake, steps
from tasks.clearing.alone import alone
from tasks.clearing.settling import settle_shipment
from tasks.clearing.standing import Standing
from tasks.office import Office


def advance(office: Office, shipment_id: int, most: float = math.inf) -> Standing | None:
    """Takes every step that can be taken; where the shipment stands then. None: another worker has it.

    No step where more than `most` parcels are to be declared once its files are worked up. Raises as the stages do.
    """
    with alone(office, shipment_id) as mine:
        if not mine:
            return None
        intake.work_up(office, shipment_id)
        hearing.find_out(office, shipment_id)
        standing = settle_shipment(office, shipment_id)
        for step in standing.procedure.steps if len(standing.in_state("ready")) <= most else ():
            if steps.anything_to_do(office, standing, step.name):
                taken = steps.take(office, shipment_id, step.name, standing=standing)
                standing = taken.standing or settle_shipment(office, shipment_id)
        return standing
