"""Which run asks a person, and when: once for each state and number of deliveries; how far a long step has come."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from adapters.ledger.tables import shipment
from tasks import publishing
from tests.unit.desk import Desk, files

APPROVE, CORRECT = "approve/approve", "correct-parcels/correct-parcels"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """What Prefect was asked to start; as Prefect does, a key that it knows starts nothing."""
    started: dict[str, dict[str, Any]] = {}

    def run_deployment(deployment: str, **more: Any) -> None:
        started.setdefault(more["idempotency_key"], more | {"deployment": deployment})

    monkeypatch.setattr(publishing, "run_deployment", run_deployment)
    return started


def ask(desk: Desk, state: str) -> None:
    with desk.ledger.begin() as tx:
        tx.execute(update(shipment).values(state=state))
    publishing.ask(desk.standing())


def test_a_person_is_asked_in_every_state_that_has_a_form(desk: Desk, asked: dict[str, dict[str, Any]]) -> None:
    desk.take_in()
    for state in ("awaiting_approval", "awaiting_receipts", "awaiting_correction", "list_refused", "closed"):
        ask(desk, state)
        ask(desk, state)
    assert [one["deployment"] for one in asked.values()] == [APPROVE, CORRECT, CORRECT]
    assert [one["flow_run_name"].split(" ")[0] for one in asked.values()] == ["批准", "更正", "更正"]
    assert {one["parameters"]["shipment"] for one in asked.values()} == {str(desk.id)}
    desk.deliver(*files(desk.made, "waybills.jsonl"), ("later.txt", b"x"), shipment=str(desk.id))
    ask(desk, "awaiting_correction")
    assert [one["deployment"] for one in asked.values()] == [APPROVE, CORRECT, CORRECT, CORRECT], "of new files"


def test_a_bar_is_shown_of_what_takes_longer_than_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    now, told = [0.0], list[tuple[str, float]]()

    def create(percent: float, key: str, _description: str) -> str:
        told.append((key, percent))
        return "bar"

    monkeypatch.setattr(publishing, "stopwatch", lambda: now[0])
    monkeypatch.setattr(publishing, "create_progress_artifact", create)
    monkeypatch.setattr(publishing, "update_progress_artifact", lambda bar, percent: told.append((bar, percent)))
    quick = publishing.progress(7, "list")
    for done in range(1, 101):
        quick(done, 100)
    assert told == []
    alone = publishing.progress(7, "arrive")
    now[0] += 5.0  # it was prepared for long
    alone(1, 1)
    assert told == []
    long = publishing.progress(7, "declare")
    long(0, 100)
    for done in range(1, 101):
        now[0] += 0.125
        long(done, 100)
    assert told[0] == ("shipment-7-declare", 8.0)
    assert told[1:] == [("bar", float(percent)) for percent in (24, 40, 56, 72, 88, 100)]
