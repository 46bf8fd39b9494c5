"""An import from files to its end: every step of its procedure prepared, signed and stored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from adapters.ledger import audit, raws, shipments
from adapters.ledger import faults as ledger_faults
from adapters.ledger import messages as ledger_messages
from adapters.ledger.books import reading
from deployments.demo_import import MadeImport, make_import
from deployments.demo_import_files import write
from mappings import clock
from mappings.engine import explain, reader
from tasks.clearing import delivering, intake
from tasks.clearing.redeclaring import redeclare
from tasks.clearing.standing import parcel_claims
from tests.unit.desk import Desk
from tests.unit.imports import deliver_made

INVENTORY, LIST, REPORT = "CEB621Message", "CEB711Message", "CEB513Message"
PARCELS = 6


@pytest.fixture(params=["9610", "1210"])
def made(request: pytest.FixtureRequest) -> MadeImport:
    """A made-up import."""
    return make_import(PARCELS, request.param)


@pytest.fixture
def desk(desk: Desk, made: MadeImport, tmp_path: Path) -> Desk:
    """A desk with the import worked up, and its companies' keys."""
    deliver_made(desk, made, tmp_path)
    return desk


def bodies(desk: Desk, kind: str) -> list[reader.Reading]:
    """The messages of a type that were stored, as they would leave."""
    rows = [row for row in ledger_messages.listing(desk.ledger, desk.id) if row.type == kind]
    opened = (desk.office.authority("cn_ecommerce").open(raws.body(desk.ledger, row.raw_id)) for row in rows)
    return [reader.read(one.business) for one in opened]


def test_what_was_signed_passes_the_schema_with_its_signature(desk: Desk) -> None:
    shipments.approve(desk.ledger, desk.id, "tester")
    desk.prepare("declare")
    authority = desk.office.authority("cn_ecommerce")
    for row in ledger_messages.listing(desk.ledger, desk.id):
        business = authority.open(raws.body(desk.ledger, row.raw_id)).business
        assert explain.check(business, strict=True) == [], row.type


def test_an_import_goes_its_whole_way(desk: Desk) -> None:
    assert desk.settle().state() == "awaiting_approval"
    shipments.approve(desk.ledger, desk.id, "tester")
    procedure = desk.standing().procedure
    assert desk.prepare("declare") == 4
    assert desk.counts() == {"declared": PARCELS}
    assert desk.prepare("declare") == 0, "again is harmless"
    for kind in procedure.parcel_types:
        assert len(desk.standing().documents[kind]) == PARCELS, kind
    for kind in procedure.supporting:
        desk.said(kind, "stored")
    desk.said(INVENTORY, "stored")
    if procedure.name == "import_9610":
        assert desk.settle().state() == "awaiting_arrival"
        desk.happens("arrived")
        assert desk.prepare("warehouse_in") == 1
        assert desk.on_lists(LIST) == [[1, 2, 3, 4, 5, 6]]
        (listed,) = bodies(desk, LIST)
        assert len(listed.groups["DeliveryList"]["logisticsNo"]) == PARCELS
        assert desk.prepare("warehouse_in") == 0
    assert desk.settle().state() == "awaiting_release"
    desk.said(INVENTORY, "released")
    assert desk.settle().state() == "closed"
    at = clock.now()
    numbers = [row.waybill_no for row in desk.rows()][:2]
    assert delivering.tell(desk.office, desk.id, numbers, at, "carrier") == 2
    assert desk.prepare("delivered") == 1
    (report,) = bodies(desk, REPORT)
    told = report.groups["LogisticsStatus"]
    assert told["logisticsNo"] == numbers
    assert set(told["logisticsTime"]) == {at.astimezone(clock.CHINA).strftime("%Y%m%d%H%M%S")}
    assert desk.prepare("delivered") == 0
    assert desk.settle().state() == "closed"
    assert audit.audit(desk.ledger, parcel_claims()) == []


def test_deliveries_come_with_a_carriers_later_file_too(desk: Desk, made: MadeImport, tmp_path: Path) -> None:
    shipments.approve(desk.ledger, desk.id, "tester")
    desk.prepare("declare")
    for kind in desk.standing().procedure.supporting:
        desk.said(kind, "stored")
    desk.said(INVENTORY, "released")
    bills = [bill | {"signed": "2026-11-26 10:11:12" if n < 2 else ""} for n, bill in enumerate(made.waybills)]
    later = write(replace(made, waybills=bills), tmp_path / "later")
    files = [file for file in intake.folder_files(later) if "waybill" in file[0]]
    desk.deliver(*files, shipment=str(desk.id))
    desk.deliver(*files, shipment=str(desk.id))
    assert desk.counts() == {"released": PARCELS}
    assert ledger_faults.faults(desk.ledger, desk.id).empty, "a signature changes nothing that was declared"
    assert desk.kinds().count("delivered") == 1
    assert len(desk.settle().to_deliver()) == 2
    assert desk.prepare("delivered") == 1
    (report,) = bodies(desk, REPORT)
    assert report.groups["LogisticsStatus"]["logisticsTime"] == ["20261126101112"] * 2


def test_a_rejected_import_parcel_goes_out_again_under_a_new_number(desk: Desk) -> None:
    shipments.approve(desk.ledger, desk.id, "tester")
    desk.prepare("declare")
    desk.said(INVENTORY, "rejected", 2)
    assert redeclare(desk.office, desk.id).orders == [desk.orders()[1]]
    assert desk.prepare("declare") == 1, "order, payment and waybill stand"
    first, second = desk.attempts(INVENTORY, 2)
    assert (first[:2], second[:2]) == ((1, "1"), (2, "1"))
    assert first[2] != second[2]
    (link,) = ledger_messages.lineage(desk.ledger, desk.id)
    assert (link.before_key, link.business_key) == (first[2], second[2])
    assert audit.audit(desk.ledger, parcel_claims()) == []


def test_a_waybill_turned_down_and_changed_goes_out_anew_and_its_parcel_is_in_the_books(
    desk: Desk, made: MadeImport, tmp_path: Path
) -> None:
    """Its inventory waits for a cancel, and customs may take it in at any time: it reserves again what it gave back."""
    shipments.approve(desk.ledger, desk.id, "tester")
    desk.prepare("declare")
    whole = quota(desk)
    desk.said("CEB511Message", "rejected", 2)
    assert desk.parcel(2)[0] == "rejected"
    assert quota(desk) < whole
    bills = [bill | {"grams": bill["grams"] + 70 * (n == 1)} for n, bill in enumerate(made.waybills)]
    later = write(replace(made, waybills=bills), tmp_path / "later")
    desk.deliver(*(f for f in intake.folder_files(later) if "waybill" in f[0]), shipment=str(desk.id))
    assert desk.prepare("declare") == 1
    assert desk.parcel(2) == ("waiting_cancel", "CHG-003")
    assert [attempt[:2] for attempt in desk.attempts("CEB511Message", 2)] == [(1, "1"), (2, "1")]
    assert len(desk.attempts(INVENTORY, 2)) == 1
    assert quota(desk) == whole
    desk.said("CEB511Message", "stored", 2)
    desk.said(INVENTORY, "rejected", 2)
    assert desk.parcel(2) == ("ready", "")
    assert desk.prepare("declare") == 1
    assert len(desk.attempts(INVENTORY, 2)) == 2
    assert quota(desk) == whole
    assert audit.audit(desk.ledger, parcel_claims()) == []


def quota(desk: Desk) -> int:
    """What all buyers together have reserved of their year."""
    return sum(account.reserved for account in reading.balances(desk.ledger, "quota"))
