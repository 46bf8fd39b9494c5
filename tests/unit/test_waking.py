"""Who starts a run, and in which lane: the command, a push, a change told to the gateway."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from adapters import home as homes
from adapters.ledger import touches
from deployments import pools, services, settings
from deployments.cli import main
from tests.unit.prefect_double import PrefectServer
from tests.unit.world import captured, home, prefect, truck

__all__ = ["captured", "home", "prefect", "truck"]


@pytest.fixture
def pooled(home: Path, prefect: PrefectServer) -> PrefectServer:
    """An installation whose runs go to a work pool."""
    settings.Running(os.getpid(), "sandbox", prefect.base, "http://127.0.0.1:1", pool="tongguan").write(home)
    return prefect


@pytest.mark.parametrize("change", ["approve", "hold"])
def test_what_a_person_decides_is_told_to_the_pulse_and_starts_no_run(
    captured: int, pooled: PrefectServer, change: str
) -> None:
    at = services.office(homes.read())
    touches.forget(at.ledger, list(touches.touched(at.ledger)[captured]))
    assert touches.touched(at.ledger) == {}
    decided = services.approve(at, captured, "Li") if change == "approve" else services.hold(at, captured, "x", "Li")
    assert decided
    assert list(touches.touched(at.ledger)) == [captured]
    assert pooled.runs == [], "the pulse starts it, once"


def test_a_run_that_a_person_starts_takes_the_lane_of_its_size(
    captured: int, pooled: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = services.office(homes.read())
    services.wake(at, captured)
    monkeypatch.setattr(pools, "FEW", 59)
    services.wake(at, captured)
    assert [run["work_queue_name"] for run in pooled.runs] == [pools.EXPRESS, pools.TRUCKS]


def test_where_nothing_says_that_it_runs_the_environment_does(
    home: Path, captured: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = services.office(homes.read())
    monkeypatch.delenv(pools.VARIABLE, raising=False)
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect:4200/api")
    assert services.prefect_of(at) == ("", "")
    monkeypatch.setenv(pools.VARIABLE, "pool")
    assert services.prefect_of(at) == ("http://prefect:4200", "pool")


def test_before_it_is_worked_up_the_rows_of_its_files_say_how_large_it_is(home: Path, truck: Path) -> None:
    from tasks.clearing import intake

    at = services.office(homes.read())
    ident = services.receive_files(at, services.files_in(truck), "test")
    assert intake.size(at.ledger, ident) >= 60, "lines of goods, at the most"
    services.work_up(at, ident)
    assert intake.size(at.ledger, ident) == 60


def test_a_worker_of_no_slot_is_told_what_to_write(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["work", "--express", "0", "--trucks", "0"])
    assert end.value.code == 3
    assert "--express 1" in capsys.readouterr().err
