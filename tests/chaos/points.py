"""Kill points: where a worker process sends itself SIGKILL. Each is a function of the product, patched in that process.

`before` and `after` say on which side of the call it dies; `nth` at which call that fits; `fits` looks at arguments
and, after the call, at its result.
"""

from __future__ import annotations

import importlib
import os
import random
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event

from adapters.ledger import messages
from tasks.office import Office


def _always(args: tuple[Any, ...], result: Any) -> bool:
    return True


@dataclass(frozen=True)
class Point:
    """One kill point; `at` is module:attribute as the product looks it up."""

    at: str
    when: str
    nth: int = 1
    fits: Callable[[tuple[Any, ...], Any], bool] = _always


def _of(message_type: str) -> Callable[[tuple[Any, ...], Any], bool]:
    """A post of a message of this type: post(ledger, authority, message_id)."""
    return lambda args, result: messages.get(args[0], args[2]).type == message_type


def _some(args: tuple[Any, ...], result: Any) -> bool:
    return bool(result)


def _receipts(args: tuple[Any, ...], result: Any) -> bool:
    return result.receipts > 0


def _adds(message_type: str) -> Callable[[tuple[Any, ...], Any], bool]:
    """add_messages(tx, shipment_id, outgoing) with messages of this type."""
    return lambda args, result: any(out.message.type == message_type for out in args[2])


INTAKE, SUBMIT = "tasks.clearing.intake", "tasks.submission.submit"
RECEIVE, READING, HEARING = "tasks.receipts.receive", "tasks.receipts.reading", "tasks.clearing.hearing"
PREPARING = "adapters.ledger.preparing"

COMMITS = ("commit:4", "committed:9", "commit:23", "committed:31")  # the soak draws from all of them
POINTS: dict[str, Point] = {
    "files kept, not yet said so": Point(f"{INTAKE}:events.record", "before"),
    "files kept": Point(f"{INTAKE}:receive_files", "after"),
    "worked up, not yet stored": Point(f"{INTAKE}:_store", "before"),
    "worked up, before the commit": Point(f"{INTAKE}:leases.set_cursor", "after"),
    "worked up": Point(f"{INTAKE}:work_up", "after"),
    "declarations made, not yet stored": Point(f"{PREPARING}:add_messages", "before", fits=_adds("CEB603Message")),
    "declarations stored, before the commit": Point(f"{PREPARING}:add_messages", "after", fits=_adds("CEB603Message")),
    "prepared, nothing sent": Point(f"{SUBMIT}:messages.to_send", "before"),
    "first claim, before the post": Point(f"{SUBMIT}:post", "before"),
    "303 posted, before it is settled": Point(f"{SUBMIT}:_sent", "before"),
    "some settled, the next claimed, before the commit": Point(f"{SUBMIT}:claims.claim_all", "after", nth=2),
    "603 claimed, before the post": Point(f"{SUBMIT}:post", "before", fits=_of("CEB603Message")),
    "603 posted, perhaps not settled": Point(f"{SUBMIT}:post", "after", fits=_of("CEB603Message")),
    "raw receipts kept, not read": Point(f"{RECEIVE}:_store", "after", fits=_some),
    "receipts read, not settled": Point(f"{READING}:read_waiting", "after", fits=_receipts),
    "receipts settled at once, before the commit": Point("adapters.ledger.at_once:keep", "after", nth=2),
    "receipts settled, nothing told": Point("tasks.receipts.settle:_explain", "before", nth=2),
    "receipts settled, parcels not": Point(f"{HEARING}:read_and_settle", "after", nth=3),
    "Hong Kong lodging stored": Point(f"{PREPARING}:add_messages", "after", fits=_adds("HKRoadACI")),
    "Hong Kong lodging claimed": Point(f"{SUBMIT}:post", "before", fits=_of("HKRoadACI")),
    "607 stored, its parcels not": Point(f"{PREPARING}:add_messages", "after", fits=_adds("CEB607Message")),
    "607 claimed, before the post": Point(f"{SUBMIT}:post", "before", fits=_of("CEB607Message")),
    "507 claimed, before the post": Point(f"{SUBMIT}:post", "before", fits=_of("CEB507Message")),
    "Hong Kong bundling claimed": Point(f"{SUBMIT}:post", "before", fits=_of("HKRoadBundle")),
    "Hong Kong bundling posted": Point(f"{SUBMIT}:post", "after", fits=_of("HKRoadBundle")),
    "509 posted": Point(f"{SUBMIT}:post", "after", fits=_of("CEB509Message")),
}
# All of them dealt out to a few trucks, each in an order that holds however fast receipts come: what dies at its second
# or third reading may have done by then what others do after the first.
TOURS: dict[str, tuple[str, ...]] = {
    "until all is sent": tuple(POINTS)[: 1 + list(POINTS).index("603 claimed, before the post")],
    "after the first receipts": (
        "receipts read, not settled", "607 stored, its parcels not", "607 claimed, before the post",
        "507 claimed, before the post", "Hong Kong bundling claimed", "509 posted",
    ),
    "Hong Kong": (
        "603 posted, perhaps not settled", "raw receipts kept, not read", "Hong Kong lodging stored",
        "Hong Kong lodging claimed", "Hong Kong bundling posted",
    ),
    "in the receipts": ("receipts settled at once, before the commit",),
    "after the receipts": ("receipts settled, nothing told",),
    "before the parcels": ("receipts settled, parcels not",),
    "at any commit": COMMITS,
}  # fmt: skip
APPLICATIONS, SETTLING = "adapters.ledger.applications", "tasks.applications.settling"
# Of a truck of which two parcels are cancelled, and one of them is declared anew.
CANCELS: dict[str, Point] = {
    "asked, before the commit": Point(f"{APPLICATIONS}:add", "after", fits=_some),
    "asked, not approved": Point("tasks.applications.asking:ask", "after", nth=2),
    "605 made, not yet stored": Point(f"{PREPARING}:add_messages", "before", fits=_adds("CEB605Message")),
    "605 stored, the applications do not say so": Point(f"{APPLICATIONS}:prepared", "before"),
    "605 stored, before the commit": Point(f"{APPLICATIONS}:prepared", "after"),
    "605 claimed, before the post": Point(f"{SUBMIT}:post", "before", fits=_of("CEB605Message")),
    "605 posted, perhaps not settled": Point(f"{SUBMIT}:post", "after", fits=_of("CEB605Message")),
    "granted, before the commit": Point(f"{SETTLING}:_grant", "after"),
    "granted, not yet declared anew": Point("tasks.applications.sending:intake.work_up", "before"),
    "worked up, not yet ready anew": Point("tasks.applications.sending:parcels.set_parcel_states", "before"),
}


