"""Two workers are kept off one truck by a lease; a dead worker's is taken over.

A worker renews the lease of the truck that it works on. When its host dies or is cut off, nobody does, and after
`seconds()` another worker may have the truck: what the first had claimed is then an outcome that is found out.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from adapters.ledger import leases
from mappings.clock import clock, stopwatch
from mappings.errors import ConfigurationError, TongguanError
from tasks.office import Office

SECONDS = 60.0  # real ones; longer than a database's short absence
VARIABLE = "TONGGUAN_LEASE_SECONDS"
RENEWALS = 60  # a worker that hangs keeps its truck for no more than twenty minutes
_LOOK = 0.2
log = logging.getLogger(__name__)


def name_of(shipment_id: int) -> str:
    """The name of a truck's lease."""
    return f"shipment:{shipment_id}"


def seconds() -> float:
    """How long a lease lasts that is not renewed, in real seconds. Raises ConfigurationError."""
    text = os.environ.get(VARIABLE, "") or str(SECONDS)
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 1 <= found < float("inf"):
        raise ConfigurationError(f"{VARIABLE} is {text!r}: write seconds, at least 1 请写不小于 1 的秒数")
    return found


@contextmanager
def alone(office: Office, shipment_id: int, wait: float = 0.0) -> Iterator[bool]:
    """Hold the truck inside the block; False inside where another worker still has it after `wait` real seconds."""
    with held(office, name_of(shipment_id), wait) as mine:
        yield mine


@contextmanager
def held(office: Office, name: str, wait: float = 0.0) -> Iterator[bool]:
    """The same for anything with a name of its own."""
    until = stopwatch() + wait
    while True:
        leases.forget_dead(office.ledger, name)
        with leases.lease(office.ledger, name, office.worker, seconds()) as lease:
            if lease is not None or stopwatch() >= until:
                with _renewed(lease):
                    yield lease is not None
                return
        clock().sleep(_LOOK * clock().speed)


@contextmanager
def _renewed(lease: leases.Lease | None) -> Iterator[None]:
    """Renews the lease three times in its life, from a thread of its own: a stage may take longer than it lasts."""
    if lease is None:
        yield
        return
    over = threading.Event()
    thread = threading.Thread(target=_renew, args=(lease, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()  # it must not take the lease anew after it was given back


def _renew(lease: leases.Lease, over: threading.Event) -> None:
    for _ in range(RENEWALS):
        if over.wait(lease.seconds / 3):
            return
        try:
            if not lease.renew():
                log.warning("%s is another worker's now: this one's claims are found out by it", lease.name)
                return
        except (TongguanError, DBAPIError) as error:  # the database is away: tried again, as long as the lease lasts
            log.warning("%s not renewed: %s", lease.name, error)
