"""`make latency` in short, against the real servers: every series is measured to its end. No time is judged here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.bench import latency
from tests.scale.cluster import Absent

pytestmark = [pytest.mark.long, pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(420)]


def test_every_series_comes_to_its_end_and_what_waits_costs_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TONGGUAN_CLOCK", "")
    monkeypatch.delenv("TONGGUAN_LEDGER", raising=False)
    try:
        figures = latency.measure(tmp_path, times=1, trucks=1, parcels=20)
    except Absent as absent:
        if os.environ.get("TONGGUAN_REQUIRE_SERVERS") == "1":
            pytest.fail(str(absent))
        pytest.skip(str(absent))
    assert [len(series.seconds) for series in figures.series] == [1] * 5
    assert figures.background == (20, 20)
    assert figures.waits.after == figures.waits.before > 0
    assert figures.waits.each > 0
