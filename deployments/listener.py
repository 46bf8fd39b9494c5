"""The pulse's ear: a process that hears the authorities, so that a batch of receipts holds up no wake-up.

It fetches what they have to say, applies it, tells what cannot be read, and offers the room that has come free in the
books. What it changes it leaves in the ledger, where the pulse looks.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from deployments.beside import Beside
from deployments.heartbeats import no_heartbeats
from deployments.pools import FEW
from mappings.errors import AuthorityUnavailable, TongguanError

if TYPE_CHECKING:
    from tasks.clearing.pace import Pace

POLL = 1.0  # real seconds between two times
SPELL = 30.0  # real seconds of hearing at a time: where receipts come all the time it says in between that it lives
GRACE = 6.0  # real seconds for what it is applying, when it is told to stop
log = logging.getLogger("tongguan.pulse")


def hear(heard: Callable[[str], object] = lambda _: None, pace: Pace | None = None) -> None:
    """Hears once, explains trucks at their pace, and then calls `heard` with who was not reached.

    What cannot be read is told afterwards.
    """
    from tasks import stages  # noqa: PLC0415
    from tasks.clearing import hearing  # noqa: PLC0415
    from tasks.office import office  # noqa: PLC0415

    missed = ""
    try:
        hearing.hear(office(), SPELL, pace)
    except AuthorityUnavailable as error:
        log.warning("not reached: %s", error)
        missed = str(error)
    heard(missed)
    if stages.anything_parked():
        _alarm()
    stages.offer_room()


def _alarm() -> None:
    """A run that shows what came in and could not be read; it tells it once."""
    from flows.receive_receipts import receive_receipts  # noqa: PLC0415

    ran: Any = receive_receipts(return_state=True)
    log.warning("%s: %s", ran.name, ran.message)


def logged(work: Callable[[], object]) -> None:
    """Works once; trouble is logged and ends nothing."""
    try:
        work()
    except TongguanError as error:
        log.warning("%s: %s", type(error).__name__, error)
    except Exception:  # whatever the reason, this must not be the last time: the trucks wait for the next
        log.exception("a beat failed")


def listen(ours: Connection) -> None:
    """The process: hears every POLL seconds until the pipe is closed."""
    from tasks.clearing.pace import Pace  # noqa: PLC0415
    from tasks.ears import EAR, Word  # noqa: PLC0415
    from tasks.office import office  # noqa: PLC0415

    os.setsid()  # a signal to the pulse's group is not for the receipts that it is applying
    tell()
    word, pace = Word(EAR), Pace(FEW)
    with no_heartbeats():
        while not ours.poll(POLL):
            logged(lambda: hear(lambda missed: word.here(office(), missed), pace))
    logged(lambda: word.gone(office()))


def tell() -> None:
    """Logs as the pulse does."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)


class Listener(Beside):
    """The ear as the pulse sees it."""

    def __init__(self, target: Callable[[Connection], None] = listen) -> None:
        super().__init__(target, "ear")

    def look(self) -> None:
        """Starts another where it has died."""
        if not self.process.is_alive():
            log.warning("the ear ended with %s; another begins", self.process.exitcode)
            self.pipe.close()
            self.begin()
