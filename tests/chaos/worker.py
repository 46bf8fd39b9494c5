"""A worker as a process of its own: it drives one truck by the steps of clear-shipment until it is closed.

The test names a kill point (points.py); the product's functions are patched inside this process alone, so that it
kills itself there. Nothing in the product knows of it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests

from adapters import home as homes
from adapters.ledger import applications, bills, events, shipments
from mappings import clock
from mappings.errors import AuthorityUnavailable
from tasks import stages
from tasks.applications import asking, sending
from tasks.applications.wanted import of_text
from tasks.clearing import hearing, intake, settling, steps
from tasks.clearing.standing import Standing, procedure_of
from tasks.office import Office, office
from tests.chaos import points

HAPPENS = {"awaiting_arrival": "arrived", "awaiting_departure": "departed"}
HAPPENS_AT = "awaiting_arrival"
UNSETTLED = {"prepared", "claimed", "unknown", "sent", "saved", "accepted", "at_customs", "received", "lodged"}
PAUSE = 0.04


@dataclass(frozen=True)
class Order:
    """What a worker is told to do; `until` is the shipment's state in which it stops."""

    home: str
    clock: str
    folder: str
    point: str = ""
    until: tuple[str, ...] = ("closed",)
    seconds: float = 180.0
    approve: bool = True
    rounds: int = 100_000
    billed: int | None = None  # of an import: how many summed tax bills it waits for
    cancels: tuple[str, ...] = ()  # orders whose cancel is asked for once all are listed; the last is declared anew
    hears_all: bool = True  # at the end, wait until something final is known of every document


class NotDone(Exception):
    """The truck did not get there in time."""


def work(order: Order) -> None:
    """Take the folder in and drive its truck. Raises NotDone."""
    os.environ[clock.VARIABLE], os.environ[homes.VARIABLE] = order.clock, order.home
    here = office()
    points.arm(order.point, here)
    ident = intake.receive_files(here, intake.folder_files(Path(order.folder)), "", "chaos").shipment_id
    started, standing = time.monotonic(), None
    for _ in range(order.rounds):
        if time.monotonic() - started > order.seconds:
            raise NotDone(f"{standing.shipment.state if standing else 'busy'} after {order.seconds} s")
        with stages.alone(ident) as alone:
            standing = one_round(here, ident, order.approve, order.cancels) if alone else None
        if standing is not None and done(standing, order) and settled(here, ident, standing, order):
            return
        time.sleep(PAUSE)


def done(standing: Standing, order: Order) -> bool:
    """Whether the truck is where it was to go, and, at its end, nothing more is to be heard of any document."""
    if standing.shipment.state not in order.until:
        return False
    states = {d.state for of_type in standing.documents.values() for d in of_type.values()}
    return standing.shipment.state != "closed" or not order.hears_all or not states & UNSETTLED


def settled(here: Office, ident: int, standing: Standing, order: Order) -> bool:
    """Of an import: whether its tax bills are summed, and customs has closed all that it let go."""
    if order.billed is None:
        return True
    summed = sum(row.state == "summed" for row in bills.of_shipment(here.ledger, ident))
    return summed >= order.billed and not standing.in_state("released")


def one_round(here: Office, ident: int, approve: bool = True, cancels: tuple[str, ...] = ()) -> Standing:
    """One run of the flow: as far as the truck can go now, whatever an authority does."""
    intake.work_up(here, ident)
    if approve:
        shipments.approve(here.ledger, ident, "chaos")
    attempt(hearing.find_out, here, ident)
    attempt(hearing.hear, here)
    take_all(here, ident)
    standing = settling.settle_shipment(here, ident)
    if cancels and standing.shipment.state == HAPPENS_AT and standing.on("list") == standing.parcels.keys():
        standing = cancel(here, ident, cancels)
    world(here, standing)
    return standing


def cancel(here: Office, ident: int, orders: tuple[str, ...]) -> Standing:
    """A person asks for the cancel of these orders: the same wish each time, so that it is asked for once."""
    ids: list[int] = []
    for order in orders:
        wanted = of_text(order, "damaged", request=f"cancel {order}")
        ids += asking.ask(here, ident, "cancel", wanted, "chaos", after="again" if order == orders[-1] else "").ids
    applications.approve(here.ledger, ids, "chaos")
    return settling.settle_shipment(here, ident)


def take_all(here: Office, ident: int) -> None:
    """What the flow takes in one run: applications, then the steps of the procedure."""
    attempt(sending.take, here, ident)
    for step in procedure_of(here.ledger, ident).steps:
        attempt(steps.take, here, ident, step.name)


def attempt(act: Callable[..., object], *args: object) -> None:
    """Do something that the next round will do again where the authority could not be reached."""
    try:
        act(*args)
    except AuthorityUnavailable:
        time.sleep(PAUSE)


def world(here: Office, standing: Standing) -> None:
    """What yard and road do when the truck's state lets them."""
    state = standing.shipment.state
    if state in HAPPENS:
        events.record(here.ledger, standing.id, HAPPENS[state], clock.now(), "yard", once=True)
    if state == "awaiting_crossing":
        drive(here, standing.id, standing.truck.hk_plate)


def drive(here: Office, shipment_id: int, plate: str) -> None:
    """The truck with this plate in Hong Kong tries the bridge; where it gets over, that is told."""
    if cross(here, plate):
        events.record(here.ledger, shipment_id, "crossed", clock.now(), "road", once=True)


def cross(here: Office, plate: str) -> bool:
    """Drive over the bridge, if Hong Kong lets the truck go."""
    url = here.home.authorities["hk_road"]
    moved = []
    for kind in ("at_control_point", "crossed"):
        try:
            moved.append(requests.post(f"{url}/admin/events", json={"vehicle": plate, "kind": kind}, timeout=30).ok)
        except requests.RequestException:
            return False
    return moved[-1]
