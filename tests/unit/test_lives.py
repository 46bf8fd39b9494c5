"""Folding many documents that live the same at once ends as folding each of them by itself."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.ledger import folding
from adapters.ledger.folding import Held
from adapters.ledger.lives import OWN, Life, Likeness, life
from adapters.ledger.settling import Meanings, Ranks
from mappings import states

CN = "cn_ecommerce"
RANKS = cast(Ranks, states.rank_table(CN))
KINDS = sorted({kind for kind, _ in RANKS})


class Told(NamedTuple):
    """A receipt."""

    id: int
    status: str
    return_time: int
    info: str
    pre_no: str
    invt_no: str


def _statuses(kind: str) -> list[str]:
    return sorted(status for of, status in RANKS if of == kind)


@st.composite
def stories(draw: st.DrawFn) -> tuple[str, bool, Held, list[Told]]:
    """A type, whether its message was a recovery, what a document of it holds, and what is told of it then."""
    kind = draw(st.sampled_from(KINDS))
    status, numbers = st.sampled_from([*_statuses(kind), "no-such"]), st.sampled_from(["", "N1", "N2"])
    row = st.tuples(status, st.integers(0, 4), numbers, numbers)
    told = [
        Told(n, s, at, f"info {n}", pre, invt)
        for n, (s, at, pre, invt) in enumerate(draw(st.lists(row, max_size=5)), 1)
    ]
    held, before = Held(), draw(st.lists(row, max_size=3))
    meanings = Meanings(RANKS, None).of(kind, False)
    folding.advance(held, [Told(-9 + n, s, at, f"old {n}", p, i) for n, (s, at, p, i) in enumerate(before)], meanings)
    held.touched = False
    return kind, draw(st.booleans()), held, told


def _told(whose: int, own: str, texts: list[str]) -> str:
    return own if whose in (OWN, 0) else texts[whose - 1]


def _applied(found: Life, was: Held, told: list[Told]) -> tuple[Any, ...]:
    """The document's columns as `at_once` writes them."""
    if not found.touched:
        return was.values()
    info = was.info if found.info == OWN else told[found.info - 1].info
    pre_no = _told(found.pre_no, was.pre_no, [row.pre_no for row in told])
    invt_no = _told(found.invt_no, was.invt_no, [row.invt_no for row in told])
    return (found.state, found.rank, found.status, found.time, info, pre_no, invt_no, found.final, found.conflict)


@settings(max_examples=600)
@given(stories())
def test_a_life_ends_as_its_receipts_one_by_one(story: tuple[str, bool, Held, list[Told]]) -> None:
    kind, recovery, held, told = story
    meanings = Meanings(RANKS, None).of(kind, recovery)
    was = Likeness(held.state, held.rank, held.status, held.time, held.final, held.conflict, held.pre_no != "",
                   held.invt_no != "")  # fmt: skip
    shapes = [(row.status, row.return_time, row.pre_no != "", row.invt_no != "") for row in told]
    found = life(was, shapes, meanings)
    unknown = any(meanings(row.status) is None for row in told)
    unsettled = (held.status or held.final) and any(folding.unsettles(held, row, meanings) for row in told)
    assert (found is None) == bool(unknown or unsettled)
    if found is not None:
        alone = Held(*held.values())
        said = folding.advance(alone, told, meanings)
        assert list(found.said) == [said[row.id] for row in told]
        assert _applied(found, held, told) == alone.values()
        assert found.touched == alone.touched
