"""The books' machine on both databases: sums, limits, order, repetition, concurrency, and what is refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.ledger import Ledger
from adapters.ledger.books import accounts, moving, reading, reserving, supply
from adapters.ledger.books.accounts import Account, Key
from adapters.ledger.books.moving import GIVE_BACK, REST, TAKE, Cut
from adapters.ledger.books.reserving import SHORT, UNIT, UNOPENED, Refusal, Want
from adapters.ledger.books.supply import Supply
from adapters.ledger.tables import book_entry, metadata, parcel
from mappings.errors import DataFault
from tests.contract import ledger_cases as cases

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
LIMIT = 100
ANN, BOB = Key("quota", "ann", "2026"), Key("quota", "bob", "2026")
BANK, TOYS = Key("guarantee", "bank"), Key("stock", "EMS", "toys")


def ids(ledger: Ledger, shipment: int) -> list[int]:
    with ledger.read() as tx:
        query = sa.select(parcel.c.id).where(parcel.c.shipment_id == shipment).order_by(parcel.c.seq)
        return list(tx.execute(query).scalars())


def quota(parcel_id: int, amount: int, key: Key = ANN) -> Want:
    return Want(parcel_id, key, "CNY", amount, LIMIT)


def state(ledger: Ledger, key: Key) -> tuple[int, int, int]:
    """Total, reserved and taken of an account."""
    found = reading.balances(ledger, *key)
    return (found[0].total, found[0].reserved, found[0].taken) if found else (0, 0, 0)


def count(ledger: Ledger) -> int:
    with ledger.read() as tx:
        return int(tx.execute(sa.select(sa.func.count()).select_from(book_entry)).scalar_one())


def balanced(ledger: Ledger) -> None:
    with ledger.read() as tx:
        assert accounts.unbalanced(tx) == []


@pytest.fixture
def three(ledger: Ledger) -> Iterator[tuple[Ledger, int, list[int]]]:
    """A ledger with a shipment of three parcels; afterwards every account is the sum of its entries."""
    ident = cases.shipment(ledger)
    yield ledger, ident, ids(ledger, ident)
    balanced(ledger)


Three = tuple[Ledger, int, list[int]]


def test_parcels_of_one_buyer_count_in_order(three: Three) -> None:
    ledger, ident, (a, b, c) = three
    refused = reserving.reserve(ledger, ident, [quota(a, 60), quota(b, 41), quota(c, 40)], AT)
    assert refused == [Refusal(b, ANN, SHORT, 41, 60, LIMIT, "CNY")], "the one that is too much waits, a later one fits"
    assert state(ledger, ANN) == (0, 100, 0)


def test_a_repeated_call_changes_nothing(three: Three) -> None:
    ledger, ident, (a, b, _) = three
    for _ in range(3):
        assert reserving.reserve(ledger, ident, [quota(a, 60), quota(b, 40, BOB)], AT) == []
    assert count(ledger) == 2
    for _ in range(2):
        moving.settle(ledger, ident, {a: TAKE, b: TAKE}, ["quota"], AT)
    assert count(ledger) == 4
    assert reserving.reserve(ledger, ident, [quota(a, 60)], AT) == []
    assert moving.settle(ledger, ident, {a: TAKE, b: "keep"}, ["quota"], AT) == {}
    assert count(ledger) == 4
    assert (state(ledger, ANN), state(ledger, BOB)) == ((0, 0, 60), (0, 0, 40))


def test_a_parcel_gets_all_of_its_books_or_nothing(three: Three) -> None:
    ledger, ident, (a, b, c) = three
    supply.add(ledger, [Supply(BANK, "CNY", 50, "letter 1"), Supply(TOYS, "H87", 3, "in 1")], "amy", AT)
    wants = [
        quota(a, 10), Want(a, BANK, "CNY", 30), Want(a, TOYS, "H87", 1), Want(a, TOYS, "H87", 1),
        quota(b, 10), Want(b, BANK, "CNY", 30), Want(b, TOYS, "H87", 1),
        quota(c, 10), Want(c, BANK, "CNY", 20), Want(c, TOYS, "H87", 1),
    ]  # fmt: skip
    assert reserving.reserve(ledger, ident, wants, AT) == [Refusal(b, BANK, SHORT, 30, 30, 50, "CNY")]
    assert (state(ledger, ANN), state(ledger, BANK), state(ledger, TOYS)) == ((0, 20, 0), (50, 50, 0), (3, 3, 0))
    assert supply.add(ledger, [Supply(BANK, "CNY", 30, "letter 2")], "amy", AT) == 1
    assert reserving.reserve(ledger, ident, wants, AT) == [Refusal(b, TOYS, SHORT, 1, 3, 3, "H87")]
    assert state(ledger, BANK) == (80, 50, 0)


def test_what_was_never_opened_or_counts_otherwise_is_refused(three: Three) -> None:
    ledger, ident, (a, b, c) = three
    supply.add(ledger, [Supply(TOYS, "H87", 3, "in 1")], "amy", AT)
    wants = [Want(a, BANK, "CNY", 5), Want(b, TOYS, "KGM", 1), Want(c, TOYS, "H87", 1), Want(c, TOYS, "KGM", 1)]
    refused = reserving.reserve(ledger, ident, wants, AT)
    assert refused == [
        Refusal(a, BANK, UNOPENED, 5, 0, 0, "CNY"), Refusal(b, TOYS, UNIT, 1, 0, 3, "H87"),
        Refusal(c, TOYS, UNIT, 2, 0, 3, "H87"),
    ]  # fmt: skip
    assert count(ledger) == 1


def test_what_is_given_back_can_be_reserved_anew(three: Three) -> None:
    ledger, ident, (a, b, _) = three
    for _ in range(2):
        assert reserving.reserve(ledger, ident, [quota(a, 80)], AT) == []
        assert reserving.reserve(ledger, ident, [quota(b, 30)], AT) == [Refusal(b, ANN, SHORT, 30, 80, LIMIT, "CNY")]
        assert moving.settle(ledger, ident, {a: GIVE_BACK}, ["quota"], AT) == {"freed": 1}
        assert moving.settle(ledger, ident, {a: GIVE_BACK}, ["quota"], AT) == {}
        assert state(ledger, ANN) == (0, 0, 0)
    (account,) = reading.balances(ledger, "quota")
    assert [line.kind for line in reading.entries(ledger, account.id)] == ["reserved", "freed"] * 2
    assert {line.order_no for line in reading.entries(ledger, account.id)} == {"o1"}


def test_a_parcel_that_changes_gives_back_first(three: Three) -> None:
    ledger, ident, (a, _, _) = three
    assert reserving.reserve(ledger, ident, [quota(a, 80)], AT) == []
    assert reserving.reserve(ledger, ident, [quota(a, 90)], AT) == []
    assert state(ledger, ANN) == (0, 90, 0)
    assert reserving.reserve(ledger, ident, [quota(a, 30, BOB)], AT) == []
    assert (state(ledger, ANN), state(ledger, BOB)) == ((0, 0, 0), (0, 30, 0))
    assert reserving.reserve(ledger, ident, [quota(a, 101, BOB)], AT)[0].used == 0
    assert state(ledger, BOB) == (0, 0, 0), "what no longer holds is not kept"


def test_order_counts_even_where_a_later_parcel_gives_back(three: Three) -> None:
    ledger, ident, (a, b, _) = three
    reserving.reserve(ledger, ident, [quota(b, 60)], AT)
    for _ in range(2):
        assert reserving.reserve(ledger, ident, [quota(a, 50), quota(b, 50)], AT) == []
        assert reserving.reserve(ledger, ident, [quota(a, 50), quota(b, 50)], AT) == []
    assert state(ledger, ANN) == (0, 100, 0)


def test_nothing_is_entered_for_a_want_of_nothing(three: Three) -> None:
    ledger, ident, (a, _, _) = three
    assert reserving.reserve(ledger, ident, [quota(a, 0)], AT) == []
    assert count(ledger) == 0


def test_a_guarantee_waits_for_its_bill(three: Three) -> None:
    ledger, ident, (a, b, c) = three
    supply.add(ledger, [Supply(BANK, "CNY", 100, "letter")], "amy", AT)
    reserving.reserve(ledger, ident, [Want(n, BANK, "CNY", 30) for n in (a, b)], AT)
    assert moving.settle(ledger, ident, {a: TAKE, b: TAKE}, ["quota", "stock"], AT) == {}
    for _ in range(2):
        bills = {a: ("T1", 28), b: ("T2", 33), c: ("T3", 5)}
        assert moving.settle_bills(ledger, "guarantee", bills, AT) == [c], "nothing is known of the third"
        assert state(ledger, BANK) == (100, 0, 61)
    assert [moving.void(ledger, "guarantee", b, "T2", AT) for _ in range(2)] == [33, 0]
    assert state(ledger, BANK) == (100, 0, 28)
    assert moving.settle_bills(ledger, "guarantee", {b: ("T4", 31)}, AT) == []
    assert state(ledger, BANK) == (100, 0, 59)


def test_a_void_bill_frees_a_reservation(three: Three) -> None:
    ledger, ident, (a, _, _) = three
    supply.add(ledger, [Supply(BANK, "CNY", 100, "letter")], "amy", AT)
    reserving.reserve(ledger, ident, [Want(a, BANK, "CNY", 30)], AT)
    assert moving.void(ledger, "guarantee", a, "T1", AT) == 30
    assert state(ledger, BANK) == (100, 0, 0)


def test_an_application_gives_back_once_and_never_more_than_there_is(three: Three) -> None:
    ledger, ident, (a, b, _) = three
    supply.add(ledger, [Supply(TOYS, "H87", 9, "in")], "amy", AT)
    reserving.reserve(ledger, ident, [quota(a, 60), Want(a, TOYS, "H87", 3), quota(b, 20)], AT)
    moving.settle(ledger, ident, {a: TAKE}, ["quota", "stock"], AT)
    part = {(a, "quota", ""): 20, (a, "stock", "toys"): 1}
    for _ in range(2):
        assert moving.give_back(ledger, [a], "return 1", part, AT) == []
        assert (state(ledger, ANN), state(ledger, TOYS)) == ((0, 20, 40), (9, 0, 2))
    much = {(a, "quota", ""): 50, (b, "guarantee", ""): 7}
    cuts = moving.give_back(ledger, [a, b], "return 2", much, AT)
    assert cuts == [Cut(a, ANN, 50, 40), Cut(b, Key("guarantee", "", ""), 7, 0)]
    assert state(ledger, ANN) == (0, 20, 0)
    assert moving.settle(ledger, ident, {a: REST}, ["quota"], AT) == {}, "the application has said how much"
    assert state(ledger, TOYS) == (9, 0, 2)


def test_without_an_application_the_state_gives_back_all(three: Three) -> None:
    ledger, ident, (a, b, _) = three
    reserving.reserve(ledger, ident, [quota(a, 60), quota(b, 20, BOB)], AT)
    moving.settle(ledger, ident, {a: TAKE}, ["quota"], AT)
    assert moving.settle(ledger, ident, {a: REST}, ["quota"], AT) == {"returned": 1}
    assert moving.give_back(ledger, [b], "cancel 1", None, AT) == []
    assert (state(ledger, ANN), state(ledger, BOB)) == ((0, 0, 0), (0, 0, 0))


def test_supplies_count_once_and_adjustments_leave_what_parcels_hold(three: Three) -> None:
    ledger, ident, (a, _, _) = three
    rows = [Supply(TOYS, "H87", 5, "row 1"), Supply(TOYS, "H87", 5, "row 2")]
    assert [supply.add(ledger, rows, "amy", AT) for _ in range(2)] == [2, 0]
    reserving.reserve(ledger, ident, [Want(a, TOYS, "H87", 8)], AT)
    with pytest.raises(DataFault, match=r"only 0\.00002 is free"):
        supply.adjust(ledger, [Supply(TOYS, "H87", -3, "stocktake")], "amy", AT)
    assert [supply.adjust(ledger, [Supply(TOYS, "H87", -2, "stocktake")], "amy", AT) for _ in range(2)] == [1, 0]
    assert state(ledger, TOYS) == (8, 8, 0)
    with pytest.raises(DataFault, match="counted in H87"):
        supply.add(ledger, [Supply(TOYS, "KGM", 5, "row 3")], "amy", AT)


def test_two_workers_and_one_buyer_never_pass_the_limit(ledger: Ledger) -> None:
    """Eight trucks want 30 each of the same 100, at once, in one round after the other."""
    trucks = [cases.shipment(ledger, f"M{n}", [f"o{n}"]) for n in range(8)]
    parcels = [ids(ledger, truck)[0] for truck in trucks]
    start = threading.Barrier(len(trucks))

    def declare(n: int) -> bool:
        start.wait()
        return not reserving.reserve(ledger, trucks[n], [quota(parcels[n], 30), quota(parcels[n], 1, BOB)], AT)

    with ThreadPoolExecutor(len(trucks)) as pool:
        for _ in range(2):
            got = list(pool.map(declare, range(len(trucks))))
            assert got.count(True) == 3
            assert (state(ledger, ANN), state(ledger, BOB)) == ((0, 90, 0), (0, 3, 0))
            balanced(ledger)


def test_trucks_with_the_same_buyers_in_any_order_never_wait_for_each_other_in_a_ring(ledger: Ledger) -> None:
    """Six trucks open the same twenty accounts at once, each in its own order, and share a guarantee and an item."""
    supply.add(ledger, [Supply(BANK, "CNY", 100, "letter"), Supply(TOYS, "H87", 45, "in")], "amy", AT)
    keys = [Key("quota", f"buyer {n}", "2026") for n in range(20)]
    trucks = [cases.shipment(ledger, f"M{n}", [f"o{n}-{i}" for i in range(20)]) for n in range(6)]
    start = threading.Barrier(len(trucks))

    def declare(n: int) -> int:
        mine = ids(ledger, trucks[n])
        turned = keys[n * 3 :] + keys[: n * 3]
        wants = [w for p, key in zip(mine, turned[:: (-1) ** n], strict=True)
                 for w in (quota(p, 30, key), Want(p, BANK, "CNY", 1), Want(p, TOYS, "H87", 1))]  # fmt: skip
        start.wait()
        refused = reserving.reserve(ledger, trucks[n], wants, AT)
        moving.settle(ledger, trucks[n], dict.fromkeys(mine, TAKE), ["quota", "stock"], AT)
        return len(mine) - len(refused)

    with ThreadPoolExecutor(len(trucks)) as pool:
        got = sum(pool.map(declare, range(len(trucks))))
    assert (got, state(ledger, TOYS), state(ledger, BANK)) == (45, (45, 0, 45), (100, 45, 0))
    assert max(a.taken for a in reading.balances(ledger, "quota")) <= 90
    balanced(ledger)


def test_the_same_truck_twice_at_once_reserves_once(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    wants = [quota(n, 30) for n in ids(ledger, ident)]
    supply.add(ledger, [Supply(TOYS, "H87", 5, "row 1")], "amy", AT)
    start = threading.Barrier(4)

    def declare(_: int) -> list[Refusal]:
        start.wait()
        return reserving.reserve(ledger, ident, wants, AT)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(declare, range(4))) == [[]] * 4
    assert state(ledger, ANN) == (0, 90, 0)
    balanced(ledger)


def test_a_rolled_back_transaction_leaves_nothing(three: Three) -> None:
    ledger, ident, (a, _, _) = three
    with pytest.raises(RuntimeError), ledger.begin() as tx:
        reserving.reserve(tx, ident, [quota(a, 60)], AT)
        raise RuntimeError
    assert (count(ledger), reading.balances(ledger, "quota")) == (0, [])


steps = st.one_of(
    st.tuples(st.just("reserve"), st.lists(st.tuples(st.integers(0, 2), st.integers(1, 70)), min_size=1, max_size=3)),
    st.tuples(st.sampled_from([TAKE, GIVE_BACK, REST]), st.lists(st.integers(0, 2), min_size=1, max_size=3)),
    st.tuples(st.just("back"), st.tuples(st.integers(0, 2), st.integers(1, 5), st.integers(1, 70))),
    st.tuples(st.just("bill"), st.tuples(st.integers(0, 2), st.integers(1, 3), st.integers(0, 70))),
    st.tuples(st.just("void"), st.tuples(st.integers(0, 2), st.integers(1, 3))),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(steps, max_size=12))
def test_after_any_operations_the_books_hold_together(ledger: Ledger, done: list[tuple[str, object]]) -> None:
    """No limit is passed, no account negative, each the sum of its entries; the same step again changes nothing."""
    with ledger.begin() as tx:
        for table in reversed(metadata.sorted_tables):
            tx.execute(table.delete())
    ident = cases.shipment(ledger)
    mine = ids(ledger, ident)
    supply.add(ledger, [Supply(BANK, "CNY", LIMIT, "letter")], "amy", AT)
    for name, said in done:
        step(ledger, ident, mine, name, said)
        before = snapshot(ledger)
        step(ledger, ident, mine, name, said)
        assert snapshot(ledger) == before, f"{name} {said} a second time"
        balanced(ledger)
        for account in [*reading.balances(ledger, "quota"), *reading.balances(ledger, "guarantee")]:
            assert account.reserved >= 0 and account.taken >= 0
            assert name in ("bill", "void") or within(account, done)


def within(account: Account, done: list[tuple[str, object]]) -> bool:
    """Of a guarantee a bill may take more than was reserved: it is the authority's word."""
    billed = account.key.book == "guarantee" and any(name == "bill" for name, _ in done)
    return billed or account.free(LIMIT if account.key.book == "quota" else None) >= 0


def snapshot(ledger: Ledger) -> object:
    with ledger.read() as tx:
        return [tuple(row) for row in tx.execute(sa.select(book_entry).order_by(book_entry.c.id))]


def step(ledger: Ledger, ident: int, mine: list[int], name: str, said: object) -> None:
    if name == "reserve":
        wants = [w for n, amount in dict(said).items()  # type: ignore[call-overload]
                 for w in (quota(mine[n], amount), Want(mine[n], BANK, "CNY", amount // 2))]  # fmt: skip
        reserving.reserve(ledger, ident, wants, AT)
    elif name == "back":
        n, application, amount = said  # type: ignore[misc]
        moving.give_back(ledger, [mine[n]], f"a{application}", {(mine[n], "quota", ""): amount}, AT)
    elif name == "bill":
        n, number, amount = said  # type: ignore[misc]
        moving.settle_bills(ledger, "guarantee", {mine[n]: (f"T{n}{number}", amount)}, AT)
    elif name == "void":
        n, number = said  # type: ignore[misc]
        moving.void(ledger, "guarantee", mine[n], f"T{n}{number}", AT)
    else:
        moving.settle(ledger, ident, {mine[n]: name for n in said}, ["quota"], AT)  # type: ignore[attr-defined]
