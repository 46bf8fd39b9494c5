"""Two deliveries at once: one shipment, every file once, and a timeline that tells which came with which."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters import home as homes
from adapters.ledger import shipments, sources
from mappings import clock
from tasks.clearing import intake
from tasks.office import Office, open_office
from tests.contract.conftest import postgres_url
from tests.unit.desk import CLOCK, files, truck


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def address(request: pytest.FixtureRequest) -> Iterator[str | None]:
    if request.param == "sqlite":
        yield None
    else:
        yield from postgres_url()


def test_the_same_folder_from_several_at_once(
    tmp_path: Path, address: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(clock.VARIABLE, CLOCK)
    monkeypatch.delenv("TONGGUAN_LEDGER", raising=False)
    here = open_office(homes.Home(tmp_path, ledger=address))
    first = files(truck(3))
    late = [("waybills-2.jsonl", files(truck(2), "waybills.jsonl")[0][1])]
    for delivery in (first, late):
        at_once(here, delivery)
    (row,) = shipments.listing(here.ledger)
    assert len(sources.sources(here.ledger, row.id)) == len(first) + 1
    assert intake.deliveries(here, row.id) == [first, late]
    here.ledger.close()


def at_once(here: Office, delivery: list[tuple[str, bytes]]) -> None:
    """The same delivery by four senders in the same moment."""
    start, trouble = threading.Barrier(4), []

    def deliver() -> None:
        start.wait()
        try:
            intake.receive_files(here, delivery, "HZMBDEMO000001" if len(delivery) == 1 else "", "sender")
        except Exception as error:
            trouble.append(error)

    threads = [threading.Thread(target=deliver) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert trouble == []
