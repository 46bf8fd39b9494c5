"""A truck's lease is renewed while it is worked on, and ends by time where nobody renews it."""

from __future__ import annotations

import logging
import time

import pytest

from adapters.ledger import leases
from mappings import clock
from mappings.errors import ConfigurationError
from tasks.clearing import alone
from tests.unit.desk import Desk

NAME = alone.name_of(7)


@pytest.fixture(autouse=True)
def _real_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The desk's clock stands still: no lease would end."""
    monkeypatch.delenv(clock.VARIABLE)


def until(desk: Desk) -> float:
    held = leases.holder(desk.office.ledger, NAME)
    return held[1].timestamp() if held else 0.0


def test_it_is_renewed_as_long_as_the_work_lasts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(alone.VARIABLE, "1")
    with alone.alone(desk.office, 7) as mine:
        assert mine
        first, end = until(desk), time.monotonic() + 20
        while not until(desk) > first and time.monotonic() < end:
            time.sleep(0.05)
        assert until(desk) > first
    assert leases.holder(desk.office.ledger, NAME) is None, "no renewal took it again"


def test_one_that_was_taken_over_is_not_renewed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(alone.VARIABLE, "1")
    caplog.set_level(logging.WARNING)
    with alone.alone(desk.office, 7):
        leases.release(desk.office.ledger, NAME, desk.office.worker)
        assert leases.acquire(desk.office.ledger, NAME, "elsewhere:1", 60)
        end = time.monotonic() + 20
        while "another worker's now" not in caplog.text and time.monotonic() < end:
            time.sleep(0.05)
    assert "another worker's now" in caplog.text
    held = leases.holder(desk.office.ledger, NAME)
    assert held is not None
    assert held[0] == "elsewhere:1", "and it is not given back by who lost it"


def test_another_worker_is_kept_out_and_renews_nothing(desk: Desk) -> None:
    leases.acquire(desk.office.ledger, NAME, "elsewhere:1", 60)
    with alone.alone(desk.office, 7) as mine:
        assert not mine


@pytest.mark.parametrize("text", ["soon", "0", "-3", "inf", "nan"])
def test_a_lease_lasts_a_number_of_seconds(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(alone.VARIABLE, text)
    with pytest.raises(ConfigurationError, match=alone.VARIABLE):
        alone.seconds()


def test_it_lasts_a_minute_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(alone.VARIABLE, raising=False)
    assert alone.seconds() == 60
