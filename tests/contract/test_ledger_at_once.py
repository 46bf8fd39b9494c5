"""Receipts settled as they are kept, on both databases: what is ordinary, and what is left to the settling."""

from __future__ import annotations

import random
from typing import cast

import pytest

from adapters.contract import ReceiptRow
from adapters.ledger import Ledger, at_once, claims, messages, preparing, raws, receipts
from adapters.ledger.audit import audit
from adapters.ledger.receipts import Settled
from adapters.ledger.settling import Ranks
from mappings import states
from tests.contract import ledger_cases as cases
from tests.contract.ledger_cases import CN, ORDER, RANKS, Doc, answer, out

LIVE = cast(Ranks, states.rank_table(CN))


def _keep(ledger: Ledger, *rows: ReceiptRow, raw: int = 0) -> tuple[int, Settled]:
    said = raw or raws.store_raw(ledger, "in", CN, "http", "customs", repr(rows).encode())
    return at_once.keep(ledger, CN, [(said, rows)], RANKS)


def test_an_ordinary_receipt_needs_no_settling(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    message = cases.declared(ledger, ident)
    first, second = answer("P|o1", "2", 1), answer("P|o1", "120", 2, info="新增申报成功")
    new, settled = _keep(ledger, second, first, answer("P|o2", "2", 1))
    assert (new, dict(settled.counts)) == (3, {"applied": 3})
    assert (settled.shipments, settled.messages) == ({ident}, {message})
    one, two, three = messages.documents(ledger, ident)
    assert (one.return_status, one.return_info, one.return_time) == ("120", "新增申报成功", second.return_time)
    assert (two.return_status, three.return_status) == ("2", "")
    told = receipts.of_document(ledger, one.id)
    assert [(r.status, r.info, r.disposition) for r in told] == [
        ("2", "[2]", "applied"), ("120", "新增申报成功", "applied"),
    ]  # fmt: skip
    assert receipts.settle(ledger, CN, RANKS).counts == {}, "nothing waits"


def test_what_is_known_changes_nothing(ledger: Ledger) -> None:
    cases.declared(ledger, cases.shipment(ledger))
    rows = [answer("P|o1", "2", 1), answer("P|o1", "120", 2)]
    assert _keep(ledger, *rows, *rows)[0] == 2, "twice in one message"
    new, settled = _keep(ledger, *rows, answer("P|o1", "120", 2), answer("P|o2", "2"))
    assert (new, dict(settled.counts)) == (2, {"applied": 1}), "another guid is another receipt"
    assert receipts.settle(ledger, CN, RANKS).counts == {"duplicate": 1}
    assert receipts.counts(ledger, CN) == {"applied": 3, "duplicate": 1}


def test_what_is_not_ordinary_waits_for_the_settling(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    cases.declared(ledger, ident)
    nobody, odd = answer("P|nobody", "2"), answer("P|o1", "no-such")
    wrong, whole = answer("P|o2", "2", problem="no time"), answer("C1", "900", cop_msg_id="C1")
    new, settled = _keep(ledger, nobody, odd, wrong, whole)
    assert (new, settled.counts, settled.shipments) == (4, {}, {ident})
    assert receipts.counts(ledger, CN) == {"new": 3, "unusable": 1}
    receipts.settle(ledger, CN, RANKS)
    assert receipts.counts(ledger, CN) == {"parked": 3, "unusable": 1}
    _keep(ledger, answer("P|o1", "2", 3))
    assert receipts.counts(ledger, CN)["new"] == 1, "something waits about the document already"


def test_a_receipt_about_one_of_several_attempts_waits(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    cases.declared(ledger, ident)
    preparing.add_messages(ledger, ident, [out([Doc("P|o1", 1, attempt=2)], ORDER, 2)])
    _, settled = _keep(ledger, answer("P|o1", "2"), answer("P|o2", "2"))
    assert dict(settled.counts) == {"applied": 1}
    assert receipts.counts(ledger, CN) == {"applied": 1, "new": 1}


def test_types_apart_are_left_alone(ledger: Ledger) -> None:
    cases.declared(ledger, cases.shipment(ledger))
    raw = raws.store_raw(ledger, "in", CN, "http", "customs", b"x")
    _, settled = at_once.keep(ledger, CN, [(raw, [answer("P|o1", "2")])], RANKS, None, (ORDER,))
    assert settled.counts == {}
    assert receipts.counts(ledger, CN) == {"new": 1}


def test_a_message_of_unknown_outcome_is_known_by_its_receipts(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    (lost,) = preparing.add_messages(ledger, ident, [out([Doc("P|o1", 1)])]).message_ids
    assert claims.claim(ledger, lost, "w") and claims.mark_unknown(ledger, lost)
    _keep(ledger, answer("P|o1", "2"))
    assert messages.get(ledger, lost).state == "sent"


def test_a_recovery_is_read_by_its_own_meanings(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    ids = preparing.add_messages(ledger, ident, [out([Doc("P|o1", 1)]), out([Doc("P|o2", 2)], seq=2)]).message_ids
    for lost, again in zip(ids, (True, False), strict=True):
        assert claims.claim(ledger, lost, "w")
        if again:
            assert claims.mark_unknown(ledger, lost) and claims.claim(ledger, lost, "w", recovery=True)
        assert claims.settle_sent(ledger, lost)
    raw = raws.store_raw(ledger, "in", CN, "http", "customs", b"x")
    proof = {(ORDER, "-301010"): receipts.Rank("duplicate", 30)}
    rows = [answer("P|o1", "-301010", guid="A"), answer("P|o2", "-301010", guid="B")]
    at_once.keep(ledger, CN, [(raw, rows)], {(ORDER, "-301010"): receipts.Rank("rejected", 90, True)}, proof)
    assert [d.state for d in messages.documents(ledger, ident)] == ["duplicate", "rejected"]


@pytest.mark.parametrize("seed", range(4))
def test_random_batches_end_as_all_at_once_settled(ledger: Ledger, seed: int) -> None:
    """Documents told the same stories: half of them settled in one batch, half at once in random ones."""
    chance, kind = random.Random(seed), "CEB603Message"
    statuses = sorted(status for of, status in LIVE if of == kind)
    ident, count = cases.shipment(ledger), 30
    made = [Doc(f"{half}|{n}") for half in "XY" for n in range(count)]
    (message,) = preparing.add_messages(ledger, ident, [out(made, kind)]).message_ids
    assert claims.claim(ledger, message, "w") and claims.settle_sent(ledger, message)
    told = [
        (n, chance.choice(statuses), chance.randrange(4), chance.choice(["", "N1"]))
        for n in range(count)
        for _ in range(chance.randrange(5))
    ]
    raw = raws.store_raw(ledger, "in", CN, "http", "customs", b"x")
    receipts.add_receipts(ledger, raw, [answer(f"X|{n}", s, at, kind, pre_no=no) for n, s, at, no in told])
    receipts.settle(ledger, CN, LIVE)
    rows = [answer(f"Y|{n}", s, at, kind, pre_no=no) for n, s, at, no in told]
    chance.shuffle(rows)
    while rows:
        size = chance.randrange(1, 40)
        batch, rows = rows[:size], rows[size:]
        at_once.keep(ledger, CN, [(raw, [*batch, *batch[:3]])], LIVE)
        if chance.random() < 0.5:
            receipts.settle(ledger, CN, LIVE)
    receipts.settle(ledger, CN, LIVE)
    found = {d.business_key: d for d in messages.documents(ledger, ident)}
    for n in range(count):
        one, other = found[f"X|{n}"], found[f"Y|{n}"]
        assert (one.state, one.rank, one.return_status, one.return_time, one.final, one.conflict) == (
            other.state, other.rank, other.return_status, other.return_time, other.final, other.conflict,
        )  # fmt: skip
    waiting = receipts.counts(ledger, CN)
    assert not waiting.get("new") and not waiting.get("parked")
    assert {f.code for f in audit(ledger)} <= {"conflict"}
