"""Taking a shipment as far as it can go now, in this process and without Prefect: what its flow does, stage by stage.

For shipments of few parcels, where Prefect's own calls would take longer than the work; a run of the flow shows it
afterwards. The ledger decides what was sent, so that whoever comes second finds it done.
"""

from __future__ import annotations

from tasks.clearing import hearing, intake, steps
from tasks.clearing.alone import alone
from tasks.clearing.standing import procedure_of
from tasks.office import Office


def advance(office: Office, shipment_id: int) -> bool:
    """Takes every step that can be taken; False where another worker has the shipment. Raises as the stages do."""
    with alone(office, shipment_id) as mine:
        if not mine:
            return False
        intake.work_up(office, shipment_id)
        hearing.find_out(office, shipment_id)
        standing = None  # what comes meanwhile has the shipment looked at again
        for step in procedure_of(office.ledger, shipment_id).steps:
            standing = steps.take(office, shipment_id, step.name, standing=standing).standing
        return True
