"""Every permutation of the receipts of each legal life ends in the same state, a contradiction in a visible conflict.

The lives are data (mappings/cn_ecommerce/life_cycles.yaml); beside them every three statuses that a type knows, in
every order and with every tie of times. What the ledger does with them is in tests/contract/test_life_cycles_ledger.py.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from math import factorial
from typing import Any, NamedTuple

import pytest
import yaml

from adapters.ledger import folding
from adapters.ledger.folding import Held
from mappings import states
from mappings.applications import message_types
from mappings.engine.spec import MAPPINGS
from mappings.procedures import every
from tests.long import long_but

CN = "cn_ecommerce"
DATA: dict[str, Any] = yaml.safe_load((MAPPINGS / CN / "life_cycles.yaml").read_text("utf-8"))["groups"]
START = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
MOST = factorial(7)


class Told(NamedTuple):
    """A receipt."""

    id: int
    status: str
    return_time: Any
    info: str = ""
    pre_no: str = ""
    invt_no: str = ""


class End(NamedTuple):
    """Where a document ends."""

    state: str
    status: str
    time: datetime | None
    invt_no: str
    conflict: bool


def meanings(kind: str) -> folding.Meanings:
    table = states.rank_table(CN)
    return lambda status: table.get((kind, status))


FIRST = [group["types"][0] for group in DATA.values()]  # types of a group live alike: the others in the long form


def lives(of: str) -> list[Any]:
    told = [(kind, life) for group in DATA.values() for kind in group["types"] for life in group[of]]
    return long_but(told, *((kind, life) for kind, life in told if kind in FIRST))


def receipts(statuses: Sequence[str], minutes: Sequence[int] | None = None) -> list[Told]:
    """In the order of the authority's times; customs' number comes from 120 on."""
    at = minutes or range(len(statuses))
    numbered = ("120", "399", "800", "899")
    return [
        Told(n, s, START + timedelta(minutes=m), invt_no="I1" if s in numbered else "")
        for n, (s, m) in enumerate(zip(statuses, at, strict=True))
    ]


def live(kind: str, told: Sequence[Sequence[Told]]) -> End:
    """A document to whom these batches of receipts come, one after the other, as the ledger takes them."""
    held, past, known = Held(), list[Told](), meanings(kind)
    for batch in told:
        if any(folding.unsettles(held, row, known) for row in batch):
            held, _ = folding.refold(held, past, batch, known)
        else:
            folding.advance(held, batch, known)
        past += batch
    return End(held.state, held.status, held.time, held.invt_no, held.conflict)


def orders(told: list[Told]) -> Iterator[tuple[Told, ...]]:
    assert factorial(len(told)) <= MOST
    return itertools.permutations(told)


def batches(told: Sequence[Told], cuts: random.Random) -> list[list[Told]]:
    made: list[list[Told]] = [[]]
    for row in told:
        if made[-1] and cuts.random() < 0.5:
            made.append([])
        made[-1].append(row)
    return made


@pytest.mark.parametrize(
    ("kind", "life"), lives("lives"), ids=lambda v: v if isinstance(v, str) else "-".join(v["statuses"])
)
def test_every_order_of_a_legal_life_ends_the_same(kind: str, life: dict[str, Any]) -> None:
    told = receipts(life["statuses"])
    expected = live(kind, [told])
    assert (expected.state, expected.conflict) == (life["ends"], False)
    cuts = random.Random(1)
    for order in orders(told):
        assert live(kind, [[row] for row in order]) == expected, [row.status for row in order]
        assert live(kind, batches(order, cuts)) == expected, [row.status for row in order]


@pytest.mark.parametrize(
    ("kind", "life"), lives("contradictions"), ids=lambda v: v if isinstance(v, str) else "-".join(v["statuses"])
)
def test_every_order_of_a_contradiction_ends_in_the_same_visible_conflict(kind: str, life: dict[str, Any]) -> None:
    told = receipts(life["statuses"])
    expected = live(kind, [told])
    assert (expected.state, expected.conflict) == (life["ends"], True)
    for order in orders(told):
        assert live(kind, [[row] for row in order]) == expected, [row.status for row in order]


@pytest.mark.parametrize("kind", long_but((kind for group in DATA.values() for kind in group["types"]), *FIRST))
def test_any_three_receipts_at_any_times_end_the_same(kind: str) -> None:
    """Also those that no life has, and with times that are equal or run against the ranks."""
    known = [s for (k, s) in states.rank_table(CN) if k == kind and s != "negative"] + ["-987654"] * (
        kind != "CEB816Message"
    )
    for statuses in itertools.combinations_with_replacement(sorted(known), 3):
        for minutes in ((0, 1, 2), (2, 1, 0), (1, 0, 2), (0, 0, 1), (1, 0, 0), (0, 1, 0), (0, 0, 0)):
            told = receipts(statuses, minutes)
            ends = {live(kind, [[row] for row in order]) for order in itertools.permutations(told)}
            assert len(ends) == 1, (statuses, minutes, ends)
            assert ends == {live(kind, [told])}


@pytest.mark.parametrize("kind", ["CEB603Message", "CEB621Message"])
def test_long_random_stories_end_the_same(kind: str) -> None:
    chance = random.Random(7)
    known = [s for (k, s) in states.rank_table(CN) if k == kind and s != "negative"] + ["-1", "-987654"]
    for _ in range(400):
        size = chance.randint(4, 10)
        told = receipts(chance.choices(known, k=size), chance.choices(range(5), k=size))
        expected = live(kind, [told])
        for _ in range(8):
            order = chance.sample(told, k=size)
            assert live(kind, batches(order, chance)) == expected, (order, expected)


def test_the_lives_are_whole() -> None:
    """Every declared type has lives that reach each of its ends, and every status that they tell is in the table."""
    given = [kind for group in DATA.values() for kind in group["types"]]
    assert len(given) == len(set(given))
    sent = {kind for p in every() for step in p.steps for kind in step.sends if kind.startswith("CEB")}
    assert sent | set(message_types()) | {"CEB816Message"} == set(given), "what we declare, ask for, and are billed"
    contradicted = {kind for group in DATA.values() for kind in group["types"] if group["contradictions"]}
    assert contradicted == set(given) - {"CEB816Message"}, "a bill that is void after it was summed is no contradiction"
    for kind in given:
        mine = [life for group in DATA.values() if kind in group["types"] for life in group["lives"]]
        ends = {name for name, state in states.document_states(CN)[kind].items() if state.final and state.statuses}
        reached = {life["ends"] for life in mine}
        assert ends - reached <= {"send_failed", "failed"}, (kind, ends - reached)
        assert all(life["source"] for life in mine)
        assert all(meanings(kind)(status) for life in mine for status in life["statuses"])
