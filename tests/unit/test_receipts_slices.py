"""What waits is kept in slices: all of it, once, and what is about the same documents together."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from adapters.cn_ecommerce import told
from adapters.contract import ReceiptRow
from adapters.hk_road import receipts as hk_receipts
from adapters.ledger import Ledger, open_ledger, raws
from adapters.ledger.settling import Settled
from tasks.receipts import reading
from tasks.receipts.reading import AHEAD, SLICE, Read, Told, read_waiting, together
from tasks.receipts.settle import read_and_settle
from tests.unit.customs import Customs
from tests.unit.receipts_case import CN, Case


def _read(raw_id: int, key: int | None) -> Read:
    said = ReceiptRow(CN, "CEB303Message", f"P|{key}", "2", "guid", None, "")
    return Read(raw_id, [] if key is None else [said])


@given(st.lists(st.one_of(st.none(), st.integers(0, 30)), max_size=AHEAD))
def test_every_message_is_in_one_slice_and_those_of_the_same_documents_in_the_same(keys: list[int | None]) -> None:
    slices = list(together([_read(number, key) for number, key in enumerate(keys)]))
    found = [[one.raw_id for one in slice_] for slice_ in slices]
    assert sorted(number for slice_ in found for number in slice_) == list(range(len(keys)))
    assert all(slice_ == sorted(slice_) for slice_ in found), "as they came"
    assert all(1 <= len(slice_) <= SLICE for slice_ in found)
    places: dict[int | None, set[int]] = defaultdict(set)
    for place, slice_ in enumerate(found):
        for number in slice_:
            places[keys[number]].add(place)
    often = Counter(keys)
    assert all(len(places[key]) == 1 for key in places if often[key] <= SLICE)
    assert all(len(first) + len(then) > SLICE for first, then in pairwise(found)), "none too small"


class Kept:
    """Remembers which raw messages were kept together."""

    def __init__(self) -> None:
        self.slices: list[list[int]] = []

    def ready(self, ledger: Ledger, told: Told) -> Told:
        return told

    def __call__(self, tx: Connection, told: Any) -> tuple[int, Settled]:
        self.slices.append([raw_id for raw_id, _ in told])
        return 0, Settled()


@pytest.fixture
def truck(tmp_path: Path) -> Case:
    return Case(open_ledger(tmp_path / "home", f"sqlite:///{tmp_path / 'ledger.sqlite'}"), Customs(), at_once=True)


def _said(truck: Case) -> list[int]:
    """Three answers about the documents of two types, by turns: the raw messages that brought them."""
    ids = []
    for minutes, status in enumerate(("2", "3", "120")):
        for type_ in ("CEB303Message", "CEB403Message"):
            body = truck.customs.say(truck.dxp, truck.answer((status,) * 3, type_, minutes))
            ids.append(raws.store_raw(truck.ledger, "in", CN, "push", "customs", body))
    return ids


def test_what_waits_about_the_same_documents_is_kept_together(truck: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SLICE", 3)
    ids, kept = _said(truck), Kept()
    read_waiting(truck.ledger, truck.authority, kept)
    assert kept.slices == [ids[0::2], ids[1::2]]
    assert raws.unread(truck.ledger, CN) == []


def test_more_than_is_read_ahead_is_read_all_the_same(truck: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "AHEAD", 2)
    monkeypatch.setattr(reading, "SLICE", 1)
    _said(truck)
    read_and_settle(truck.ledger, truck.authority)
    assert truck.states() == ["stored"] * 3
    assert truck.states("CEB403Message") == ["stored"] * 3
    assert raws.unread(truck.ledger, CN) == []


def test_what_was_kept_before_a_slice_failed_stays_kept(truck: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SLICE", 3)
    ids, kept = _said(truck), Kept()

    def fails(tx: Connection, told: Any) -> tuple[int, Settled]:
        if len(kept.slices) == 1:
            raise OSError("the disk is full")
        return kept(tx, told)

    class Failing(Kept):
        __call__ = staticmethod(fails)  # type: ignore[assignment]

    with pytest.raises(OSError, match="full"):
        read_waiting(truck.ledger, truck.authority, Failing())
    assert raws.unread(truck.ledger, CN) == ids[1::2], "only what failed is still to be read"


def test_what_is_large_is_read_by_itself(truck: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    ids, kept = _said(truck), Kept()
    sizes = [raws.head(truck.ledger, ident).size for ident in ids]
    assert raws.unread(truck.ledger, CN, most=sum(sizes[:2])) == ids[:2]
    assert raws.unread(truck.ledger, CN, most=sum(sizes[:2]) - 1) == ids[:1]
    assert raws.unread(truck.ledger, CN, most=1) == ids[:1], "the first in any case"
    assert raws.unread(truck.ledger, CN) == ids
    monkeypatch.setattr(reading, "AHEAD_BYTES", 1)
    read_waiting(truck.ledger, truck.authority, kept)
    assert kept.slices == [[ident] for ident in ids]


def test_a_message_that_nobody_thought_of_is_parked_and_holds_nothing_up(
    truck: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, real = _said(truck), truck.authority.open
    bad = raws.body(truck.ledger, ids[0])

    def opens(body: bytes) -> Any:
        if body == bad:
            raise RecursionError("too deep")
        return real(body)

    monkeypatch.setattr(truck.authority, "open", opens)
    read_and_settle(truck.ledger, truck.authority)
    assert raws.parked(truck.ledger, CN) == ids[:1]
    assert "RecursionError" in raws.head(truck.ledger, ids[0]).reason
    assert truck.states() == ["stored"] * 3


def test_a_time_of_which_there_is_no_utc_is_no_time() -> None:
    assert told.moment("00010101000000") is None
    assert hk_receipts.moment("0001-01-01T00:00:00+08:00") is None


def test_what_another_process_kept_meanwhile_is_left_out(truck: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    ids, kept, real = _said(truck), Kept(), reading.read_all

    def others(ledger: Ledger, authority: Any, waiting: Any) -> list[Read]:
        found = real(ledger, authority, waiting)
        raws.mark_all_read(ledger, ids[1:3])
        return found

    monkeypatch.setattr(reading, "read_all", others)
    read_waiting(truck.ledger, truck.authority, kept)
    assert kept.slices == [[ids[0], *ids[3:]]]
