"""The measures of the stages and of the sustained run, in short: every stage is seen and every parcel answered."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from adapters import home as homes
from mappings import clock
from tests.bench import stages, stages_report, sustained, sustained_report
from tests.bench.meter import Cost, Meter, cpu_of, memory_of
from tests.long import long_but


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(clock.VARIABLE, "")
    monkeypatch.setenv(homes.VARIABLE, "")


def _burn(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_what_an_inner_stage_needs_is_not_the_outer_ones() -> None:
    meter = Meter(os.getpid())
    with meter.stage("outer"):
        with meter.stage("inner"):
            _burn(0.2)
            _burn(0.2)
        _burn(0.05)
    assert meter.costs["inner"].cpu >= 0.4
    assert 0.05 <= meter.costs["outer"].cpu < meter.costs["inner"].cpu
    assert meter.costs["inner"].other > 0, "here the other process is this one"
    assert meter.costs["inner"].peak >= 1


def test_a_sum_is_given_at_the_speed_of_another_size() -> None:
    slow = stages.Sized(10, 1, 90, {"send": Cost(cpu=30e-6)}, 1.0, pace=0.03)
    quick = stages.Sized(10, 1, 90, {"send": Cost(cpu=10e-6)}, 1.0, pace=0.01)
    assert slow.at_pace_of(quick) == pytest.approx(1.0)
    assert slow.at_pace_of(stages.Sized(1, 1, 9, {}, 1.0)) == pytest.approx(3.0), "no pace is known: as it was"


def test_another_process_is_read_by_its_number() -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            end = time.monotonic() + 20
            while cpu_of(busy.pid) < 0.05 and time.monotonic() < end:
                time.sleep(0.05)
            assert cpu_of(busy.pid) >= 0.05
            assert memory_of(busy.pid) > 1
        finally:
            busy.kill()


@pytest.mark.slow
def test_every_stage_is_measured_and_every_parcel_answered(tmp_path: Path) -> None:
    found = stages.measure(tmp_path, 120, 60)
    assert (found.parcels, found.trucks) == (120, 2)
    assert set(found.costs) == set(stages.ORDER)
    assert found.receipts == 9 * 120, "nine receipts a parcel"
    assert all(cost.cpu > 0 for cost in found.costs.values())
    assert set(found.floor) == {"receive", "settle"}
    assert found.pace > 0
    page = stages_report.text([found])
    for name in stages.ORDER:
        assert f"| {name} |" in page
    chart = stages_report.chart(found)
    assert chart.startswith("<svg")
    assert chart.count("<rect") == 2 * len(stages.ORDER) + 1


@pytest.mark.slow
@pytest.mark.parametrize("workers", long_but([1, 2], 2))
def test_a_sustained_run_settles_all_and_its_audit_is_clean(tmp_path: Path, workers: int) -> None:
    found = sustained.run(tmp_path, seconds=4.0, workers=workers, truck=60, window=1.0, most=3)
    assert found.findings == []
    assert found.second == 0
    assert 0 < found.answered <= found.parcels <= 180
    assert found.held > 0, "some parcels are dirty"
    assert found.unanswered == 0
    assert set(found.cpu) == {"sandbox", "declare 0", *(["hear"] if workers > 1 else [])}
    assert all(cpu > 0 for cpu in found.cpu.values()), "also of who ended before anybody looked"
    told = sustained_report.page(found)
    assert f"| **{found.answered / found.lasted:,.0f}** |" in told
    assert "aim | 2,834: **missed** |" in told, "of three small trucks"
