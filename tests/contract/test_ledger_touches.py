"""What changed: told with the change or not at all, kept until somebody has looked, and never waited for."""

from __future__ import annotations

import pytest

from adapters.ledger import Ledger, events, parcels, shipments, sources, touches


@pytest.fixture
def ident(ledger: Ledger) -> int:
    """A shipment that nobody has to look at."""
    made, _ = shipments.open_shipment(ledger, "AGENT", "MW1", {})
    touches.forget(ledger, [name for rows in touches.touched(ledger).values() for name in rows])
    return made


def test_every_kind_of_change_is_told(ledger: Ledger, ident: int) -> None:
    def told() -> bool:
        rows = touches.touched(ledger)
        touches.forget(ledger, [name for found in rows.values() for name in found])
        return list(rows) == [ident]

    assert shipments.hold(ledger, ident, "why", "Li")
    assert told()
    assert shipments.approve(ledger, ident, "Li")
    assert told()
    assert events.record(ledger, ident, "arrived")
    assert told()
    assert not events.record(ledger, ident, "arrived")
    assert not told(), "it was known"
    assert sources.add_source(ledger, ident, "a.csv", "sha") == (1, True)
    assert told()
    assert sources.add_source(ledger, ident, "a.csv", "sha") == (1, False)
    assert not told()
    assert parcels.set_parcel_states(ledger, ident, {1: ("held", "")}) == 0
    assert not told(), "there is no such parcel"


def test_it_is_told_with_the_change_or_not_at_all(ledger: Ledger, ident: int) -> None:
    class Stop(Exception):
        pass

    with pytest.raises(Stop), ledger.begin() as tx:
        shipments.approve(tx, ident, "Li")
        raise Stop
    assert touches.touched(ledger) == {}


def test_a_run_that_was_asked_for_is_told_with_its_id(ledger: Ledger, ident: int) -> None:
    touches.touch(ledger, [ident, ident], "run-1")
    touches.touch(ledger, [])
    rows = touches.touched(ledger)[ident]
    assert list(rows.values()) == ["run-1"]
    touches.touch(ledger, [ident])
    touches.forget(ledger, list(rows))
    assert list(touches.touched(ledger)[ident].values()) == [""], "only what was looked at is forgotten"


def test_another_transaction_that_has_not_ended_delays_nobody(ledger: Ledger, ident: int) -> None:
    if ledger.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    with ledger.begin() as slow:
        touches.touch(slow, [ident])
        touches.touch(ledger, [ident])
        assert len(touches.touched(ledger)[ident]) == 1
    assert len(touches.touched(ledger)[ident]) == 2, "nothing that is committed later is passed over"
