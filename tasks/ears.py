"""Whether a pulse runs: its ear and its waker say so in the ledger, as long as they do their work.

A schedule that would hear too, or take every truck on to find nothing, leaves that to the pulse. Each speaks for
itself: an ear that hears says nothing of a waker that hangs.
"""

from __future__ import annotations

from adapters.ledger import leases
from mappings.clock import stopwatch
from tasks.office import Office

EAR, WAKER = "ear", "waker"  # whose word: the lease of one of them; where there are several, any
SECONDS = 60.0  # real ones, in which it is said again; who takes longer passes for gone
AGAIN = 20.0
MISSED = "missed"  # under which the ledger keeps whom an ear does not reach


class Word:
    """The word of an ear, or of a waker, that it is at work."""

    def __init__(self, whose: str) -> None:
        self.whose = whose
        self._said, self._missed = -AGAIN, ""

    def here(self, office: Office, missed: str = "") -> None:
        """Says so, where it was not said just now, and who is not reached; another one's word does as well."""
        if missed != self._missed or stopwatch() - self._said >= AGAIN:
            leases.forget_dead(office.ledger, self.whose)
            leases.acquire(office.ledger, self.whose, office.worker, SECONDS)
            leases.set_cursor(office.ledger, self.whose, MISSED, missed)
            self._said, self._missed = stopwatch(), missed

    def gone(self, office: Office) -> None:
        """Takes its word back."""
        leases.release(office.ledger, self.whose, office.worker)


def lives(office: Office, whose: str) -> bool:
    """Whether one is at work; one of this host whose process is dead is not."""
    return leases.living(office.ledger, whose)


def unreached(office: Office) -> list[str]:
    """What the ear says of authorities that it does not reach."""
    missed = str(leases.get_cursor(office.ledger, EAR, MISSED))
    return [missed] if missed else []
