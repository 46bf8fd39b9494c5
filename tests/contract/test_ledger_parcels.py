"""Parcels: a new file is a new version of its rows, and what is declared never changes in silence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapters.ledger import Ledger, claims, parcels, preparing, shipments
from mappings.errors import DataFault
from tests.contract import ledger_cases as cases
from tests.contract.ledger_cases import row
from tests.factory import make_batch


def test_a_new_version_changes_only_what_is_not_declared(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    cases.declared(ledger, ident, ["o1"])
    rows = [row("o9", 1), row("o1", 2, "d2"), row("o2", 3, "d2", "held", "NEW"), row("o3", 4)]
    changes = parcels.sync_parcels(ledger, ident, rows)
    assert (changes.new, changes.conflicts, changes.changed, changes.unchanged) == (["o9"], ["o1"], ["o2"], ["o3"])
    assert changes.seqs == [4, 1, 2, 3], "numbers are stable, whatever the order of the new file"
    kept = {p.order_no: (p.seq, p.digest, p.state, p.waybill_no, p.version) for p in parcels.listing(ledger, ident)}
    assert kept == {
        "o1": (1, "d1", "ready", "W-o1", 1),
        "o2": (2, "d2", "held", "NEW", 2),
        "o3": (3, "d1", "ready", "W-o3", 1),
        "o9": (4, "d1", "ready", "W-o9", 1),
    }


def test_the_same_file_again_changes_nothing(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    before = parcels.listing(ledger, ident)
    changes = parcels.sync_parcels(ledger, ident, [row("o3"), row("o1"), row("o2")])
    assert (changes.new, changes.changed, changes.seqs) == ([], [], [3, 1, 2])
    assert parcels.listing(ledger, ident) == before


def test_a_rejected_parcel_may_be_corrected(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    cases.declared(ledger, ident)
    parcels.set_parcel_states(ledger, ident, {1: ("rejected", "CN-100")})
    rows = [row("o1", digest="d2"), row("o2", digest="d2")]
    changes = parcels.sync_parcels(ledger, ident, rows)
    assert (changes.changed, changes.conflicts) == (["o1"], ["o2"])


def test_a_parcel_whose_documents_are_all_dead_is_not_declared(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    (message,) = preparing.add_messages(ledger, ident, [cases.out([cases.Doc("P|o1", 1)])]).message_ids
    claims.claim(ledger, message, "w")
    claims.settle_refused(ledger, message, "2001", "bad sender")
    assert parcels.sync_parcels(ledger, ident, [row("o1", digest="d2")]).changed == ["o1"]


def test_a_parcel_declared_in_another_shipment_is_reported(ledger: Ledger) -> None:
    first = cases.shipment(ledger, "M1")
    cases.declared(ledger, first, ["o1", "o2"])
    second, _ = shipments.open_shipment(ledger, "AGENT", "M2", {})
    rows = [row("o1", waybill="other"), row("new", waybill="W-o2"), row("o3"), row("no", waybill="W-no")]
    found = parcels.sync_parcels(ledger, second, rows).elsewhere
    assert [tuple(e) for e in found] == [("o1", "other", first, "order"), ("new", "W-o2", first, "waybill")]


def test_an_order_twice_in_a_file_is_refused(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    with pytest.raises(DataFault, match="o7"):
        parcels.sync_parcels(ledger, ident, [row("o7", 7), row("o7", 8)])


def test_states_are_set_in_one_go(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    assert parcels.set_parcel_states(ledger, ident, {1: ("held", "ORD-1"), 2: ("ready", ""), 77: ("held", "")}) == 1
    assert parcels.parcel_states(ledger, ident) == {1: ("held", "ORD-1"), 2: ("ready", ""), 3: ("ready", "")}
    assert parcels.set_parcel_states(ledger, ident, {}) == 0


def test_rows_of_a_batch_have_a_digest_of_all_that_is_declared() -> None:
    batch = make_batch(4, lines=2.5)
    rows = parcels.rows_of(batch)
    assert [(r.seq, r.platform_code, r.carrier_code, r.state) for r in rows][:1] == [
        (1, "91440400TESTPLAT01", "91440400TESTCARR04", "ready")
    ]
    assert len({r.digest for r in rows}) == 4
    parcels_changed, lines_changed = batch.parcels.copy(), batch.lines.copy()
    parcels_changed.loc[0, "waybill.consignee_name"] = "Other Buyer"
    parcels_changed.loc[1, "parcel.state"] = "held"
    last = len(lines_changed) - 1
    lines_changed.loc[last, "line.price"] = lines_changed.loc[last, "line.price"] + 1
    after = parcels.rows_of(replace(batch, parcels=parcels_changed, lines=lines_changed))
    assert [old.digest == new.digest for old, new in zip(rows, after, strict=True)] == [False, True, True, False]


def test_a_digest_survives_the_journey_and_new_empty_columns() -> None:
    batch = make_batch(3)
    wider = replace(batch, parcels=batch.parcels.assign(**{"order.brand_new": ""}))
    again = type(batch).from_bytes(batch.to_bytes())
    assert parcels.digests(batch) == parcels.digests(wider) == parcels.digests(again)
    alone = batch.select([False, True, False])
    assert parcels.digests(alone) == [parcels.digests(batch)[1]], "a digest depends on its parcel only"


def test_a_digest_of_nothing() -> None:
    batch = make_batch(2)
    bare = replace(batch, parcels=batch.parcels[["parcel.seq"]], lines=batch.lines[["parcel"]])
    assert len(set(parcels.digests(bare))) == 1, "two lines each, without content"
