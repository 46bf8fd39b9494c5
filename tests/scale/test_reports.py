"""What the measurements of scale and latency compute, without measuring."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.bench.latency_report import Figures, Series, Waits, text
from tests.scale.__main__ import BEGIN, END, Round, table, written
from tests.scale.busy import Busy


def test_percentiles_are_values_that_were_measured() -> None:
    series = Series("x", [float(n) for n in range(1, 101)], 95, 95.0)
    assert (series.at(50), series.at(95), series.at(99)) == (50, 95, 99)
    assert series.met
    assert Series("x", [0.5], 99, 0.2).at(99) == 0.5
    assert not Series("x", [0.1, 0.1, 0.3], 99, 0.2).met


def test_the_page_says_where_an_aim_was_missed() -> None:
    page = text(
        Figures(
            [Series("slow", [3.0], 95, 2.0), Series("fast", [1.0], 95, 2.0)], Waits(9, 5, 5, 20480.0), 7, (1600, 800)
        ),
        2,
    )
    assert "| slow | 1 | 3.00 | 3.00 | 3.00 | p95 ≤ 2 s: **missed** |" in page
    assert "| fast | 1 | 1.00 | 1.00 | 1.00 | p95 ≤ 2 s: met |" in page
    assert "7 shipments waited" in page
    assert "5 processes before and 5 after, and the ledger was larger by 20,480 bytes" in page


def test_the_full_resource_is_named_by_whoever_uses_most_of_it() -> None:
    full = Round(2, 1000, 10.0, {"workers": 9.0, "PostgreSQL": 7.0}, 0.97)
    assert full.full == "CPU, workers most"
    assert "| 2 | 1,000 | 10 | 100 | 9.0 | 7.0 |" in full.row()
    assert Round(2, 1000, 10.0, {"workers": 3.0}, 0.4).full.startswith("none")


def test_only_what_stands_between_the_markers_is_replaced() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    made = table([Round(1, 10, 1.0, {}, 0.5)], 2)
    new = written(page, made)
    assert new.startswith("before\n")
    assert new.endswith("\nafter\n")
    assert "old" not in new
    assert written(new, made) == new
    with pytest.raises(ValueError, match="no markers"):
        written("nothing", made)


def test_the_cpu_of_processes_that_come_and_go_is_counted() -> None:
    spin = "import time; end = time.process_time() + 1.0\nwhile time.process_time() < end: pass\ninput()"
    started: list[subprocess.Popen[bytes]] = []
    with Busy(lambda: {"them": [p.pid for p in started], "us": [os.getpid()]}) as busy:
        started.append(subprocess.Popen([sys.executable, "-c", spin], stdin=subprocess.PIPE))
        while busy.used.get("them", 0.0) < 1.0 and started[0].poll() is None:
            pass
        started[0].communicate(b"\n", timeout=60)
    assert busy.used["them"] >= 1.0
    assert 0 < busy.share <= 1.01
    assert busy.wall > 0.9
