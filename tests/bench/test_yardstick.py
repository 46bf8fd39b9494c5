"""The yardstick beside a measurement."""

from __future__ import annotations

import re

import pytest

from tests.bench import yardstick
from tests.bench.yardstick import Pace, Yardstick


def test_it_says_how_fast_the_machine_was_before_and_after(monkeypatch: pytest.MonkeyPatch) -> None:
    took = iter([0.3, 0.25, 0.4, 0.5, 0.6, 0.7])
    monkeypatch.setattr(yardstick, "_turns", lambda _: next(took))
    assert Yardstick().line() == "Ten million turns of an empty loop took 0.25 s of CPU before, 0.50 s after."


def test_it_measures_turns_of_a_loop() -> None:
    assert yardstick.loop(20_000) > 0
    assert re.search(r"\d\.\d\d s of CPU before, \d\.\d\d s after", Yardstick(0.0).line())


def test_a_pace_is_the_mean_of_its_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    pace = Pace()
    assert pace.mean == 0
    took = iter([0.1, 0.3])
    monkeypatch.setattr(yardstick, "piece", lambda: next(took))
    pace.take()
    pace.take()
    assert pace.mean == pytest.approx(0.2)


def test_a_piece_of_work_takes_time() -> None:
    assert yardstick.piece() > 0
