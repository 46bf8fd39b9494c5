"""Receipts of applications in any order: every permutation of a legal life ends the same, on both databases."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import cast

import pytest

from adapters.ledger import Ledger, claims, messages, preparing, raws, receipts
from adapters.ledger.receipts import Ranks
from mappings import states
from tests.contract import ledger_cases as cases
from tests.contract.ledger_cases import CN, NOW, Doc, answer, out

LIVES = [
    ("CEB605Message", ("2", "3", "399"), "granted"),
    ("CEB605Message", ("2", "3", "100"), "rejected"),
    ("CEB623Message", ("2", "120", "399"), "granted"),
    ("CEB625Message", ("2", "3", "120", "399"), "granted"),
    ("CEB625Message", ("2", "300", "800"), "granted"),
    ("CEB625Message", ("2", "100"), "rejected"),
    ("CEB213Message", ("2", "120", "500", "800"), "granted"),
    ("CEB213Message", ("2", "120", "600", "505"), "handed_over"),
    ("CEB215Message", ("2", "399"), "granted"),
    ("CEB701Message", ("2", "399", "792"), "summed"),
    ("CEB701Message", ("2", "-301010"), "failed"),
]


@pytest.mark.parametrize(("kind", "statuses", "end"), LIVES)
def test_any_order_of_a_legal_life_ends_the_same(
    ledger: Ledger, kind: str, statuses: tuple[str, ...], end: str
) -> None:
    orders = list(permutations(statuses))
    names = [f"o{n}" for n in range(len(orders))]
    ident = cases.shipment(ledger, "M1", names)
    docs = [Doc(f"A|{name}", n) for n, name in enumerate(names, 1)]
    (message,) = preparing.add_messages(ledger, ident, [out(docs, kind)]).message_ids
    claims.claim(ledger, message, "w")
    claims.settle_sent(ledger, message)
    for turn in range(len(statuses)):
        rows = [
            answer(f"A|{name}", order[turn], 1 + statuses.index(order[turn]), kind)
            for name, order in zip(names, orders, strict=True)
        ]
        raw = raws.store_raw(ledger, "in", CN, "http", "customs", f"{kind} {turn}".encode())
        receipts.add_receipts(ledger, raw, rows)
        receipts.settle(ledger, CN, cast(Ranks, states.rank_table(CN)))
    found = messages.documents(ledger, ident)
    assert {d.state for d in found} == {end}
    assert not any(d.conflict for d in found)
    assert {d.return_time for d in found} == {NOW + timedelta(minutes=len(statuses))}


@pytest.mark.parametrize(
    ("kind", "statuses"),
    [("CEB605Message", ("399", "100")), ("CEB623Message", ("100", "399")), ("CEB625Message", ("800", "100")),
     ("CEB213Message", ("800", "505")), ("CEB215Message", ("399", "100")), ("CEB701Message", ("792", "100"))],
)  # fmt: skip
def test_a_second_verdict_is_a_visible_conflict(ledger: Ledger, kind: str, statuses: tuple[str, str]) -> None:
    ident = cases.shipment(ledger, "M1", ["o1"])
    (message,) = preparing.add_messages(ledger, ident, [out([Doc("A|o1", 1)], kind)]).message_ids
    claims.claim(ledger, message, "w")
    claims.settle_sent(ledger, message)
    before = ""
    for minute, status in enumerate(statuses, 1):
        raw = raws.store_raw(ledger, "in", CN, "http", "customs", f"{kind} {status}".encode())
        receipts.add_receipts(ledger, raw, [answer("A|o1", status, minute, kind)])
        receipts.settle(ledger, CN, cast(Ranks, states.rank_table(CN)))
        (found,) = messages.documents(ledger, ident)
        assert found.state == (before or found.state)
        before = found.state
    assert found.conflict
