"""Two workers are kept off one truck by a lease; a dead worker's is taken over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from adapters.ledger import leases
from mappings.clock import clock, stopwatch
from tasks.office import Office

SECONDS = 300
_LOOK = 0.2


@contextmanager
def alone(office: Office, shipment_id: int, wait: float = 0.0) -> Iterator[bool]:
    """Hold the truck inside the block; False inside where another worker still has it after `wait` real seconds."""
    name, until = f"shipment:{shipment_id}", stopwatch() + wait
    while True:
        leases.forget_dead(office.ledger, name)
        with leases.lease(office.ledger, name, office.worker, SECONDS) as lease:
            if lease is not None or stopwatch() >= until:
                yield lease is not None
                return
        clock().sleep(_LOOK * clock().speed)
