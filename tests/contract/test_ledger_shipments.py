"""Shipments, their timeline, raw bytes, files, snapshots, leases and cursors."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from adapters.ledger import Ledger, conversions, events, leases, raws, shipments, sources
from adapters.ledger.conversions import Conversion
from mappings import clock
from mappings.errors import ConfigurationError


def kinds(ledger: Ledger, ident: int) -> list[str]:
    return [event.kind for event in events.timeline(ledger, ident)]


def test_the_same_identity_never_makes_a_second_shipment(ledger: Ledger) -> None:
    first = shipments.open_shipment(ledger, "A", "M1", {"x": 1}, label="粤Z1", source="folder")
    shipments.set_state(ledger, first[0], "matched")
    assert shipments.open_shipment(ledger, "A", "M1", {"x": 2}) == (first[0], False)
    kept = shipments.get(ledger, first[0])
    assert (kept.state, kept.truck, kept.label) == ("matched", {"x": 1}, "粤Z1")
    assert shipments.open_shipment(ledger, "B", "M1", {})[1], "another agent's waybill is another shipment"
    assert kinds(ledger, first[0]) == ["captured", "matched"]


def test_eight_at_once_open_one_shipment(ledger: Ledger) -> None:
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(lambda _: shipments.open_shipment(ledger, "A", "M", {}), range(8)))
    assert len({ident for ident, _ in opened}) == 1
    assert sum(created for _, created in opened) == 1


def test_find_by_id_waybill_or_plate(ledger: Ledger) -> None:
    first, _ = shipments.open_shipment(ledger, "A", "M1", {}, label="粤ZAB12港")
    second, _ = shipments.open_shipment(ledger, "A", str(first), {}, label="粤ZAB12港")
    assert shipments.find(ledger, "M1").id == first
    assert shipments.find(ledger, "粤ZAB12港").id == second, "a plate means its newest shipment"
    assert shipments.find(ledger, str(second)).id == second
    assert shipments.find(ledger, str(first)).id == second, "a waybill goes before an id"
    assert shipments.find(ledger, "9" * 30) is None
    with pytest.raises(ConfigurationError, match="no shipment 99"):
        shipments.get(ledger, 99)


def test_states_write_one_event_each(ledger: Ledger) -> None:
    ident, _ = shipments.open_shipment(ledger, "A", "M1", {})
    assert shipments.set_state(ledger, ident, "declared", detail={"n": 3})
    assert not shipments.set_state(ledger, ident, "declared")
    assert shipments.set_state(ledger, ident, "closed")
    row = shipments.get(ledger, ident)
    assert (row.state, row.previous_state) == ("closed", "declared")
    assert row.closed_at is not None
    assert row.closed_at.tzinfo is not None
    assert kinds(ledger, ident) == ["captured", "declared", "closed"]
    assert events.timeline(ledger, ident)[1].detail == {"n": 3}
    with pytest.raises(ConfigurationError):
        shipments.set_state(ledger, 99, "closed")


def test_hold_resume_and_approval_happen_once(ledger: Ledger) -> None:
    ident, _ = shipments.open_shipment(ledger, "A", "M1", {})
    assert shipments.hold(ledger, ident, "driver ill", "amy")
    assert not shipments.hold(ledger, ident, "again", "bob")
    assert shipments.get(ledger, ident).held_reason == "driver ill"
    assert shipments.resume(ledger, ident, "amy")
    assert not shipments.resume(ledger, ident, "amy")
    assert shipments.approve(ledger, ident, "amy")
    assert not shipments.approve(ledger, ident, "bob")
    assert shipments.get(ledger, ident).approved_by == "amy"
    assert shipments.withdraw_approval(ledger, ident, "tongguan", "corrected")
    assert not shipments.withdraw_approval(ledger, ident, "tongguan")
    assert shipments.get(ledger, ident).approved_at is None
    shipments.set_truck(ledger, ident, {"y": 2}, "粤Z2", "amy")
    assert (shipments.get(ledger, ident).truck, shipments.get(ledger, ident).label) == ({"y": 2}, "粤Z2")
    assert kinds(ledger, ident) == ["captured", "held", "resumed", "approved", "approval-withdrawn", "truck-corrected"]


def test_listing_by_state(ledger: Ledger) -> None:
    idents = [shipments.open_shipment(ledger, "A", f"M{n}", {})[0] for n in range(3)]
    shipments.set_state(ledger, idents[1], "closed")
    assert [s.id for s in shipments.listing(ledger)] == idents
    assert [s.id for s in shipments.listing(ledger, states=("closed",))] == [idents[1]]
    assert [s.id for s in shipments.listing(ledger, but=("closed",))] == [idents[0], idents[2]]


def test_physical_events_happen_once_and_keep_their_own_time(ledger: Ledger) -> None:
    ident, _ = shipments.open_shipment(ledger, "A", "M1", {})
    at = datetime(2026, 11, 23, 16, 5, 1, 123456, tzinfo=UTC)
    assert events.record(ledger, ident, "arrived", at, "yard", {"gate": 4})
    assert not events.record(ledger, ident, "arrived", at + timedelta(hours=1), "yard")
    assert events.happened(ledger, ident, "arrived") == at
    assert events.happened(ledger, ident, "crossed") is None
    assert events.record(ledger, ident, "note")
    assert events.record(ledger, ident, "note"), "other events may happen often"
    assert events.record(ledger, ident, "alarm", once=True)
    assert not events.record(ledger, ident, "alarm", once=True)


def test_a_time_without_zone_is_refused(ledger: Ledger) -> None:
    ident, _ = shipments.open_shipment(ledger, "A", "M1", {})
    with pytest.raises(Exception, match="no zone"):
        events.record(ledger, ident, "x", datetime(2026, 1, 1))  # noqa: DTZ001


def test_raw_bytes_wait_until_read_or_parked(ledger: Ledger) -> None:
    one, two, three = (raws.store_raw(ledger, "in", "cn", "poll", "customs", body) for body in (b"1", b"2", b"3"))
    raws.store_raw(ledger, "out", "cn", "http", "me", b"1")
    raws.store_raw(ledger, "in", "hk", "http", "hk", b"1")
    assert raws.unread(ledger, "cn") == [one, two, three]
    assert raws.unread(ledger, "cn", limit=1) == [one]
    raws.mark_read(ledger, one)
    raws.park(ledger, two, "no XML")
    assert (raws.unread(ledger, "cn"), raws.parked(ledger, "cn")) == ([three], [two])
    head = raws.head(ledger, two)
    assert (head.reason, head.size, head.sha256) == ("no XML", 1, hashlib.sha256(b"2").hexdigest())
    assert raws.body(ledger, two) == b"2"
    assert raws.seen(ledger, "cn", b"2") == two
    assert raws.seen(ledger, "cn", b"9") is None
    ident, _ = shipments.open_shipment(ledger, "A", "M1", {})
    raws.mark_read(ledger, two, ident)
    assert raws.head(ledger, two).shipment_id == ident


def test_the_same_file_again_is_the_same_version(ledger: Ledger) -> None:
    ident, _ = shipments.open_shipment(ledger, "A", "M1", {})
    add = {"kind": "orders", "sender": "shop", "profile": "p", "rows": 5}
    assert sources.add_source(ledger, ident, "orders.csv", "aa", **add) == (1, True)
    assert sources.add_source(ledger, ident, "orders.csv", "aa", **add) == (1, False)
    assert sources.add_source(ledger, ident, "orders.csv", "bb", **add) == (2, True)
    assert sources.add_source(ledger, ident, "pay.csv", "aa", kind="payments", sender="pay") == (1, True)
    assert [(s.name, s.version) for s in sources.sources(ledger, ident)] == [
        ("orders.csv", 1), ("orders.csv", 2), ("pay.csv", 1),
    ]  # fmt: skip


def test_snapshots_have_versions(ledger: Ledger) -> None:
    ident, _ = shipments.open_shipment(ledger, "A", "M1", {})
    assert sources.load_snapshot(ledger, ident, "matched") is None
    assert [sources.save_snapshot(ledger, ident, "matched", body) for body in (b"a", b"a", b"b", b"a")] == [1, 1, 2, 3]
    assert sources.save_snapshot(ledger, ident, "cleaned", b"c") == 1
    assert sources.load_snapshot(ledger, ident, "matched") == b"a"
    assert sources.load_snapshot(ledger, ident, "matched", 2) == b"b"


def test_conversions_of_a_message_type_replace_each_other(ledger: Ledger) -> None:
    ident, _ = shipments.open_shipment(ledger, "A", "M1", {})
    rows = [Conversion("a/b", "order.freight", "rounded", 3, "1.005", "half even"), Conversion("-", "x", "dropped", 1)]
    assert conversions.replace_conversions(ledger, ident, "hk_road", "ACI", rows) == 2
    conversions.replace_conversions(ledger, ident, "cn", "603", rows[:1])
    conversions.replace_conversions(ledger, ident, "hk_road", "ACI", rows[:1])
    assert [(c.authority, c.target, c.example) for c in conversions.conversions(ledger, ident)] == [
        ("cn", "a/b", "1.005"), ("hk_road", "a/b", "1.005"),
    ]  # fmt: skip
    assert len(conversions.conversions(ledger, ident, "hk_road")) == 1


def test_a_lease_has_one_owner(ledger: Ledger) -> None:
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda n: leases.acquire(ledger, "truck:1", f"w{n}", 60), range(8)))
    assert sum(won) == 1
    owner = f"w{won.index(True)}"
    found = leases.holder(ledger, "truck:1")
    assert found is not None
    assert found[0] == owner
    assert leases.acquire(ledger, "truck:1", owner, 60), "its owner may renew it"
    assert not leases.release(ledger, "truck:1", "stranger")
    assert leases.release(ledger, "truck:1", owner)
    assert leases.acquire(ledger, "truck:1", "next", 60)


def test_a_lease_that_is_over_can_be_taken_and_not_renewed(ledger: Ledger) -> None:
    with leases.lease(ledger, "x", "old", 0.05) as held:
        assert held is not None
        time.sleep(0.1)
        assert leases.holder(ledger, "x") is None
        assert leases.acquire(ledger, "x", "new", 60)
        assert not held.renew()
    found = leases.holder(ledger, "x")
    assert found is not None
    assert found[0] == "new", "leaving the block does not take the new owner's lease"


def test_the_lease_block(ledger: Ledger) -> None:
    with leases.lease(ledger, "x", "one") as held, leases.lease(ledger, "x", "two") as other:
        assert held is not None
        assert held.renew()
        assert other is None
    assert leases.holder(ledger, "x") is None


def test_lease_seconds_are_real_on_a_fast_clock(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(clock.VARIABLE, clock.starting(datetime(2026, 1, 1, tzinfo=UTC), 3600).variable())
    assert leases.acquire(ledger, "x", "one", 30)
    time.sleep(0.02)  # more than a minute on this clock
    assert not leases.acquire(ledger, "x", "two", 30)


def test_cursors_move(ledger: Ledger) -> None:
    assert leases.get_cursor(ledger, "cn", "DXP1", "start") == "start"
    leases.set_cursor(ledger, "cn", "DXP1", "a")
    leases.set_cursor(ledger, "cn", "DXP1", "b")
    leases.set_cursor(ledger, "cn", "DXP2", "c")
    assert leases.get_cursor(ledger, "cn", "DXP1") == "b"
    leases.set_cursor(ledger, "hk", "DXP1", "d")
    assert leases.cursors_of(ledger, "DXP1", ("cn", "hk", "mo")) == {"cn": "b", "hk": "d"}
    assert leases.cursors_of(ledger, "DXP1", ("hk",)) == {"hk": "d"}


def test_a_lease_of_a_dead_process_is_forgotten(ledger: Ledger) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    here = socket.gethostname()
    for owner, freed in (
        (f"{here}:{child.pid}", True),
        (f"{here}:{os.getpid()}", False),
        ("elsewhere:1", False),
        (f"{here}:x", False),
        (f"{here}:1", False),
    ):
        leases.acquire(ledger, owner, owner, 60)
        assert leases.forget_dead(ledger, owner) is freed
        assert (leases.holder(ledger, owner) is None) is freed
        leases.acquire(ledger, owner, owner, 60)
        assert leases.living(ledger, owner) is not freed
        assert (leases.holder(ledger, owner) is None) is freed
    assert not leases.forget_dead(ledger, "never held")
    assert not leases.living(ledger, "never held")


def test_nothing_is_stored_for_a_shipment_that_does_not_exist(ledger: Ledger) -> None:
    with pytest.raises(ConfigurationError, match="no shipment 99"):
        sources.save_snapshot(ledger, 99, "x", b"")


def test_a_shipment_is_locked_once_in_a_transaction_and_anew_in_the_next(ledger: Ledger) -> None:
    ident, _ = shipments.open_shipment(ledger, "A", "M1", {})
    for _ in range(2):
        before = shipments.get(ledger, ident).version
        with ledger.begin() as tx:
            shipments.lock(tx, ident)
            shipments.lock(tx, ident)
        assert shipments.get(ledger, ident).version == before + 1
