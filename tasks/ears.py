"""Whether some pulse hears the authorities all the time: its ear says so in the ledger, as long as it lives.

A schedule that would hear too, or take every truck on to find nothing, leaves that to the pulse.
"""

from __future__ import annotations

from adapters.ledger import leases
from mappings.clock import stopwatch
from tasks.office import Office

EAR = "ear"  # the lease of one ear; where there are several, any of them
SECONDS = 60.0  # real ones, in which an ear says again that it is there; an ear that hears longer passes for gone
AGAIN = 20.0


class Ear:
    """An ear's own word that it lives."""

    def __init__(self) -> None:
        self._said = -AGAIN

    def here(self, office: Office) -> None:
        """Says so, where it was not said just now; another ear's word does as well."""
        if stopwatch() - self._said >= AGAIN:
            leases.forget_dead(office.ledger, EAR)
            leases.acquire(office.ledger, EAR, office.worker, SECONDS)
            self._said = stopwatch()

    def gone(self, office: Office) -> None:
        """Takes its word back."""
        leases.release(office.ledger, EAR, office.worker)


def lives(office: Office) -> bool:
    """Whether an ear lives; one of this host that is dead does not."""
    leases.forget_dead(office.ledger, EAR)
    return leases.holder(office.ledger, EAR) is not None
