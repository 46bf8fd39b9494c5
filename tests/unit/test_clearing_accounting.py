"""Every order of the latest batch is a parcel of the ledger exactly once, and the other way round."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from sqlalchemy import delete, update

from adapters.ledger import shipments, sources
from adapters.ledger.tables import parcel
from deployments import services
from mappings.canonical.batch import Batch
from tasks.clearing import accounting
from tasks.clearing.batches import BATCH
from tests.unit.desk import Desk


@pytest.fixture
def taken(desk: Desk) -> Desk:
    desk.take_in()
    assert accounting.findings(desk.ledger) == []
    return desk


def codes(desk: Desk) -> list[str]:
    found = accounting.findings(desk.ledger)
    assert found == [f for f in services.audit(desk.office) if f.code in accounting.TEXTS], "the command tells them"
    for one in found:
        assert (one.severity, one.shipment_id) == ("error", desk.id)
        assert "{" not in one.message_zh + one.message_en
    return [one.code for one in found]


def test_a_captured_order_that_is_no_parcel(taken: Desk) -> None:
    with taken.ledger.begin() as tx:
        tx.execute(delete(parcel).where(parcel.c.seq == 2))
    assert codes(taken) == ["captured-not-kept"]
    assert taken.made.orders()[1] in accounting.findings(taken.ledger)[0].message_en


def test_a_parcel_that_is_in_no_batch(taken: Desk) -> None:
    with taken.ledger.begin() as tx:
        tx.execute(update(parcel).where(parcel.c.seq == 1).values(order_no="STRANGER"))
    assert codes(taken) == ["captured-not-kept", "kept-not-captured"]


def test_an_order_twice_in_the_batch(taken: Desk) -> None:
    batch = Batch.from_bytes(sources.load_snapshot(taken.ledger, taken.id, BATCH) or b"")
    twice = replace(batch, parcels=pd.concat([batch.parcels, batch.parcels.head(1)], ignore_index=True))
    sources.save_snapshot(taken.ledger, taken.id, BATCH, twice.to_bytes())
    assert codes(taken) == ["captured-twice"]


def test_a_shipment_without_files_has_nothing_to_account_for(desk: Desk) -> None:
    shipments.open_shipment(desk.ledger, "A", "M1", {})
    assert accounting.findings(desk.ledger) == []
