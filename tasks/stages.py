"""The stages as Prefect tasks: thin wrappers around pure functions. Only ids go to Prefect, never a person's data.

Retries: `AuthorityUnavailable` alone is tried again (twice, within a minute); hours belong to the sweep. Submission has
no cache: the ledger decides what was sent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun

from adapters.ledger import leases, messages, shipments, touches
from mappings import clock
from mappings.canonical.model import Truck
from mappings.clock import stopwatch
from mappings.errors import AuthorityUnavailable, ConfigurationError
from tasks import ears, publishing
from tasks.applications import sending as applications
from tasks.clearing import alone as lease
from tasks.clearing import hearing, intake, room, settling, steps
from tasks.clearing.standing import Standing, procedure_of
from tasks.office import office
from tasks.receipts import alarm


def only_unavailable(task_: Any, run: TaskRun, state: State[Any]) -> bool:
    """Retry only what was surely not sent. A plain function: Prefect never retries with a partial."""
    return isinstance(state.data, AuthorityUnavailable)


SENDING: dict[str, Any] = {
    "cache_policy": NO_CACHE,
    "retries": 2,
    "retry_delay_seconds": [10, 30],
    "retry_condition_fn": only_unavailable,
    "persist_result": False,
}
SHORT = 3.0  # real seconds in which a shipment of few parcels, that is being advanced just now, is free again
CANCELS = 3.0  # real seconds between two questions to Prefect whether a person has cancelled this run
LOCAL: dict[str, Any] = {"cache_policy": NO_CACHE, "persist_result": False}
# Where a shipment that this process has `alone` stands after a step: to look at a truck again takes some 50 ms, and one
# task hands no more than an id to the next through Prefect.
_left_by_step: dict[int, Standing] = {}


@task(task_run_name="take files in", **LOCAL)
def take_in(folder: str, shipment: str) -> int:
    """Keep a folder's files with their shipment; its id."""
    if folder:
        return intake.receive_files(
            office(), intake.folder_files(Path(folder)), shipment, source=Path(folder).name
        ).shipment_id
    return find(shipment)


def find(reference: str) -> int:
    """The id of the shipment with this number, master waybill or plate. Raises ConfigurationError."""
    row = shipments.find(office().ledger, reference)
    if row is None:
        raise ConfigurationError(f"No shipment {reference!r} 没有该车次")
    return int(row.id)


def run_name(reference: str, folder: str = "") -> str:
    """What a run about a shipment is called: plate and master waybill, or the folder of a new one."""
    row = shipments.find(office().ledger, reference) if reference else None
    return f"{row.label} {row.master_waybill}".strip() if row is not None else reference or Path(folder).name or "?"


@task(task_run_name="capture, clean, match", **LOCAL)
def work_up(shipment_id: int) -> bool:
    """Work up what was received since last time; whether there was anything."""
    return intake.work_up(office(), shipment_id) is not None


@task(task_run_name="approve", **LOCAL)
def approve(shipment_id: int, actor: str) -> bool:
    """Note the approval that came with the call."""
    return bool(shipments.approve(office().ledger, shipment_id, actor))


@task(task_run_name="find out what arrived", **SENDING)
def find_out(shipment_id: int) -> int:
    """Settle what is unknown."""
    return hearing.find_out(office(), shipment_id)


@task(task_run_name="receive receipts", **SENDING)
def hear(seconds: float = math.inf) -> list[int]:
    """Fetch and apply receipts, for so many real seconds at the most; the shipments concerned."""
    return sorted(hearing.hear(office(), seconds))


@task(task_run_name="{step}", **SENDING)
def take(shipment_id: int, step: str) -> dict[str, int]:
    """Take one step of the procedure as far as it can go now."""
    taken = steps.take(office(), shipment_id, step, publishing.progress(shipment_id, step))
    if taken.standing:
        _left_by_step[shipment_id] = taken.standing
    return {"prepared": taken.prepared, **dict(taken.outcomes)}


def steps_of(shipment_id: int) -> list[str]:
    """The names of the steps of the shipment's procedure, in order."""
    return [step.name for step in procedure_of(office().ledger, shipment_id).steps]


@task(task_run_name="applications", **SENDING)
def take_applications(shipment_id: int) -> dict[str, int]:
    """Prepare and send what was asked for and approved; declare cancelled parcels anew that are to be."""
    return applications.take(office(), shipment_id, publishing.progress(shipment_id, "applications"))


@task(task_run_name="settle", **LOCAL)
def settle(shipment_id: int) -> str:
    """Bring parcels and shipment to what is known; the shipment's state."""
    return settling.settle_shipment(office(), shipment_id).state()


def standing(shipment_id: int, by: str = "") -> Standing:
    """Where a shipment stands; it is settled for that, `by` this name (touches.BY)."""
    return settling.settle_shipment(office(), shipment_id, by)


