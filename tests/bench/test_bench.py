"""The benchmark's short form: it runs, the floor makes the very same bytes, and it says its ratio. Nothing is timed."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mappings import clock
from mappings.identity import seeded
from tasks.conversion.declare import declarations
from tasks.conversion.messages import Making
from tests.bench.__main__ import main
from tests.bench.floor import floor, shape
from tests.bench.stopwatch import Rounds, repeated, shares
from tests.factory import make_batch
from tests.long import LONG


@LONG  # .ci/run has it as `make bench ARGS=--short`
def test_the_short_form_prints_every_part(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(clock.VARIABLE, "")
    assert main(["--short"]) == 0
    told = capsys.readouterr().out
    for part in ("template", "parse", "schema", "sign", "insert", "capture", "match", "convert", "peak memory"):
        assert f"| {part}" in told
    assert "| parcels declared | 300 |" in told
    assert "| documents | 1,200 |" in told
    with capsys.disabled():
        ratio = next(line for line in told.splitlines() if "share of the floor" in line)
        print(f"\n{ratio}")


def test_the_floor_fills_templates_to_the_products_bytes_and_inserts_every_document(tmp_path: Path) -> None:
    messages = declarations(make_batch(120, 2.5), Making(seeded(1), datetime(2026, 11, 23, tzinfo=UTC)))
    assert [shape(m).filled() for m in messages] == [m.body for m in messages]
    assert len({id(t) for t, _ in shape(messages[0]).documents}) < len(shape(messages[0]).documents)
    rounds = Rounds()
    floor(messages, tmp_path)(rounds)
    assert list(rounds.seconds()) == ["template", "parse", "schema", "sign", "insert"]
    with sqlite3.connect(tmp_path / "floor1.sqlite") as database:
        assert database.execute("SELECT count(*) FROM document").fetchone() == (4 * 120,)


def test_rounds_are_medians_and_totals_are_of_whole_rounds() -> None:
    rounds = Rounds({"a": [1.0, 5.0, 2.0], "b": [10.0, 1.0, 1.0]})
    assert rounds.seconds() == {"a": 2.0, "b": 1.0}
    assert rounds.total() == 6.0


def test_a_share_is_of_rounds_that_followed_each_other() -> None:
    """A machine that is half as fast from the second pair on changes neither pair's share."""
    ours, least = Rounds({"whole": [2.0, 4.0, 5.0]}), Rounds({"a": [0.5, 1.0, 1.0], "b": [0.5, 1.0, 1.0]})
    assert shares(least, ours) == 0.5
    order: list[str] = []
    assert len(repeated(2, lambda _: order.append("path"), lambda _: order.append("floor"))) == 2
    assert order == ["path", "floor"] * 3
