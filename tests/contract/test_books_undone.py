"""An application that gave back and is not granted after all: in every order the parcel holds what it held before."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import permutations

import pytest
import sqlalchemy as sa

from adapters.ledger import Ledger
from adapters.ledger.books import accounts, moving, reserving, restoring, supply
from adapters.ledger.books.accounts import Key
from adapters.ledger.books.moving import REST, TAKE
from adapters.ledger.books.reserving import SHORT, Want
from adapters.ledger.books.supply import Supply
from adapters.ledger.tables import book_entry
from tests.contract import ledger_cases as cases
from tests.contract.test_books import ANN, AT, BANK, TOYS, Three, balanced, ids, quota, state, three
from tests.long import LONG

__all__ = ["three"]
APPLICATION, BILL = "7", "T1"
PART = {("quota", ""): 20, ("guarantee", ""): 10, ("stock", "toys"): 1}


@dataclass
class World:
    """A parcel, what its documents and bills say by now, and the books brought to that, as settling a shipment does."""

    ledger: Ledger
    shipment: int
    parcel: int
    action: str = ""
    bills: list[str] = field(default_factory=list)

    def happens(self, event: str, part: bool) -> None:
        if event == "grant":
            amounts = {(self.parcel, *key): amount for key, amount in PART.items()} if part else None
            moving.give_back(self.ledger, [self.parcel], APPLICATION, amounts, AT)
        elif event == "undo":
            restoring.take_again(self.ledger, [self.parcel], APPLICATION, AT)
        elif event in ("bill", "void"):
            self.bills.append(event)
        elif self.action != REST:  # what was sent back is not released any more
            self.action = {"released": TAKE, "sent back": REST}[event]
        self.settle()
        self.settle()

    def settle(self) -> None:
        if self.action:
            moving.settle(self.ledger, self.shipment, {self.parcel: self.action}, ["quota", "stock"], AT)
        for bill in self.bills:
            if bill == "bill":
                moving.settle_bills(self.ledger, "guarantee", {self.parcel: (BILL, 28)}, AT)
            else:
                moving.void(self.ledger, "guarantee", self.parcel, BILL, AT)

    def holds(self) -> list[tuple[int, int]]:
        """Reserved and taken of guarantee, quota, stock."""
        with self.ledger.read() as tx:
            found = accounts.held(tx, parcels=[self.parcel])[self.parcel]
        return [(has.reserved, has.taken) for has in sorted(found.values())]


def after(ledger: Ledger, events: list[str], part: bool, number: int) -> list[tuple[int, int]]:
    """What a new parcel holds after these events."""
    shipment = cases.shipment(ledger, f"M{number}")
    parcel = ids(ledger, shipment)[0]
    wants = [quota(parcel, 60, Key("quota", f"p{number}", "2026")), Want(parcel, BANK, "CNY", 30),
             Want(parcel, TOYS, "H87", 3)]  # fmt: skip
    assert reserving.reserve(ledger, shipment, wants, AT) == []
    world = World(ledger, shipment, parcel)
    for event in events:
        world.happens(event, part)
        held = world.holds()
        world.happens(event, part) if event in ("grant", "undo") else world.settle()
        assert world.holds() == held, f"{event} a second time"
    return world.holds()


def stocked(ledger: Ledger) -> None:
    supply.add(ledger, [Supply(BANK, "CNY", 10**6, "letter"), Supply(TOYS, "H87", 10**6, "in")], "amy", AT)


@pytest.mark.parametrize("part", [pytest.param(False, marks=LONG), True], ids=["all", "part"])
@pytest.mark.parametrize(
    "others",
    [("released", "bill", "void"), pytest.param(("released", "sent back", "bill"), marks=LONG)],
    ids=["bill void", "sent back"],
)
def test_undone_in_any_order_is_as_never_granted(ledger: Ledger, others: tuple[str, ...], part: bool) -> None:
    stocked(ledger)
    tried, never = 0, {}
    for order in permutations((*others, "grant", "undo")):
        if order.index("undo") < order.index("grant"):
            continue
        plain = tuple(event for event in order if event in others)
        if plain not in never:
            never[plain] = after(ledger, list(plain), part, 1000 + len(never))
        assert after(ledger, list(order), part, tried) == never[plain], order
        tried += 1
    assert tried == 60
    balanced(ledger)


@pytest.mark.parametrize("part", [False, True], ids=["all", "part"])
def test_granted_undone_and_granted_again_is_granted_once(ledger: Ledger, part: bool) -> None:
    stocked(ledger)
    once = after(ledger, ["released", "grant"], part, 1)
    assert once == ([(20, 0), (0, 40), (0, 2)] if part else [(0, 0)] * 3)
    assert after(ledger, ["released", "grant", "undo", "grant"], part, 2) == once
    none = after(ledger, ["released"], part, 3)
    assert after(ledger, ["released", "grant", "undo", "grant", "undo"], part, 4) == none == [(30, 0), (0, 60), (0, 3)]


def test_the_room_that_another_parcel_took_meanwhile_is_counted_all_the_same(three: Three) -> None:
    """Customs holds both: the account shows that more is in use than there is, and the next parcel finds no room."""
    ledger, ident, (a, b, c) = three
    reserving.reserve(ledger, ident, [quota(a, 70)], AT)
    moving.give_back(ledger, [a], APPLICATION, None, AT)
    assert reserving.reserve(ledger, ident, [quota(b, 80)], AT) == []
    assert restoring.take_again(ledger, [a], APPLICATION, AT) == 1
    assert state(ledger, ANN) == (0, 150, 0)
    assert [r.reason for r in reserving.reserve(ledger, ident, [quota(c, 1)], AT)] == [SHORT]


def test_a_parcel_that_was_declared_anew_holds_what_its_new_declaration_needs(three: Three) -> None:
    ledger, ident, (a, _, _) = three
    reserving.reserve(ledger, ident, [quota(a, 70)], AT)
    moving.give_back(ledger, [a], APPLICATION, None, AT)
    reserving.reserve(ledger, ident, [quota(a, 50)], AT)
    restoring.take_again(ledger, [a], APPLICATION, AT)
    assert state(ledger, ANN) == (0, 50, 0)


def test_an_application_that_gave_nothing_back_takes_nothing_again(three: Three) -> None:
    ledger, ident, (a, _, _) = three
    reserving.reserve(ledger, ident, [quota(a, 70)], AT)
    moving.give_back(ledger, [a], "70", None, AT)
    assert restoring.take_again(ledger, [a], APPLICATION, AT) == 0, "70 is another application than 7"
    with ledger.read() as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(book_entry)).scalar_one() == 2
