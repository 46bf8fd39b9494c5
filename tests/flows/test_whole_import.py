"""A whole import through the customs sandbox: what the dry run expects happens, and both sides' books say the same."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters import home as homes
from adapters.ledger import messages
from deployments import money
from deployments.demo_import import MadeImport, make_import
from deployments.demo_import_books import GUARANTEE, guarantor
from deployments.demo_import_flaws import demo_import
from mappings.canonical.columns import SCALE
from tasks import dryrun
from tasks.clearing import billing
from tasks.clearing.redeclaring import redeclare
from tasks.imports import showing
from tests.chaos.sandboxes import Sandboxes
from tests.contract.conftest import postgres_url
from tests.flows.importing import CN, Import

pytestmark = pytest.mark.slow
PARCELS = 40
AT_CUSTOMS = {"rejected by customs": "rejected", "detained by customs": "detained"}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def ledger(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where the ledger is: in the home, or a schema of its own."""
    if request.param == "sqlite":
        yield ""
    else:
        yield from postgres_url()


@pytest.fixture
def customs(fresh: Sandboxes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandboxes]:
    """The sandboxes, with this process in a home of its own; what a test sets there is put back."""
    monkeypatch.setenv(homes.VARIABLE, str(tmp_path / "truck" / "home"))
    yield fresh
    fresh.call(CN, "DELETE", "/admin/settings")


def expected(made: MadeImport, folder: Path, home: Path) -> dict[str, str]:
    """What the dry run says of each order, and after that what the sandbox does at a marked number."""
    batch = dryrun.dry_run(folder, home).batch
    said = dict(zip(batch.parcels["order.order_no"], batch.parcels["parcel.state"], strict=True))
    ends = {order: "released" if state == "ready" else state for order, state in said.items()}
    return ends | {order: AT_CUSTOMS[kind] for order, kind in made.flaws.items() if kind in AT_CUSTOMS}


@pytest.mark.parametrize("regime", ["9610", "1210"])
def test_what_prepare_expects_is_what_happens_and_the_books_agree(
    customs: Sandboxes, tmp_path: Path, ledger: str, regime: str
) -> None:
    customs.call(CN, "PUT", "/admin/settings", {"tax": {"summed_after_days": 0}})
    made = demo_import(PARCELS, regime, seed=3)
    here = Import(tmp_path / "truck", customs, made, ledger)
    ends = expected(made, here.folder, tmp_path / "dry")
    assert set(ends.values()) == {"released", "held", "excluded", "rejected", "detained"}
    here.take_in()
    if regime == "9610":
        here.until(lambda at: at.state() == "awaiting_arrival")
        assert not here.standing().in_state("released"), "nothing is released before the goods are there (711)"
        here.arrive()
    declared = [o for o, s in ends.items() if s in ("released", "rejected", "detained")]
    released = [o for o, s in ends.items() if s == "released"]
    here.until(lambda at: len([b for b in here.bills() if b.status == "2"]) == len(released))
    closed = {o: "released" if s == "closed" else s for o, s in here.states().items()}
    assert closed == ends
    assert here.standing().state() == "released", "a rejected and a detained parcel wait for a person"

    assert len(customs.received(CN, type="CEB621Message")) == len(declared)
    assert len(customs.received(CN, type="CEB711Message")) == (1 if regime == "9610" else 0)
    signed = [o for o, kind in made.flaws.items() if kind == "delivered"]
    here.until(lambda at: {d.state for d in at.documents["CEB513Message"].values()} == {"stored"})
    assert len(customs.received(CN, type="CEB513Message")) == len(signed)

    same_books(here, released)
    assert here.audit() == []
    assert customs.second_receipts()[CN] == 0
    here.office.ledger.close()


def same_books(here: Import, released: list[str]) -> None:
    """Our books say what the sandbox's say; the tax bills are what we computed."""
    ours = here.bills()
    assert sorted(row.order_no for row in ours) == sorted(released)
    assert "TAX-006" not in {code for _, code in here.faults()}
    billed = Decimal(sum(billing.amount(row) for row in ours)) / SCALE
    code = guarantor(here.made)
    held = Decimal(showing.guarantee(here.office.ledger, code)[0]["reserved"][0])
    assert here.our_guarantee() == Decimal(GUARANTEE) - billed - held
    money.top_up(
        here.office, code, str(billed), "payment of the summed bills", "test"
    )  # the sandbox takes them for paid
    assert here.our_guarantee() == here.theirs("guarantee")[code]
    assert sorted(here.our_quota().values()) == here.their_quota()
    book = here.standing().truck.ems_no
    stock = {key.split("|")[1]: n for key, n in here.theirs("stock").items() if book and key.startswith(book)}
    assert here.our_stock() == stock
    assert bool(stock) == bool(book)


def test_what_the_guarantee_does_not_cover_waits_and_goes_on_after_a_top_up(customs: Sandboxes, tmp_path: Path) -> None:
    made = make_import(6, "9610", seed=5)
    here = Import(tmp_path / "truck", customs, made, opened=False)
    here.take_in()
    here.until(lambda at: len(at.in_state("held")) == 6)
    assert {code for _, code in here.faults()} == {"GUA-002"}, "nobody opened it"
    assert messages.documents(here.office.ledger, here.id) == []

    taxes = sorted(o["fen"]["taxes"] for o in made.orders)
    first = Decimal(made.orders[0]["fen"]["taxes"]) / 100
    assert money.top_up(here.office, guarantor(made), str(first), "letter 1", "test") == (True, [here.id])
    here.until(lambda at: at.in_state("declared", "stored") and len(at.in_state("held")) == 5)
    assert {code for _, code in here.faults()} == {"GUA-001"}
    assert here.our_guarantee() == 0
    told = here.faults()
    here.round()
    assert here.faults() == told, "without more room nothing is tried again"

    money.top_up(here.office, guarantor(made), str(Decimal(sum(taxes)) / 100), "letter 2", "test")
    here.until(lambda at: at.state() == "awaiting_arrival")
    assert here.faults() == set()
    here.arrive()
    here.until(lambda at: at.state() == "closed")
    assert set(here.states().values()) <= {"released", "closed"}
    assert here.our_guarantee() == first
    assert here.audit() == []
    here.office.ledger.close()


def test_a_rejection_gives_back_and_the_next_attempt_reserves_anew(customs: Sandboxes, tmp_path: Path) -> None:
    made = make_import(3, "9610", seed=6)
    here = Import(tmp_path / "truck", customs, made)
    order = made.orders[1]["orderNo"]
    rule: dict[str, Any] = {"match": {"type": "CEB621Message", "order_no": order}, "action": "reject", "code": "1300"}
    customs.behave(CN, rule | {"times": 1})
    here.take_in()
    here.until(lambda at: at.in_state("rejected") and len(at.in_state("stored")) == 2)
    others = sum(o["fen"]["taxes"] for o in made.orders if o["orderNo"] != order)
    assert here.our_guarantee() == Decimal(GUARANTEE) - Decimal(others) / 100

    assert redeclare(here.office, here.id).orders == [order]
    here.until(lambda at: at.state() == "awaiting_arrival" and len(at.in_state("stored")) == 3)
    assert here.our_guarantee() == Decimal(GUARANTEE) - Decimal(sum(o["fen"]["taxes"] for o in made.orders)) / 100
    assert here.our_guarantee() == here.theirs("guarantee")[guarantor(made)]
    assert here.audit() == []
    here.office.ledger.close()
