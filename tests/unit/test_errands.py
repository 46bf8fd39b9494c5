"""Errands: in which order a warm process does them, several at the same time, and what ends it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, Pipe
from threading import Event, Thread

import pytest

from deployments import errands
from deployments.beside import Beside
from deployments.board import HANDS, NEWS
from deployments.errands import serve
from deployments.line import Line


def nobody() -> None:
    """Nothing more is to be heard."""


def order(line: Line, number: int) -> list[int]:
    """The shipments that so many takers get, who give each back at once."""
    found = []
    for _ in range(number):
        given = line.take(nobody)
        assert given
        line.back(given[0])
        found.append(given[0])
    return found


def test_a_higher_rank_comes_first_but_passes_only_so_many() -> None:
    line = Line(passed=3)
    for ident, rank in ((1, 0), (2, 1), (3, 2), (4, 1), (5, 0), (6, 2), (7, 2)):
        line.put(rank, (ident,))
    assert order(line, 7) == [3, 2, 6, 1, 4, 7, 5], "their places are 0, 1-3, 2-6, 3-3, 4, 5-6 and 6-6"


def test_one_handed_in_again_keeps_the_better_place_and_what_it_was_given_last() -> None:
    line = Line(passed=10)
    for ident in (1, 2, 3):
        line.put(0, (ident, "before"))
    line.put(1, (3, "news"))
    line.put(0, (1, "later"))
    assert line.take(nobody) == (3, "news")
    assert line.take(nobody) == (1, "later"), "it has lost nothing by being handed in again"
    assert line.take(nobody) == (2, "before")


def test_nobody_gets_one_that_another_has() -> None:
    line = Line(passed=1)
    line.put(0, (1, "first"))
    assert line.take(nobody) == (1, "first")
    line.put(0, (1, "again"))
    line.put(0, (2, "other"))
    assert line.take(nobody) == (2, "other")
    waiting: list[object] = []
    thread = Thread(target=lambda: waiting.append(line.take(nobody)))
    thread.start()
    thread.join(0.05)
    assert waiting == []
    line.back(1)
    thread.join(10)
    assert waiting == [(1, "again")]


def test_who_takes_those_of_a_rank_alone_waits_for_them_whatever_else_there_is() -> None:
    line, found = Line(passed=1), list[object]()
    for ident in (1, 2):
        line.put(0, (ident,))
    thread = Thread(target=lambda: found.append(line.take(nobody, least=2)), daemon=True)
    thread.start()
    line.put(1, (3,))
    thread.join(0.05)
    assert found == []
    line.put(2, (2, "news"))
    thread.join(10)
    assert found == [(2, "news")]
    line.put(2, (2, "more news"))
    line.put(0, (2, "later"))
    line.back(2)
    assert line.take(nobody, least=2) == (2, "later"), "it has lost nothing of its rank"
    assert [line.take(nobody), line.take(nobody)] == [(1,), (3,)]


def test_what_is_put_in_is_not_left_because_somebody_waits_for_something_better() -> None:
    line, found = Line(passed=1), list[tuple[int, object]]()
    threads = [
        Thread(target=lambda least=least: found.append((least, line.take(nobody, least))), daemon=True)
        for least in (2, 0)
    ]
    for thread in threads:  # who waits for news is the first in the line of those who wait
        thread.start()
        thread.join(0.05)
    line.put(1, (1,))
    threads[1].join(10)
    assert found == [(0, (1,))]
    line.end()
    threads[0].join(10)
    assert found[1:] == [(2, None)]


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch, errand: object, hands: Sequence[int]) -> Iterator[Connection]:
    """Our end of the pipe of a process (a thread here) that does errands; it ends with the pipe."""
    monkeypatch.setattr("os.setsid", lambda: None)
    ours, theirs = Pipe()
    thread = Thread(target=serve, args=(theirs, errand, 5, hands), daemon=True)
    thread.start()
    try:
        yield ours
    finally:
        ours.close()
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.parametrize("hands", [1, 2])
def test_so_many_are_done_at_the_same_time(monkeypatch: pytest.MonkeyPatch, hands: int) -> None:
    at_work, go_on = list[int](), Event()

    def errand(shipment_id: int) -> str:
        at_work.append(shipment_id)
        assert go_on.wait(10)
        return f"said {shipment_id}"

    with serving(monkeypatch, errand, (0,) * hands) as ours:
        for ident in (1, 2, 3):
            ours.send((0, (ident,)))
        end = time.monotonic() + 10
        while len(at_work) < hands:
            assert time.monotonic() < end
        time.sleep(0.05)
        assert at_work == [1, 2, 3][:hands]
        go_on.set()
        assert {ours.recv() for _ in range(3)} == {(1, "said 1"), (2, "said 2"), (3, "said 3")}


def test_one_with_news_does_not_wait_for_those_that_take_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the board's hands one is for news alone, whatever else there is."""
    began, go_on = list[int](), Event()

    def errand(shipment_id: int) -> int:
        began.append(shipment_id)
        assert shipment_id == 9 or go_on.wait(10)
        return shipment_id

    with serving(monkeypatch, errand, HANDS) as ours:
        for ident in (1, 2, 3):
            ours.send((1, (ident,)))
        end = time.monotonic() + 10
        while len(began) < 2:
            assert time.monotonic() < end
        time.sleep(0.05)
        assert began == [1, 2]
        ours.send((NEWS, (9,)))
        assert ours.recv() == (9, 9)
        assert began == [1, 2, 9]
        go_on.set()
        assert {ours.recv() for _ in range(3)} == {(i, i) for i in (1, 2, 3)}


def fails(ours: Connection) -> None:
    """A process whose errand does what nobody foresaw."""
    serve(ours, lambda _: 1 / 0, 5, (0, 0))


def hangs(ours: Connection) -> None:
    """A process of two hands of which one hangs, while the other goes on."""
    errands.LOOK = 0.05
    serve(ours, lambda ident: time.sleep(60 if ident == 1 else 0.0), 5, (0, 0), 0.2)


@pytest.mark.parametrize("target", [fails, hangs])
def test_a_process_that_cannot_go_on_ends(target: object) -> None:
    beside = Beside(target, "test")  # type: ignore[arg-type]
    try:
        for ident in (1, 2):
            beside.pipe.send((0, (ident,)))
        beside.process.join(60)
        assert beside.process.exitcode == 1
    finally:
        beside.end(0.1)
