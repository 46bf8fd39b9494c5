"""A shipment's batch: what this process made is not read again, and what another has stored since is."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from adapters.ledger import sources
from mappings.errors import DataFault
from tasks.clearing import batches, intake
from tasks.clearing.batches import load_batch, save_batch
from tests.factory import make_batch
from tests.unit.desk import Desk, files


def test_the_batch_just_worked_up_is_the_one_that_is_loaded(desk: Desk) -> None:
    ident = desk.take_in()
    held = load_batch(desk.ledger, ident)
    assert load_batch(desk.ledger, ident) is held
    batches._last.clear()
    read = load_batch(desk.ledger, ident)
    assert read is not held
    for name in ("parcels", "lines", "faults"):
        pd.testing.assert_frame_equal(getattr(read, name), getattr(held, name))


def test_what_another_process_stored_since_is_read(desk: Desk) -> None:
    ident = desk.take_in()
    mine = load_batch(desk.ledger, ident)
    theirs = replace(mine, parcels=mine.parcels.assign(**{"parcel.reason": "X"}))
    sources.save_snapshot(desk.ledger, ident, batches.BATCH, theirs.to_bytes())
    assert set(load_batch(desk.ledger, ident).parcels["parcel.reason"]) == {"X"}


def test_two_shipments_do_not_get_each_other_s(desk: Desk) -> None:
    ident = desk.take_in()
    with desk.ledger.begin() as tx:
        save_batch(tx, ident, make_batch(2))
    assert len(load_batch(desk.ledger, ident).parcels) == 2


def test_a_shipment_without_a_batch_is_told(desk: Desk) -> None:
    ident = intake.receive_files(desk.office, files(desk.made), "", "").shipment_id
    with pytest.raises(DataFault, match="no worked-up files"):
        load_batch(desk.ledger, ident)


def test_a_batch_stored_between_the_two_looks_has_its_own_digest(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ident = desk.take_in()
    before, mine = batches.load_with_digest(desk.ledger, ident)
    theirs = replace(mine, parcels=mine.parcels.assign(**{"parcel.reason": "X"}))
    sources.save_snapshot(desk.ledger, ident, batches.BATCH, theirs.to_bytes())
    batches._last.clear()
    monkeypatch.setattr(batches, "batch_digest", lambda *_: before)
    digest, found = batches.load_with_digest(desk.ledger, ident)
    assert set(found.parcels["parcel.reason"]) == {"X"}
    assert digest == sources.snapshot_digest(desk.ledger, ident, batches.BATCH) != before
    assert batches.load_with_digest(desk.ledger, ident)[0] == digest, "the old digest names no batch here any more"
