"""The pool on each database: what a file says holds when it was read, once, and goes with its person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from adapters.ledger import Ledger, parcels, pool, raws, shipments
from adapters.ledger.pool import Entry
from adapters.ledger.tables import pool_row, pool_seen, raw
from mappings import clock
from tests.contract import ledger_cases as cases


def entry(key: str, text: str, by: str = pool.ORDER) -> Entry:
    return Entry(by, key, f"digest of {text}", [0, [[1, [key, text]]]])


def file(ledger: Ledger, name: str, *entries: Entry, platform: str = "", kind: str = "order") -> tuple[int, list[int]]:
    """A file, read to its end; its id, and whom it concerns."""
    row, _ = pool.open_file(ledger, name, f"sha of {name}", 9, platform)
    pool.describe(ledger, row.id, kind=kind)
    pool.add(ledger, row.id, platform, entries, [0, 1])
    return row.id, pool.publish(ledger, row.id, None)


def said(ledger: Ledger, *keys: str, platform: str = "P", by: str = pool.ORDER) -> list[tuple[str, Any, int]]:
    return [(r.key, r.rows[1][0][1][1], r.last_file_id) for r in pool.rows_of(ledger, by, keys, platform)]


def test_what_a_file_says_holds_when_all_of_it_was_read(ledger: Ledger) -> None:
    row, new = pool.open_file(ledger, "a.csv", "sha", 9, "")
    assert (row.state, new) == (pool.READING, True)
    assert pool.open_file(ledger, "again.csv", "sha", 9, "")[1] is False
    pool.add(ledger, row.id, "", [entry("O1", "one"), entry("I1", "item", pool.ITEM)], [0, 7])
    assert (said(ledger, "O1"), pool.newest(ledger)) == ([], 0)
    assert pool.file(ledger, row.id).done == [0, 7]
    pool.publish(ledger, row.id, {"counts": {}})
    assert said(ledger, "O1", "O2", "I1") == [("O1", "one", row.id)]
    assert said(ledger, "I1", by=pool.ITEM) == [("I1", "item", row.id)]
    assert (pool.newest(ledger), pool.file(ledger, row.id).faults) == (1, {"counts": {}})


def test_unchanged_rows_only_get_a_newer_file(ledger: Ledger) -> None:
    first, _ = file(ledger, "1", entry("O1", "one"), entry("O2", "two"))
    row, _ = pool.open_file(ledger, "2", "sha 2", 9, "")
    assert pool.add(ledger, row.id, "", [entry("O1", "one"), entry("O2", "other")], [0, 2]) == 1
    assert said(ledger, "O1", "O2") == [("O1", "one", first), ("O2", "two", first)], "as before, until it is read"
    pool.publish(ledger, row.id, None)
    assert said(ledger, "O1", "O2") == [("O2", "two", first), ("O1", "one", row.id), ("O2", "other", row.id)]
    with ledger.read() as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(pool_seen)).scalar_one() == 0


def test_the_same_row_twice_in_one_file_is_two_rows(ledger: Ledger) -> None:
    row, _ = pool.open_file(ledger, "1", "sha", 9, "")
    for _ in range(2):
        assert pool.add(ledger, row.id, "", [entry("O1", "one")], [0, 1]) == 0
    pool.publish(ledger, row.id, None)
    assert len(said(ledger, "O1")) == 2
    again, _ = pool.open_file(ledger, "2", "sha 2", 9, "")
    assert [pool.add(ledger, again.id, "", [entry("O1", "one")], [0, 1]) for _ in range(3)] == [1, 1, 0]


def test_platforms_do_not_share_order_numbers(ledger: Ledger) -> None:
    file(ledger, "1", entry("O1", "p"), platform="P")
    file(ledger, "2", entry("O1", "q"), platform="Q")
    file(ledger, "3", entry("O2", "any"))
    assert [text for _, text, _ in said(ledger, "O1", "O2", platform="P")] == ["p", "any"]
    assert [text for _, text, _ in said(ledger, "O1", "O2", platform="Q")] == ["q", "any"]


def test_a_refused_file_leaves_its_bytes_alone_and_begins_anew(ledger: Ledger) -> None:
    first, _ = file(ledger, "1", entry("O1", "one"))
    row, _ = pool.open_file(ledger, "2", "sha 2", 9, "")
    pool.keep_piece(ledger, row.id, 0, "2", b"ab")
    pool.keep_piece(ledger, row.id, 1, "2", b"c")
    pool.keep_piece(ledger, row.id, 1, "2", b"never")
    pool.add(ledger, row.id, "", [entry("O1", "one"), entry("O2", "two")], [0, 2])
    pool.refuse(ledger, row.id, {"counts": {"CAP-006": 1}})
    assert [pool.piece(ledger, row.id, n) for n in range(3)] == [b"ab", b"c", b""]
    assert said(ledger, "O1", "O2") == [("O1", "one", first)]
    again, new = pool.open_file(ledger, "2", "sha 2", 9, "")
    assert (again.id, new, again.state, again.done) == (row.id, True, pool.READING, [0, 0])
    pool.drop(ledger, row.id)
    assert [f.id for f in pool.files(ledger)] == [first]


def test_the_open_shipments_that_a_file_concerns(ledger: Ledger) -> None:
    ident, other = cases.shipment(ledger), cases.shipment(ledger, "M2", ("o7",))
    assert file(ledger, "1", entry("elsewhere", "x"))[1] == []
    assert file(ledger, "2", entry("o2", "x"))[1] == [ident]
    assert file(ledger, "3", entry("o2", "x"))[1] == [], "nothing new"
    assert file(ledger, "4", entry("o2", "y"), entry("o7", "x"))[1] == [ident, other]
    assert file(ledger, "5", entry("o2", "x"))[1] == [ident], "back to what was said before"
    assert file(ledger, "6", entry("o2", "x"))[1] == [], "as it is said now"
    assert file(ledger, "7", entry("o1", "x"), platform="Q")[1] == [], "of another platform"
    assert file(ledger, "8", entry("i1", "x", pool.ITEM))[1] == [], "nobody waits for goods"
    parcels.set_parcel_states(ledger, other, {1: ("held", "LIN-001")})
    assert file(ledger, "9", entry("i2", "x", pool.ITEM))[1] == [other]
    shipments.set_state(ledger, other, "closed")
    assert file(ledger, "10", entry("o7", "z"))[1] == []


def test_what_is_kept_is_sealed_and_erased_with_its_person_or_its_age(ledger: Ledger) -> None:
    old, _ = file(ledger, "1", entry("O1", "Ada Sample"), entry("O2", "two"))
    pool.keep_piece(ledger, old, 0, "1", b"Ada Sample")
    with ledger.read() as tx:
        stored = tx.execute(sa.select(sa.type_coerce(pool_row.c.rows, sa.LargeBinary))).scalars().all()
    assert all(b"Ada" not in bytes(value) for value in stored)
    assert pool.forget(ledger, ["O1"]) == 1
    assert said(ledger, "O1", "O2") == [("O2", "two", old)]
    now = clock.now()
    assert pool.forget_old(ledger, now - timedelta(days=1)) == 0
    newer, _ = file(ledger, "2", entry("O2", "two"), entry("O3", "three"))
    assert pool.forget_old(ledger, now + timedelta(days=1)) == 1
    assert said(ledger, "O2", "O3") == []
    with ledger.read() as tx:
        assert tx.execute(sa.select(raw.c.state)).scalars().all() == [raws.ERASED]
    assert newer > old


def test_a_truck_that_is_stored_hears_of_a_file_published_meanwhile(ledger: Ledger) -> None:
    before = pool.newest(ledger)
    assert pool.still(ledger, before)
    file(ledger, "1", entry("O1", "one"))
    assert not pool.still(ledger, before)
