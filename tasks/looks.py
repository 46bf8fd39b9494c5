"""How a shipment looks, and how it looked when Prefect was last shown it: by that the pulse knows what can go on.

A *mark* is everything that a run would find; the ledger keeps its digest, and which run's page shows it.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

import orjson

from adapters.ledger import leases, shipments
from mappings.errors import TongguanError
from tasks.applications import sending as applications
from tasks.clearing import intake, settling, steps, timing
from tasks.clearing.documents import ByParcel
from tasks.clearing.standing import Standing
from tasks.office import office

RAN = "run"  # under which the ledger keeps what each truck looked like at the end of its last run
PAGE = "page"  # under which the ledger keeps each truck's last run in Prefect


def mark(shipment_id: int) -> tuple[object, ...]:
    """What a run would find: state, open gates, events, files, counts. The same as before: nothing to do."""
    at = settling.settle_shipment(office(), shipment_id)
    return _mark(at, at.received)


def _mark(at: Standing, received: int) -> tuple[object, ...]:
    gates = tuple(step.name for step in at.procedure.steps if at.may(step.name))
    said = [(kind, *_states(found)) for kind, found in sorted(at.documents.items())]
    told = (tuple(sorted(at.events)), sum(map(len, at.deliveries.values())), tuple(sorted(at.applications.items())))
    here = (at.shipment.state, gates, told, received, timing.passed(at), at.shipment.held)
    return (*here, sorted(at.parcels.items()), said)


def _states(found: ByParcel) -> tuple[list[int | None], list[str]]:
    """The parcels that have a document of a type, and its states: a list of pairs would be thousands of them."""
    seqs = sorted(found)  # type: ignore[type-var]  # of one about the whole truck it is a negative number
    return seqs, [found[seq].state for seq in seqs]


def note_run(at: Standing, since: datetime) -> None:
    """Write down what a truck looks like at the end of a run, in the ledger: no host wakes it before that changes.

    Of its files those count that were worked up, and of time what was over when the run began its stages, at `since`:
    what came meanwhile wakes it.
    """
    seen = _mark(replace(at, now=since), max(intake.worked_up(office(), at.id), 0))
    leases.set_cursor(office().ledger, RAN, str(at.id), digest(seen))


def note_page(shipment_id: int, run_id: str) -> None:
    """Write down which run of Prefect's has the truck now: what changes afterwards may be shown on its page."""
    if run_id:
        leases.set_cursor(office().ledger, PAGE, str(shipment_id), run_id)


def page_of(shipment_id: int) -> str:
    """The last run of Prefect's that had the truck; '' where none has."""
    return str(leases.get_cursor(office().ledger, PAGE, str(shipment_id)))


def nothing_left(shipment_id: int, at: Standing | None = None) -> Standing | None:
    """Where a shipment stands of which nothing is left to do, so that it has only to be shown; else None.

    `at` is where it stands, where somebody has looked just now.
    """
    at = at or settling.settle_shipment(office(), shipment_id)
    return None if _left(at, intake.worked_up(office(), shipment_id), roughly=False) else at


def noted_run(shipment_id: int) -> str:
    """The digest of a truck's mark at the end of its last run; '' where none has ended."""
    return str(leases.get_cursor(office().ledger, RAN, str(shipment_id)))


def digest(mark: tuple[object, ...]) -> str:
    """A mark as a short text."""
    said = orjson.dumps(mark, default=repr, option=orjson.OPT_NON_STR_KEYS)
    return hashlib.sha256(said).hexdigest()[:32]


class Look(NamedTuple):
    """What a look at a shipment found: `mark` is a digest, `limit` the next time at which it may look otherwise.

    `waits_for_time` says that it is to be tried again and again: an answer got lost. `begins`: it has no message yet.
    `stands` is a digest of what people wait for: the states of shipment and parcels, without those of documents.
    `load` is about how many parcels are to be declared, as soon as they may; `applied`: what was applied for is to be
    sent.
    """

    mark: str
    noted: str
    waits_for_time: bool
    limit: datetime | None
    over: bool
    begins: bool = False
    left: bool = True
    stands: str = ""
    load: int = 0
    applied: bool = False


def look(shipment_id: int, roughly: bool = False, by: str = "") -> Look:
    """How a shipment looks now, and how at the end of its last run; `roughly`: what is left but for Hong Kong.

    It is settled for that, `by` this name.
    """
    at = settling.settle_shipment(office(), shipment_id, by)
    noted = leases.cursors_of(office().ledger, str(shipment_id), (RAN, intake.WORKED_UP))
    mark_, over = digest(_mark(at, at.received)), at.shipment.state == shipments.CLOSED
    left = _left(at, int(noted.get(intake.WORKED_UP, "-1")), roughly)
    waits_for_time, limit = at.fact("outcome_unknown"), timing.next_limit(at)
    stands = digest((at.shipment.state, at.shipment.held, sorted(at.parcels.items())))
    load, applied = steps.load(at), applications.anything_to_do(at)
    return Look(mark_, noted.get(RAN, ""), waits_for_time, limit, over, not at.messages, left, stands, load, applied)


def _left(at: Standing, worked_up: int, roughly: bool) -> bool:
    if steps.lost(at) or applications.anything_to_do(at) or at.received != worked_up:
        return True
    try:
        return any(steps.anything_to_do(office(), at, step.name, roughly) for step in at.procedure.steps)
    except TongguanError:  # whoever advances it comes upon the same, and tells it
        return True
