"""Two verdicts on one application: the first given counts, in whatever order they are heard; and so for the books."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest

from adapters.ledger import applications, audit, messages, shipments
from adapters.ledger.books import accounts, reading
from deployments.demo_import import make_import
from mappings import clock
from tasks.applications import asking, sending
from tasks.applications.wanted import of_records
from tasks.clearing.standing import parcel_claims
from tests.unit.applications import approve, hear, numbered, push
from tests.unit.customs import IDENTITIES, receipt, stamp
from tests.unit.desk import Desk
from tests.unit.imports import deliver_made

INVENTORY, CANCEL, RETURN = "CEB621Message", "CEB623Message", "CEB625Message"
MADE = make_import(2, "1210", seed=9)
Told = tuple[str, str, int]  # message type of the document, status, minutes


@pytest.fixture
def desk(desk: Desk, tmp_path: Path) -> Desk:
    """A desk with a declared bonded batch of two parcels, its books open."""
    deliver_made(desk, MADE, tmp_path)
    shipments.approve(desk.ledger, desk.id, "tester")
    desk.prepare("declare")
    for kind in desk.standing().procedure.supporting:
        desk.said(kind, "stored")
    numbered(desk, kind=INVENTORY)
    return desk


def tell(desk: Desk, kind: str, status: str, minutes: int) -> None:
    """A receipt of customs: about the first parcel's inventory, or about what was asked for."""
    if kind != INVENTORY:
        hear(desk, kind, status, minutes=minutes)
        return
    key = next(d.business_key for d in messages.documents(desk.ledger, desk.id, type=kind) if d.parcel_seq == 1)
    row = dict(zip(("agentCode", "copNo"), key.split("|"), strict=True))
    row |= {"returnStatus": status, "returnInfo": "", "guid": IDENTITIES.guid(),
            "returnTime": stamp(clock.now() + timedelta(minutes=minutes))}  # fmt: skip
    push(desk, receipt("CEB622Message", [row]), "CEB622Message")


def ask(desk: Desk, kind: str, quantity: str = "") -> None:
    """Asked, approved and sent."""
    record = {"order_no": desk.orders()[0], **({"gnum": 1, "quantity": quantity} if quantity else {})}
    reason = "buyer_cancel" if kind == "cancel" else "buyer_return"
    asked = asking.ask(desk.office, desk.id, kind, of_records([record], reason), "tester")
    assert asked.faults.empty, asked.faults[["code", "value"]]
    approve(desk, asked)
    assert sending.prepare(desk.office, desk.id) == 1
    desk.sent()
    desk.settle()


def books(desk: Desk) -> list[tuple[str, int, int]]:
    """Every account that the truck touches: what of it is reserved and taken."""
    with desk.ledger.read() as tx:
        assert accounts.unbalanced(tx) == []
    return [(a.key.book + a.key.item, a.reserved, a.taken) for book in ("quota", "guarantee", "stock")
            for a in reading.balances(desk.ledger, book) if a.reserved or a.taken]  # fmt: skip


def ends(desk: Desk) -> tuple[object, ...]:
    (row,) = applications.listing(desk.ledger, desk.id)
    return desk.parcel(1)[0], row.state, books(desk)


RELEASED: Told = (INVENTORY, "800", 20)
CANCELS: list[tuple[list[Told], str, str, bool]] = [
    ([(CANCEL, "399", 10), (CANCEL, "100", 5), RELEASED], "refused", "released", True),
    ([(CANCEL, "399", 5), (CANCEL, "100", 10)], "granted", "cancelled", False),
    ([(CANCEL, "399", 10), (CANCEL, "100", 5), (CANCEL, "2", 1)], "refused", "stored", True),
]


@pytest.mark.parametrize("order", range(6))
@pytest.mark.parametrize(("told", "verdict", "state", "held"), CANCELS)
def test_a_cancel_ends_as_the_first_verdict_says(
    desk: Desk, told: list[Told], verdict: str, state: str, held: bool, order: int
) -> None:
    tell(desk, INVENTORY, "120", 1)
    before = books(desk)
    ask(desk, "cancel")
    orders = list(permutations(told))
    for one in orders[order % len(orders)]:
        tell(desk, *one)
    parcel, application, after = ends(desk)
    assert (parcel, application) == (state, verdict)
    if held and state == "stored":
        assert after == before
    elif not held:
        assert sum(r + t for _, r, t in after) < sum(r + t for _, r, t in before), "the first parcel's went back"
        assert all(t == 0 for _, _, t in after)
    else:
        assert {(b, r + t) for b, r, t in after} == {(b, r + t) for b, r, t in before}, "all of it is held"
        assert any(t for b, _, t in after if b.startswith("quota"))
    assert {f.code for f in audit.audit(desk.ledger, parcel_claims())} == {"conflict"}


@pytest.mark.parametrize("quantity", ["", "1"], ids=["whole", "part"])
@pytest.mark.parametrize(("first", "verdict"), [("100", "refused"), ("399", "granted")])
def test_a_return_ends_as_the_first_verdict_says(desk: Desk, first: str, verdict: str, quantity: str) -> None:
    tell(desk, INVENTORY, "800", 2)
    before = books(desk)
    ask(desk, "return", quantity)
    second = {"100": "399", "399": "100"}[first]
    tell(desk, RETURN, second, 10)
    late = ends(desk)
    tell(desk, RETURN, first, 5)
    state, application, after = ends(desk)
    assert application == verdict
    assert late[1] != verdict, "until the earlier verdict was heard"
    if verdict == "refused":
        assert (state, after) == ("released", before)
    else:
        assert state == ("partly_returned" if quantity else "returned")
        assert after != before
    desk.settle()
    assert ends(desk) == (state, application, after), "settled again, nothing moves"
