"""Runs that were asked for through Prefect: told in the ledger as soon as a worker sees them, before they begin."""

from __future__ import annotations

import logging
from typing import Any

from adapters.ledger import shipments
from adapters.ledger.touches import touch
from mappings.errors import TongguanError
from tasks.actors import PULSE
from tasks.office import office

log = logging.getLogger(__name__)


def ask(run_id: str, parameters: dict[str, Any]) -> int | None:
    """Tells the pulse which shipment a run of clear-shipment is about; None where it is about none that is known.

    The pulse's own runs are not told. An approval that the call gives is noted here, in the same transaction.
    """
    reference, actor = str(parameters.get("shipment") or ""), str(parameters.get("actor") or "prefect")
    if not reference or parameters.get("folder") or actor == PULSE:
        return None
    try:
        with office().ledger.begin() as tx:
            row = shipments.find(tx, reference)
            if row is None:
                return None
            if parameters.get("approved") is True:
                shipments.approve(tx, row.id, actor)
            touch(tx, [row.id], run_id)
    except TongguanError as error:  # the run itself comes upon the same, and tells it
        log.warning("run %s: %s", run_id, error)
        return None
    return int(row.id)
