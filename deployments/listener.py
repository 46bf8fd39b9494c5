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
from mappings.clock import stopwatch
from mappings.errors import AuthorityUnavailable, TongguanError

if TYPE_CHECKING:
    from tasks.clearing.pace import Pace

# Real seconds between two times, at the least and the most, and how much of its time hearing takes as far as they let
# it: what many trucks hear costs less the more of it is heard together (decision 0035). Pushes do not wait for it.
POLL, MOST, SHARE = 1.0, 5.0, 0.25
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


def pause(took: float) -> float:
    """Real seconds until the next time, where this one took so many; not longer where more lies ready."""
    return POLL if took >= SPELL else min(max(POLL, took * (1 / SHARE - 1)), MOST)


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
    """The process: hears again and again until the pipe is closed."""
    from tasks.clearing.pace import Pace  # noqa: PLC0415
    from tasks.ears import EAR, Word  # noqa: PLC0415
    from tasks.office import office  # noqa: PLC0415

    os.setsid()  # a signal to the pulse's group is not for the receipts that it is applying
    tell()
    word, pace, took = Word(EAR), Pace(FEW), 0.0
    with no_heartbeats():
        while not ours.poll(pause(took)):
            began = stopwatch()
            logged(lambda: hear(lambda missed: word.here(office(), missed), pace))
            took = stopwatch() - began
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
