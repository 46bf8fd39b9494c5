"""What a sweep takes on, with a pulse and without one, and what says that a pulse runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.ledger import leases, shipments, touches
from mappings import clock
from mappings.errors import ConfigurationError
from tasks import ears, looks, stages, sweeping
from tasks import office as offices
from tasks.clearing import settling
from tasks.clearing.alone import name_of
from tasks.office import Office
from tests.unit.world import captured, home, truck

__all__ = ["captured", "home", "truck"]


@pytest.fixture
def here(captured: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """A shipment that was shown as it is, which Prefect knows; nothing has touched it since."""
    offices.office.cache_clear()
    made = offices.office()
    looks.note_run(settling.settle_shipment(made, captured), clock.now())
    _forget(made)
    monkeypatch.setattr(sweeping, "unknown_to_prefect", lambda ids: set())
    yield made
    offices.office.cache_clear()


def _forget(here: Office) -> None:
    touches.forget(here.ledger, [name for rows in stages.touched().values() for name in rows])


def test_without_a_pulse_every_open_shipment_is_taken_on(here: Office) -> None:
    assert not ears.lives(here, ears.WAKER)
    assert sweeping.due() == [1]


def test_beside_a_pulse_only_what_was_left(here: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    ears.Word(ears.EAR).here(here)
    assert sweeping.due() == [1], "an ear says nothing of the waker"
    ears.Word(ears.WAKER).here(here)
    assert sweeping.due() == []
    shipments.hold(here.ledger, 1, "why", "a person")
    assert sweeping.due() == [], "the pulse is told of it, and the ledger keeps that"
    _forget(here)
    assert sweeping.due() == [1], "it looks otherwise, and nobody knows"
    leases.acquire(here.ledger, name_of(1), "elsewhere:1", 60)
    _forget(here)
    assert sweeping.due() == [], "somebody is at it"
    leases.release(here.ledger, name_of(1), "elsewhere:1")
    _forget(here)

    def broken(_: int) -> looks.Look:
        raise ConfigurationError("no such procedure")

    monkeypatch.setattr(looks, "look", broken)
    assert sweeping.due() == [1], "its run says what is wrong"


def test_what_prefect_has_lost_is_shown_again(here: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    ears.Word(ears.WAKER).here(here)
    monkeypatch.setattr(sweeping, "unknown_to_prefect", set)
    assert sweeping.due() == [1]


def test_what_the_pulse_has_had_in_hand_for_long_is_taken_on(here: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    ears.Word(ears.WAKER).here(here)
    shipments.hold(here.ledger, 1, "why", "a person")
    assert sweeping.due() == []
    monkeypatch.setattr(sweeping, "PATIENCE", 0.0)
    assert sweeping.due() == [1], "it was seen before, and is still there"
    _forget(here)
    looks.note_run(settling.settle_shipment(here, 1), clock.now())
    _forget(here)
    assert sweeping.due() == []


def test_an_application_whose_message_did_not_leave_is_taken_on(here: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    ears.Word(ears.WAKER).here(here)
    monkeypatch.setattr(looks.applications, "anything_to_do", lambda _: True)
    assert sweeping.due() == [1]


def test_one_is_at_work_as_long_as_it_says_so_and_its_process_is_there(here: Office) -> None:
    word = ears.Word(ears.EAR)
    word.here(here)
    assert ears.lives(here, ears.EAR)
    assert not ears.lives(here, ears.WAKER)
    for missed in ("customs does not answer", "another", ""):
        word.here(here, missed)
        assert ears.unreached(here) == [missed] * bool(missed)
    word.gone(here)
    assert not ears.lives(here, ears.EAR)
    word.here(here)
    assert not ears.lives(here, ears.EAR), "it has said so just now, and says it again in a while"
    host = here.worker.partition(":")[0]
    leases.acquire(here.ledger, ears.EAR, f"{host}:999999999", 60)
    assert not ears.lives(here, ears.EAR), "its process is dead"
    leases.acquire(here.ledger, ears.EAR, "elsewhere:1", 60)
    assert ears.lives(here, ears.EAR), "another host's"
    ears.Word(ears.EAR).here(here)
    assert leases.holder(here.ledger, ears.EAR)[0] == "elsewhere:1", "one is enough"  # type: ignore[index]
