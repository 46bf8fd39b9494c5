"""News at the board: that a shipment stands otherwise is shown before what only changed (decision 0029)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deployments import agenda
from deployments.board import LINE
from deployments.pools import FEW
from deployments.showing import FULL, NEWS, QUIET, SOON, STEADY
from tasks.notices import AWAY, HELD, LEFT, SHOWN
from tests.unit.board_scene import Boarded
from tests.unit.pulse_scene import BEAT, opened
from tests.unit.world import captured, home, prefect, truck

__all__ = ["captured", "home", "prefect", "truck"]


@pytest.fixture
def scene(captured: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Boarded]:
    """A shipment that the pulse has looked at, shown as it is."""
    yield from opened(Boarded, captured, monkeypatch)


def test_news_waits_for_no_other_receipt(scene: Boarded) -> None:
    scene.found = scene.found._replace(stands="released")
    for _ in range(round(NEWS * QUIET / BEAT) + 2):
        scene.change()
        scene.shown(BEAT)
    assert scene.board.had == [(scene.id, 2, "")], "before those without news"
    for _ in range(round(SOON * QUIET / BEAT) + 2):
        scene.change()
        scene.shown(BEAT)
    assert len(scene.board.had) == 1, "it stands as it was shown: only receipts came"


@pytest.mark.parametrize("answer", [HELD, AWAY, LEFT])
def test_news_that_was_not_shown_is_news(scene: Boarded, answer: str) -> None:
    scene.answers = [answer, SHOWN]
    scene.found = scene.found._replace(stands="released")
    scene.change()
    assert scene.shown(SOON * QUIET + 9 * agenda.TROUBLED) == 2
    assert [rank for _, rank, _ in scene.board.had] == [2, 2]
    scene.found = scene.found._replace(stands="departed")
    for _ in range(2):
        scene.change()
        assert scene.shown(SOON * QUIET + 4 * BEAT) == 1
    assert [rank for _, rank, _ in scene.board.had[2:]] == [2, 1], "what was shown is none"


@pytest.mark.parametrize("answer", [HELD, AWAY, LEFT])
def test_a_receipt_that_was_not_shown_is_none(scene: Boarded, answer: str) -> None:
    scene.answers = [answer, SHOWN]
    scene.change()
    assert scene.shown(SOON * QUIET + 9 * agenda.TROUBLED) == 2
    assert [rank for _, rank, _ in scene.board.had] == [1, 1]


def test_an_absent_prefect_is_not_asked_for_each_receipt_of_one_with_news(scene: Boarded) -> None:
    scene.answers = [AWAY]
    scene.found = scene.found._replace(stands="released")
    for _ in range(200):
        scene.change()
        scene.beats(2 * BEAT)
    assert 4 <= len(scene.board.had) <= 40 / (SOON * STEADY) + 4, "in 40 seconds: news, then as what goes on changing"


def test_a_moment_without_prefect_puts_no_news_aside(scene: Boarded) -> None:
    scene.board.slow, scene.board.in_hand = True, dict.fromkeys(range(1000, 1000 + LINE), 0.0)
    scene.board.away = 1
    scene.found = scene.found._replace(stands="released")
    scene.change()
    scene.beats(2 * BEAT)
    scene.board.away = 0
    assert scene.shown(SOON * QUIET + BEAT) == 1
    assert scene.board.had == [(scene.id, 2, "")]


def test_what_was_shown_first_is_not_what_was_handed_in_second(scene: Boarded) -> None:
    scene.board.slow = True
    for stands in ("reviewed", "released"):
        scene.found = scene.found._replace(stands=stands)
        scene.change()
        assert scene.shown(SOON * QUIET + 2 * BEAT) == 1
    scene.board.says, scene.board.slow = lambda _: SHOWN, False  # the first of them: it says nothing of the second
    scene.beats(BEAT)
    scene.board.says = lambda _: scene.said()
    scene.change()
    assert scene.shown(SOON * QUIET + 2 * BEAT) == 1
    assert [rank for _, rank, _ in scene.board.had] == [2, 2, 2], "it was never shown as released"


def test_a_run_that_was_ordered_has_as_long_as_ever_to_begin(scene: Boarded) -> None:
    scene.board.need_run.add(scene.id)
    scene.change()
    assert scene.beats(QUIET + 2 * BEAT) == 1
    scene.found = scene.found._replace(stands="released")
    scene.change()
    assert scene.shown(SOON * QUIET - BEAT) == 0
    assert scene.shown(3 * BEAT) == 1
    assert scene.board.had == [(scene.id, 2, "r9")]


def test_what_was_never_shown_stands_not_otherwise(scene: Boarded) -> None:
    scene.noted, scene.found = "", scene.found._replace(stands="ready")
    scene.waker.out.add(scene.id)
    scene.change()
    assert scene.shown(SOON * QUIET + 2 * BEAT) == 1
    assert scene.board.had == [(scene.id, 1, "r9")]


def test_it_waits_for_no_line_that_is_gone(scene: Boarded) -> None:
    scene.board.slow, scene.board.in_hand = True, dict.fromkeys(range(1000, 1000 + LINE), 0.0)
    scene.change()
    assert scene.shown(2 * QUIET) == 0
    del scene.board.in_hand[1000]
    assert scene.shown(3 * BEAT) == 1


def test_trucks_are_no_line(scene: Boarded) -> None:
    trucks = range(1000, 1000 + LINE)
    scene.board.slow, scene.board.in_hand = True, dict.fromkeys(trucks, 0.0)
    scene.waker.size |= dict.fromkeys(trucks, FEW + 1)
    scene.change()
    assert scene.shown(SOON * QUIET + 2 * BEAT) == 1


def test_where_there_is_a_line_what_is_no_news_waits_and_news_passes(scene: Boarded) -> None:
    others = dict.fromkeys(range(1000, 1000 + LINE), 0.0)
    scene.board.slow, scene.board.in_hand = True, others
    scene.change()
    assert scene.shown(FULL * SOON * STEADY - 3 * BEAT) == 0
    assert scene.shown(5 * BEAT) == 1, "but not for ever"
    assert scene.board.had == [(scene.id, 1, "")]
    scene.found = scene.found._replace(stands="released")
    scene.change()
    assert scene.shown(SOON * QUIET + 2 * BEAT) == 1, "it is handed in again, and passes"
    assert scene.board.had[1:] == [(scene.id, 2, "")]
    assert scene.shown(STEADY) == 0