def explain(shipment_id: int) -> None:
    """Explain what is about to be shown; the ear explains a truck only now and then."""
    hearing.explain(office(), shipment_id)


def tags_of(shipment_id: int) -> list[str]:
    """The tags of a run about a shipment, as it stands."""
    with office().ledger.read() as tx:
        row, told = shipments.get(tx, shipment_id), messages.authorities(tx, shipment_id)
    return sorted(publishing.tags_of(Truck.model_validate(row.truck), row.state, told))


@contextmanager
def alone(shipment_id: int) -> Iterator[bool]:
    """Keeps two workers off one truck; False inside where another has it."""
    with lease.alone(office(), shipment_id, SHORT) as mine:
        _left_by_step.pop(shipment_id, None)
        try:
            yield mine
        finally:
            _left_by_step.pop(shipment_id, None)


class Left:
    """Says of each stage whether it has something to do, so that it is worth a task.

    Once a stage has begun it looks anew, or at what the step that was taken has left.
    """

    def __init__(self, shipment_id: int) -> None:
        self._id = shipment_id
        self._at: Standing | None = None

    def __call__(self, stage: Any, *arguments: Any) -> bool:
        """Whether it would do something now. Hearing the authorities is left to the pulse's ear."""
        if stage is work_up:
            return intake.anything_new(office(), self._id)
        at = self._at = self.standing()
        left = {find_out: steps.lost, take_applications: applications.anything_to_do}.get(stage)
        found = left(at) if left else stage is take and steps.anything_to_do(office(), at, arguments[1])
        if found:
            self._at = None
        return found

    def standing(self) -> Standing:
        """Where the shipment stands, as it was looked at last where no stage has begun since, or as a step left it."""
        return self._at or _left_by_step.pop(self._id, None) or standing(self._id)


class Reached:
    """Runs stages one after the other; an authority that cannot be reached stops only what is said to it.

    Once a person has cancelled the run no further stage begins, nor does one that is not `worth` it. `since` is when
    the first could begin.
    """

    def __init__(
        self,
        cancelling: Callable[[], bool] = publishing.cancelling,
        worth: Callable[..., bool] = lambda *_: True,
    ) -> None:
        self.missed: list[str] = []
        self.since, self._worth = clock.now(), worth
        self._cancelling, self._cancelled, self._asked = cancelling, False, stopwatch()

    @property
    def cancelled(self) -> bool:
        """Whether the run is being cancelled, asked once in a while: a short run never asks."""
        if not self._cancelled and stopwatch() - self._asked >= CANCELS:
            self._asked, self._cancelled = stopwatch(), self._cancelling()
        return self._cancelled

    def __call__(self, stage: Callable[..., Any], *arguments: Any) -> Any:
        """What a stage gives; None where it does not begin, or, noted, where an authority was not reached."""
        if self.cancelled or not self._worth(stage, *arguments):
            return None
        try:
            return stage(*arguments)
        except AuthorityUnavailable as error:
            self.missed.append(str(error))
            return None


def heard_anyway() -> bool:
    """Whether a pulse runs that hears the authorities all the time."""
    return ears.lives(office(), ears.EAR)


def unreached() -> list[str]:
    """Whom a pulse that hears does not reach, in its words."""
    return ears.unreached(office())


def anything_parked() -> bool:
    """Whether messages came in that could not be read, and no operator has been told."""
    return bool(alarm.untold_parked(office().ledger))


def open_shipments() -> list[int]:
    """Shipments that are not at their end, oldest first."""
    return [row.id for row in shipments.listing(office().ledger, but=("closed",))]


def offer_room() -> list[int]:
    """Parcels that a book held back are ready again where room was made; the shipments concerned."""
    return room.offer(office())


def worked_on(shipment_id: int) -> bool:
    """Whether a worker has the truck now; one of this host that is dead has it no more."""
    return leases.living(office().ledger, lease.name_of(shipment_id))


def parcels_of(shipment_id: int) -> int:
    """How many parcels the shipment has; before its files are worked up, how many it may have by their rows."""
    return intake.size(office().ledger, shipment_id)


def touched() -> dict[int, dict[str, str]]:
    """The shipments that changed since somebody looked (adapters.ledger.touches)."""
    return touches.touched(office().ledger)


def looked_at(names: Collection[str]) -> None:
    """These changes were looked at."""
    touches.forget(office().ledger, names)


def can_go_on(concerned: list[int]) -> list[int]:
    """Which of these shipments have a gate open now, or are at their end; the others keep waiting without a run."""
    found = []
    for shipment_id in concerned:
        at = standing(shipment_id)
        if at.shipment.state in at.procedure.final or _something_to_do(at):
            found.append(shipment_id)
    return found


def _something_to_do(at: Standing) -> bool:
    """Whether a gate is open, or an application is to be prepared."""
    return at.applications_due() or any(at.may(step.name) for step in at.procedure.steps)
