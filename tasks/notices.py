"""Shows in Prefect what has changed of a shipment, without a run: on the page of its last one (decision 0020).

That run's state says what the shipment waits for now, its tags and artifacts are the present ones. A run that still
waits in its lane when nothing is left for it to do comes to its end in the same way. A run is needed where something is
left, and where the last one has not come to a good end: then its page stays as it is.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol

from mappings import clock
from mappings.errors import PrefectUnavailable, TongguanError
from tasks import looks, publishing, shown, stages
from tasks.actors import PULSE
from tasks.clearing.alone import alone
from tasks.clearing.standing import Standing
from tasks.office import office

SHOWN = "shown"
HELD = "held"  # somebody has the shipment
LEFT = "left"  # something is left to do
TAKEN = "taken"  # its run, that waited, has begun, or is to tell something
RUN = "run"  # that needs a run
AWAY = "away"  # Prefect is not reached, or too slow
log = logging.getLogger(__name__)


class Pages(Protocol):
    """Prefect, as far as it is needed here (deployments.prefect_api). All raise PrefectUnavailable where it is away."""

    def known(self, run_id: str) -> Mapping[str, Any] | None:
        """A run with its `state_type`, `state_name`, `state`, `parameters` and `tags`; None where there is none."""

    def ask(self, deployment: str, parameters: dict[str, Any], name: str, key: str) -> bool:
        """Starts a run that asks a person; False where there is no such deployment."""

    def put(self, run_id: str, content: Any, key: str, description: str, artifact_id: str) -> str:
        """An artifact of a run, or what one of its artifacts says now; its id."""

    def change(self, run_id: str, **told: Any) -> None:
        """Gives a run a `name`, or `tags`."""

    def complete(self, run_id: str, name: str, message: str) -> bool:
        """Says what completed state a run is in; False where that is refused."""


class Completed(set[str]):
    """The runs that a process has shown as completed: on their pages it first puts what changed, then looks at them."""

    MOST = 50_000

    def note(self, run_id: str) -> None:
        """It has been shown so."""
        if len(self) >= self.MOST:
            self.clear()
        self.add(run_id)


def show(
    pages: Pages, shipment_id: int, in_line: str = "", completed: Completed | None = None, at: Standing | None = None
) -> str:  # fmt: skip
    """Shows the shipment as it is now; returns what has become of that. `in_line` is a run of it that waits.

    `completed` is what the process remembers from one shipment to the next; `at` where the shipment stands, where
    somebody has looked just now.
    """
    completed = Completed() if completed is None else completed
    try:
        with alone(office(), shipment_id) as mine:
            if not mine:
                return HELD
            if in_line:
                return _end(pages, shipment_id, in_line, completed)
            return _renew(pages, shipment_id, completed, at)
    except PrefectUnavailable as error:
        log.warning("shipment %s: %s", shipment_id, error)
        return AWAY
    except TongguanError as error:  # its run comes upon the same, and tells it in Prefect
        log.warning("shipment %s: %s: %s", shipment_id, type(error).__name__, error)
    except Exception as error:  # only its kind is told: its text may hold a person's data
        log.error("shipment %s: %s", shipment_id, type(error).__name__)  # noqa: TRY400
    return TAKEN if in_line else RUN


def _renew(pages: Pages, shipment_id: int, completed: Completed, at: Standing | None) -> str:
    """On the page of the run that had the shipment last."""
    run_id = looks.page_of(shipment_id)
    run = pages.known(run_id) if run_id and run_id not in completed else None
    if run_id in completed or (run is not None and run["state_type"] == "COMPLETED"):
        said = _shown(pages, shipment_id, run_id, run, completed, at=at)
    else:
        said = RUN
    if said == RUN:  # what was put up for a page that is not to be had any more is not where it is looked for
        completed.discard(run_id)
        shown.forget(office().ledger, shipment_id)
    return said


def _end(pages: Pages, shipment_id: int, run_id: str, completed: Completed) -> str:
    """On the page of a run that no worker has taken: with that it is over. Somebody's own run shows everything."""
    run = pages.known(run_id)
    if run is None or run["state_type"] != "SCHEDULED":
        return TAKEN if run is not None and run["state_type"] in ("PENDING", "RUNNING") else HELD
    mine = run["parameters"].get("actor") == PULSE
    if not mine and stages.unreached():
        return TAKEN  # it says so
    name = {} if mine else {"name": stages.run_name(str(shipment_id))}
    said = _shown(pages, shipment_id, run_id, run, completed, again=not mine, told=name)
    if said == SHOWN:
        looks.note_page(shipment_id, run_id)
    if said == RUN:  # its page may have it already, and is not the one that people are shown
        shown.forget(office().ledger, shipment_id)
        return HELD
    return said


def _shown(
    pages: Pages, shipment_id: int, run_id: str, run: Mapping[str, Any] | None, completed: Completed,
    again: bool = False, told: Mapping[str, Any] = MappingProxyType({}), at: Standing | None = None,
) -> str:  # fmt: skip
    """Artifacts, questions, state and tags, as they are now; `told` is what else the run is given.

    `run` is how its page looked a moment ago; None for one of those that are known as `completed`.
    """
    since, at = at.now if at else clock.now(), looks.nothing_left(shipment_id, at)
    if at is None:
        return LEFT
    stages.explain(shipment_id)
    publishing.publish(at, again, put=lambda *artifact: pages.put(run_id, *artifact), run_id=run_id)
    publishing.ask(at, again, pages.ask)
    if told:
        pages.change(run_id, **told)
    ending, before = publishing.ending(at), run["state_type"] if run else "COMPLETED"
    if run is None or not _says(run, ending):  # that took a while: a person, or a worker, may have it
        run = pages.known(run_id)
        if run is None or run["state_type"] != before:
            return RUN
    if not _says(run, ending) and not pages.complete(run_id, *ending):
        return RUN
    if tags := publishing.tags_beside(run["tags"], at):
        pages.change(run_id, tags=tags)
    looks.note_run(at, since)
    completed.note(run_id)
    return SHOWN


def _says(run: Mapping[str, Any], ending: tuple[str, str]) -> bool:
    """Whether a run's page says already that it has ended so."""
    return run["state_type"] == "COMPLETED" and (run["state_name"], run["state"]["message"]) == ending
