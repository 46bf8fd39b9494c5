"""The day's short form: two trucks from a pool to their end, and its table. Nothing is timed."""

from __future__ import annotations

import os
import re

import pytest

from deployments import pools
from tests.bench import day, pool_way
from tests.bench.day_report import BEGIN, END, Day, Said, Went, page
from tests.long import LONG
from tests.scale.cluster import Absent


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_trucks_too_large_for_the_express_lane_end_in_order_and_the_table_says_where_the_time_went(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TONGGUAN_CLOCK", "")
    monkeypatch.delenv("TONGGUAN_LEDGER", raising=False)
    short = [
        "--trucks",
        "2",
        "--parcels",
        str(pools.FEW + 10),
        "--workers",
        "1",
        "--wave",
        "2",
        "--at-once",
        "2",
        "--speed",
        "1200",
    ]
    try:
        code = day.main([*short, "--patience", "240", "--no-page"])
    except Absent as absent:
        if os.environ.get("TONGGUAN_REQUIRE_SERVERS") == "1":
            pytest.fail(str(absent))
        pytest.skip(str(absent))
    told = capsys.readouterr().out
    assert code == 0, told
    assert "2 trucks, 420 parcels" in told
    assert re.search(r"closed 420; [1-9]\d* were turned down and declared anew", told)
    parts = ("workers", "PostgreSQL, ledger", "Prefect server", "sandbox China", "bench: into the pool")
    for part in (*parts, "pulse: ear", "pulse: truck-desk"):
        assert f"| {part} |" in told
    for stage in ("capture, clean, match", "declare"):
        assert f"| {stage} |" in told


def made(**values: object) -> Day:
    said = Said(10, 20.0, {"declare": (4, 8.0), "never": (0, 0.0)})
    went = Went({"closed": 100}, {"CEB603Message": 101}, 1, [])
    used = {"workers": 6.0, "Prefect server": 3.0, "PostgreSQL, Prefect": 1.0}
    every = {"trucks": 2, "parcels": 100, "workers": 1, "speed": 60.0, "wall": 50.0, "used": used, "share": 0.9,
             "load": 1.5, "said": said, "here": {"into the pool": 1.0}, "went": went, "corrected": 1}  # fmt: skip
    return Day(**{**every, **values})  # type: ignore[arg-type]


def test_the_page_says_what_prefect_costs() -> None:
    told = page(made(), 2)
    assert told.startswith(BEGIN) and told.endswith(END)
    assert "2 trucks, 100 parcels, 101 documents: 50 s, 2 parcels a second" in told
    assert "| workers | 6.0 | 60% | 60.00 |" in told
    assert "| declare | 4 | 8.0 | 2.000 |" in told
    assert "never" not in told
    assert "10 runs (5.0 a truck), 2.00 s each, of which 1.20 s outside all stages" in told
    assert "4.0 s of CPU, 40% of all, 0.40 s a run" in told


def test_what_is_not_in_order_is_said() -> None:
    assert made().in_order
    assert not made(corrected=2).in_order
    lost = made(went=Went({"closed": 99, "held": 1}, {}, 1, []))
    assert "**not in order**: closed 99, held 1" in page(lost, 2)
    assert "**not in order**: a second send" in page(made(went=Went({"closed": 100}, {}, 1, ["a second send"])), 2)


def test_what_was_there_before_the_day_is_taken_off() -> None:
    after = Said(5, 9.0, {"declare": (3, 4.0), "list": (1, 1.0)}) - Said(2, 4.0, {"declare": (1, 1.5)})
    assert (after.runs, after.seconds) == (3, 5.0)
    assert after.stages == {"declare": (2, 2.5), "list": (1, 1.0)}


def test_more_trucks_than_there_are_numbers_for_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        day.arguments_of(["--trucks", "901"])
    assert "1 to 900" in capsys.readouterr().err


@LONG
def test_the_way_of_the_pool_is_measured(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGGUAN_CLOCK", "")
    monkeypatch.delenv("TONGGUAN_LEDGER", raising=False)
    assert pool_way.main(["--rows", "50"]) == 0
    told = capsys.readouterr().out
    assert "| payments.csv into the pool | 50 |" in told
    assert "| a truck out of the pool | 50 |" in told
