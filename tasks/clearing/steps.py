"""Taking a procedure's steps: prepare what the gate lets through, then send what is prepared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from mappings.engine import spec
from tasks.clearing import hongkong
from tasks.clearing.declaring import prepare_declarations
from tasks.clearing.delivering import prepare_deliveries
from tasks.clearing.movement import PARCELS, prepare_list
from tasks.clearing.settling import settle_shipment
from tasks.clearing.standing import Standing, load_standing
from tasks.office import Office
from tasks.submission.submit import Progress, submit


def _list(office: Office, standing: Standing, step: str) -> int:
    return prepare_list(office, standing, step)


PREPARE: dict[str, Callable[[Office, Standing], int]] = {
    "declare": prepare_declarations,
    "hong_kong": hongkong.prepare,
    **{step: partial(_list, step=step) for step in PARCELS},
    "delivered": prepare_deliveries,
}


A_MESSAGE = 25  # parcels: a hundred documents, four of each


@dataclass(frozen=True)
class Taken:
    """What a step did: messages prepared, messages sent, how others ended."""

    step: str
    prepared: int = 0
    outcomes: tuple[tuple[str, int], ...] = ()
    standing: Standing | None = None  # where the shipment stands after it, where that is known

    @property
    def did(self) -> bool:
        """Whether anything happened."""
        return bool(self.prepared or self.outcomes)


def take(
    office: Office, shipment_id: int, step: str, progress: Progress | None = None, standing: Standing | None = None
) -> Taken:
    """Take one step as far as it can go now; harmless when there is nothing to do. Raises AuthorityUnavailable.

    `standing` is where the shipment stands, where somebody has looked just now.
    """
    standing = standing or load_standing(office.ledger, shipment_id)
    may = standing.may(step)  # preparing may hold parcels, and then prepare no message
    prepared = PREPARE[step](office, standing) if may else 0
    if standing.shipment.held:
        return Taken(step, standing=standing)
    outcomes: dict[str, int] = {}
    sends = standing.procedure.step(step).sends
    for name in dict.fromkeys(spec.load(kind).authority for kind in sends):
        types = [kind for kind in sends if spec.load(kind).authority == name]
        done = submit(office.ledger, office.authority(name), shipment_id, types, office.worker, progress)
        for outcome, count in done.counts.items():
            outcomes[outcome] = outcomes.get(outcome, 0) + count
    if prepared or outcomes:
        return Taken(step, prepared, tuple(sorted(outcomes.items())), settle_shipment(office, shipment_id))
    untouched = not may and not any(standing.messages[kind, "prepared"] for kind in sends)  # nor sent by somebody else
    return Taken(step, standing=standing if untouched else None)


def anything_to_do(office: Office, standing: Standing, step: str, roughly: bool = False) -> bool:
    """Whether the step would prepare or send something now.

    Hong Kong's gate stays open, and what it would be told takes a look through all parcels: `roughly` looks at none.
    """
    if standing.shipment.held:
        return False
    if any(standing.messages[kind, "prepared"] for kind in standing.procedure.step(step).sends):
        return True
    return standing.may(step) and (step != "hong_kong" or (not roughly and hongkong.anything_to_do(office, standing)))


def load(standing: Standing) -> int:
    """About how many parcels are to be declared: those that are ready, and those of messages that are prepared."""
    prepared = sum(count for (_, state), count in standing.messages.items() if state == "prepared")
    return len(standing.in_state("ready")) + A_MESSAGE * prepared


def lost(standing: Standing) -> bool:
    """Whether it is not known of a message that it arrived."""
    return any(state in ("claimed", "unknown") for _, state in standing.messages)
