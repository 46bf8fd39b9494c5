"""Receipts: each kept once, in whatever order they come, and no document ever goes backwards."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from adapters.ledger import Ledger, claims, messages, preparing, raws, receipts
from mappings import clock
from tests.contract import ledger_cases as cases
from tests.contract.ledger_cases import CN, INVENTORY, RANKS, Doc, answer, arrive, out


@pytest.fixture(autouse=True, params=["kept, then settled", "settled as they are kept"])
def way(request: pytest.FixtureRequest) -> Iterator[None]:
    """Both ways end the same."""
    cases.Way.at_once = request.param == "settled as they are kept"
    yield
    cases.Way.at_once = False


@pytest.fixture
def ident(ledger: Ledger) -> int:
    made = cases.shipment(ledger)
    cases.declared(ledger, made)
    return made


def only(ledger: Ledger, ident: int, key: str = "P|o1") -> object:
    (found,) = [d for d in messages.documents(ledger, ident) if d.business_key == key]
    return found


def test_a_receipt_moves_its_document_on(ledger: Ledger, ident: int) -> None:
    settled = arrive(ledger, answer("P|o1", "2"), answer("P|o2", "120", pre_no="B1", invt_no="E1", info="张三"))
    assert (dict(settled.counts), settled.shipments) == ({"applied": 2}, {ident})
    assert cases.states(ledger, ident) == {("P|o1", 1): "accepted", ("P|o2", 1): "stored", ("P|o3", 1): "prepared"}
    document = only(ledger, ident, "P|o2")
    assert (document.pre_no, document.invt_no, document.return_info, document.rank) == ("B1", "E1", "张三", 40)
    assert document.return_time == cases.NOW + timedelta(minutes=1)
    assert not document.final


def test_the_same_receipt_is_kept_once(ledger: Ledger, ident: int) -> None:
    rows = [answer("P|o1", "2"), answer("P|o2", "2")]
    raw = raws.store_raw(ledger, "in", CN, "poll", "x", b"1")
    assert receipts.add_receipts(ledger, raw, rows) == 2
    again = raws.store_raw(ledger, "in", CN, "push", "x", b"1")
    assert receipts.add_receipts(ledger, again, [*rows, answer("P|o3", "2")]) == 1
    assert receipts.add_receipts(ledger, again, []) == 0
    assert receipts.counts(ledger, CN) == {"new": 3}
    receipts.settle(ledger, CN, RANKS)
    assert receipts.settle(ledger, CN, RANKS).counts == {}
    assert receipts.counts(ledger, CN) == {"applied": 3}


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_any_order_of_arrival_ends_the_same(ledger: Ledger, ident: int, order: tuple[int, ...]) -> None:
    told = [answer("P|o1", s, m, invt_no=n) for s, m, n in (("2", 1, ""), ("120", 2, "E1"), ("399", 3, ""))]
    for n in order:
        arrive(ledger, told[n])
    document = only(ledger, ident)
    assert (document.state, document.return_status, document.invt_no) == ("reviewed", "399", "E1")
    assert {r.disposition for r in receipts.of_document(ledger, document.id)} <= {"applied", "late"}


def test_dispositions_tell_what_happened(ledger: Ledger, ident: int) -> None:
    arrive(ledger, answer("P|o1", "120", 5))
    told = arrive(ledger, answer("P|o1", "2", 9), answer("P|o1", "120", 6), answer("P|o1", "77"), answer("P|zz", "2"))
    assert dict(told.counts) == {"late": 1, "duplicate": 1, "parked": 2}
    assert cases.states(ledger, ident)["P|o1", 1] == "stored"
    reasons = sorted((r.status, r.disposition, r.reason) for r in receipts.of_shipment(ledger, ident))
    assert reasons == [
        ("120", "applied", ""), ("120", "duplicate", ""), ("2", "late", ""), ("77", "parked", "unknown status 77"),
    ]  # fmt: skip


def test_within_one_rank_the_later_time_holds(ledger: Ledger, ident: int) -> None:
    ranks = {(k, s): receipts.Rank(f"s{s}", 10) for (k, s) in RANKS}
    raw = raws.store_raw(ledger, "in", CN, "poll", "x", b"1")
    for status, minutes in (("120", 5), ("2", 4), ("399", 6)):
        receipts.add_receipts(ledger, raw, [answer("P|o1", status, minutes)])
        receipts.settle(ledger, CN, ranks)
    assert cases.states(ledger, ident)["P|o1", 1] == "s399"
    assert receipts.counts(ledger, CN) == {"applied": 2, "late": 1}


@pytest.mark.parametrize(
    ("first", "then", "state", "disposition", "conflict"),
    [
        ("100", "120", "rejected", "late", False),
        ("100", "800", "rejected", "conflict", True),
        ("899", "100", "closed", "conflict", True),
        ("899", "399", "closed", "late", False),
        ("501", "700", "sent_back", "applied", False),
        ("501", "899", "detained", "conflict", True),
        ("700", "501", "sent_back", "late", False),
        ("100", "-1", "rejected", "conflict", True),
        ("100", "100", "rejected", "duplicate", False),
        ("399", "100", "rejected", "applied", False),
    ],
)
def test_a_final_state_is_never_overwritten_in_silence(
    ledger: Ledger, ident: int, first: str, then: str, state: str, disposition: str, conflict: bool
) -> None:
    arrive(ledger, answer("P|o1", first, 5))
    assert dict(arrive(ledger, answer("P|o1", then, 6)).counts) == {disposition: 1}
    document = only(ledger, ident)
    assert (document.state, document.conflict) == (state, conflict)


def test_contradictions_within_one_batch_are_seen_too(ledger: Ledger, ident: int) -> None:
    settled = arrive(ledger, answer("P|o1", "899", 7), answer("P|o1", "100", 6), answer("P|o1", "2", 5))
    assert dict(settled.counts) == {"applied": 2, "conflict": 1}
    document = only(ledger, ident)
    assert (document.state, document.conflict) == ("rejected", True)


def test_a_receipt_that_comes_before_its_document_waits_for_it(ledger: Ledger, ident: int) -> None:
    assert dict(arrive(ledger, answer("P|o1", "2", type=INVENTORY)).counts) == {"parked": 1}
    assert receipts.settle(ledger, CN, RANKS).counts == {}, "still parked: nothing is written again"
    preparing.add_messages(ledger, ident, [out([Doc("P|o1", 1)], INVENTORY)])
    assert dict(receipts.settle(ledger, CN, RANKS).counts) == {"applied": 1}


def second_attempt(ledger: Ledger, ident: int) -> None:
    arrive(ledger, answer("P|o1", "100", return_time=clock.now()))
    (made,) = preparing.add_messages(ledger, ident, [out([Doc("P|o1", 1, attempt=2, guid="GUID-2")])]).message_ids
    claims.claim(ledger, made, "w")
    claims.settle_sent(ledger, made)


def test_attempts_are_told_apart_by_the_guid(ledger: Ledger, ident: int) -> None:
    second_attempt(ledger, ident)
    arrive(ledger, answer("P|o1", "2", minutes=-9999, declared_guid="guid-2"))
    assert cases.states(ledger, ident)["P|o1", 1] == "rejected"
    assert cases.states(ledger, ident)["P|o1", 2] == "accepted"


def test_attempts_are_told_apart_by_time(ledger: Ledger, ident: int) -> None:
    between = clock.now()
    second_attempt(ledger, ident)
    arrive(ledger, answer("P|o1", "2", return_time=between))
    assert cases.states(ledger, ident)["P|o1", 2] == "prepared"
    arrive(ledger, answer("P|o1", "120", return_time=clock.now()))
    assert cases.states(ledger, ident)["P|o1", 2] == "stored"
    assert cases.states(ledger, ident)["P|o1", 1] == "rejected"


def test_what_stays_ambiguous_is_parked(ledger: Ledger, ident: int) -> None:
    second_attempt(ledger, ident)
    settled = arrive(ledger, answer("P|o1", "120", minutes=-99999), answer("P|o1", "399", return_time=None))
    assert dict(settled.counts) == {"parked": 2}
    assert cases.states(ledger, ident)["P|o1", 2] == "prepared"


def test_a_receipt_about_a_whole_message_reaches_every_document(ledger: Ledger, ident: int) -> None:
    (message,) = messages.listing(ledger, ident)
    settled = arrive(ledger, answer("", "-1", type="Unknown", cop_msg_id=message.cop_msg_id))
    assert dict(settled.counts) == {"applied": 1}
    assert set(cases.states(ledger, ident).values()) == {"failed"}
    assert dict(arrive(ledger, answer("", "-1", type="Unknown", cop_msg_id="nobody's")).counts) == {"parked": 1}


def test_a_receipt_about_a_whole_message_is_applied_when_it_moves_any_document(ledger: Ledger, ident: int) -> None:
    (message,) = messages.listing(ledger, ident)
    arrive(ledger, answer("P|o3", "899"))
    assert dict(arrive(ledger, answer("", "-1", cop_msg_id=message.cop_msg_id)).counts) == {"applied": 1}
    assert sorted(cases.states(ledger, ident).values()) == ["closed", "failed", "failed"]
    assert only(ledger, ident, "P|o3").conflict


def test_an_unusable_receipt_is_kept_and_moves_nothing(ledger: Ledger, ident: int) -> None:
    assert dict(arrive(ledger, answer("P|o1", "2", problem="no returnTime", return_time=None)).counts) == {}
    assert receipts.counts(ledger, CN) == {"unusable": 1}
    assert cases.states(ledger, ident)["P|o1", 1] == "prepared"


def test_another_authority_is_another_matter(ledger: Ledger, ident: int) -> None:
    raw = raws.store_raw(ledger, "in", CN, "poll", "x", b"1")
    receipts.add_receipts(ledger, raw, [answer("P|o1", "2")])
    assert receipts.settle(ledger, "hk_road", RANKS).counts == {}
    assert receipts.counts(ledger, CN) == {"new": 1}


def test_two_settlings_at_once_take_no_document_back(ledger: Ledger, ident: int) -> None:
    def other() -> None:
        arrive(ledger, answer("P|o1", "120", 1))

    with ThreadPoolExecutor(1) as pool:
        with ledger.begin() as tx:
            raw = raws.store_raw(tx, "in", CN, "poll", "x", b"1")
            receipts.add_receipts(tx, raw, [answer("P|o1", "399", 2)])
            receipts.settle(tx, CN, RANKS)
            running = pool.submit(other)
            time.sleep(0.2)  # the other one has come to where it must wait
            assert not running.done()
        running.result()
    assert cases.states(ledger, ident)["P|o1", 1] == "reviewed"
    assert receipts.counts(ledger, CN) == {"applied": 1, "late": 1}


def test_a_late_receipt_still_gives_the_number(ledger: Ledger, ident: int) -> None:
    arrive(ledger, answer("P|o1", "399", 5))
    assert dict(arrive(ledger, answer("P|o1", "120", 4, invt_no="E77", pre_no="B77")).counts) == {"late": 1}
    document = only(ledger, ident)
    assert (document.state, document.invt_no, document.pre_no) == ("reviewed", "E77", "B77")
