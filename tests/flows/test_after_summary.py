"""The monthly summary of a truck's inventories with statistics flag B: 701, 702 and, by itself, 792."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from adapters import home as homes
from adapters.ledger import applications, messages
from deployments import applications as doors
from mappings import clock
from tasks import office as offices
from tests.chaos import trucks
from tests.chaos.sandboxes import Sandboxes
from tests.flows.after import CN, After, export

pytestmark = pytest.mark.slow
SUMMARY, SPEED, NEXT_MONTH = "CEB701Message", 600.0, "2026-12-02T08:00:00+08:00"


@pytest.fixture
def month(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandboxes]:
    """Authorities of its own, whose clock is put forward."""
    running = Sandboxes(tmp_path / "authorities", SPEED)
    monkeypatch.setenv(clock.VARIABLE, running.clock.variable())
    monkeypatch.setenv(homes.VARIABLE, str(tmp_path / "home"))
    monkeypatch.delenv("TONGGUAN_LEDGER", raising=False)
    running.start()
    offices.office.cache_clear()
    yield running
    running.stop()
    offices.office.cache_clear()


def to_next_month(here: After, patch: pytest.MonkeyPatch) -> None:
    """The month is over, for the authorities and for us."""
    here.sandboxes.stop()
    here.sandboxes.clock = clock.starting(datetime.fromisoformat(NEXT_MONTH), SPEED)
    patch.setenv(clock.VARIABLE, here.sandboxes.clock.variable())
    here.sandboxes.start()


def test_a_months_closed_inventories_are_summed_and_the_declarations_number_is_kept(
    month: Sandboxes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = trucks.template(tmp_path / "template", month)
    here = export(tmp_path, template, month, 3, statistics_flag="B")
    here.until(lambda at: len(at.in_state("reviewed")) == 3)
    here.to_its_end()
    to_next_month(here, monkeypatch)
    (told,) = doors.summarise(here.office, "", "agent", approved=True)
    assert (told["kind"], told["new"], told["refused"]) == ("summary", 1, [])
    assert doors.summarise(here.office, "", "agent", approved=True)[0]["new"] == 0, "asking again is harmless"
    here.until(lambda at: {d.state for d in at.documents.get(SUMMARY, {}).values()} == {"summed"})
    (row,) = applications.listing(here.office.ledger, here.id, ["summary"])
    assert (row.state, row.document_state) == ("granted", "summed")
    (document,) = messages.documents(here.office.ledger, here.id, type=SUMMARY)
    assert document.return_status == "792"
    assert "entryId" in document.return_info
    assert here.listed(SUMMARY) == [set(here.made.orders())]
    assert here.standing().state() == "closed"
    assert len(month.received(CN, type=SUMMARY)) == 1
    here.clean()
    here.office.ledger.close()
