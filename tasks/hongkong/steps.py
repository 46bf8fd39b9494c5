"""What to do next for a consignment in Hong Kong: the first row of steps.yaml that fits (hk.md 2 and 3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from mappings.errors import ConfigurationError
from mappings.hk_road.tables import table
from tasks.hongkong.deadlines import deadlines

STEPS = ("lodge", "wait", "bundle", "unbundle", "amend", "rebundle", "cancel", "alarm_late", "done")


class Filed(NamedTuple):
    """One document as the ledger knows it: what it asked for (EDIFACT 1225), its state, the digest of its content."""

    function: str
    state: str
    digest: str = ""


def standing(message_type: str, documents: Sequence[Filed]) -> str:
    """Where a consignment, or its bundle, stands after all its documents in the order of their attempts."""
    if not documents:
        return "none"
    last = documents[-1]
    found = str(table("steps")["standing"][message_type][last.function].get(last.state, last.state))
    if found != "kept":
        return found
    before = standing(message_type, [d for d in documents[:-1] if d.function == "9"])
    return before if before not in ("bundled", "none") else "kept"


def content(lodged: str, current: str) -> str:
    """same, changed or empty: what was lodged against what the truck carries now, by their digests."""
    if not current:
        return "empty"
    return "same" if lodged == current else "changed"


def _fits(cell: str, value: str) -> bool:
    return cell == "-" or value in cell.split("|")


def decide(aci: str, bundle: str, content: str, vehicle: str, time: str) -> str:
    """The step for a position in the terms of steps.yaml. Raises ConfigurationError where no row fits."""
    position = (aci, bundle, content, vehicle, time)
    for *cells, step in table("steps")["rows"]:
        if all(_fits(cell, value) for cell, value in zip(cells, position, strict=True)):
            return str(step)
    raise ConfigurationError(f"steps.yaml has no row for {position} 没有对应的下一步")


def next_step(
    aci: Sequence[Filed],
    bundle: Sequence[Filed],
    current: str,
    crossing: datetime,
    now: datetime,
    same_vehicle: bool = True,
) -> str:
    """The next step (one of STEPS) of a consignment.

    `aci` are the documents of the consignment, `bundle` those of its present CCRN, both by attempt, `current` the
    digest of what the truck carries now ('' when nothing is left), `crossing` the plan, both times aware.
    """
    lodged = next((d.digest for d in reversed(aci) if d.digest), "")
    return decide(
        standing("HKRoadACI", aci),
        standing("HKRoadBundle", bundle),
        content(lodged, current),
        "same" if same_vehicle else "changed",
        deadlines(crossing).phase(now),
    )