CLEARING = "tasks.clearing"
IMPORT_POINTS: dict[str, Point] = {
    "books reserved, before the commit": Point(f"{CLEARING}.declaring:reserve", "after"),
    "books reserved, import not yet stored": Point(f"{PREPARING}:add_messages", "before", fits=_adds("CEB621Message")),
    "import stored, before the commit": Point(f"{PREPARING}:add_messages", "after", fits=_adds("CEB621Message")),
    "621 claimed, before the post": Point(f"{SUBMIT}:post", "before", fits=_of("CEB621Message")),
    "621 posted, perhaps not settled": Point(f"{SUBMIT}:post", "after", fits=_of("CEB621Message")),
    "711 stored, its parcels not": Point(f"{PREPARING}:add_messages", "after", fits=_adds("CEB711Message")),
    "711 claimed, before the post": Point(f"{SUBMIT}:post", "before", fits=_of("CEB711Message")),
    "books taken, parcels not": Point(f"{CLEARING}.settling:imports.settle", "after", fits=_some),
    "tax bills kept, not settled": Point(f"{READING}:bills.keep", "after", fits=_some),
    "guarantee settled, before the commit": Point(f"{CLEARING}.billing:settle_bills", "after"),
    "tax bills settled, before the commit": Point(f"{CLEARING}.settling:billing.settle", "after", fits=_some),
    "513 posted": Point(f"{SUBMIT}:post", "after", fits=_of("CEB513Message")),
}
POINTS_OF_ALL = POINTS | CANCELS | IMPORT_POINTS


def die() -> None:
    """As a power cut would end it: no handler runs, nothing is flushed."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(name: str, here: Office) -> None:
    """Set the kill point: a name of POINTS, "commit:N" / "committed:N" (before, after the Nth), or "time:SECONDS"."""
    kind, _, number = name.partition(":")
    if kind in ("commit", "committed"):
        _at_commit(here, int(number), kind == "committed")
    elif kind == "time":
        threading.Timer(float(number) * random.random(), die).start()
    elif name:
        _patch(POINTS_OF_ALL[name])


def place(point: Point) -> tuple[Any, str]:
    """What holds the function and its name there; AttributeError where the product has no such function (any more)."""
    module, _, path = point.at.partition(":")
    *holders, attribute = path.split(".")
    holder: Any = importlib.import_module(module)
    for part in holders:
        holder = getattr(holder, part)
    getattr(holder, attribute)
    return holder, attribute


def _patch(point: Point) -> None:
    holder, attribute = place(point)
    original, seen = getattr(holder, attribute), [0]

    def count(args: tuple[Any, ...], result: Any) -> None:
        if point.fits(args, result):
            seen[0] += 1
            if seen[0] == point.nth:
                die()

    def patched(*args: Any, **kwargs: Any) -> Any:
        if point.when == "before":
            count(args, None)
        result = original(*args, **kwargs)
        if point.when == "after":
            count(args, result)
        return result

    setattr(holder, attribute, patched)


def _at_commit(here: Office, nth: int, after: bool) -> None:
    """Die at the Nth commit that wrote something: just before it, or at the first look at the ledger after it."""
    seen = [0]

    @event.listens_for(here.ledger.engine, "commit")
    def _count(connection: Any) -> None:
        seen[0] += 1
        if seen[0] == nth and not after:
            die()

    @event.listens_for(here.ledger.engine, "begin")
    def _next(connection: Any) -> None:
        if after and seen[0] >= nth:
            die()
