"""A person can be erased once the law's keeping time is over, and not before."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
import sqlalchemy as sa

from adapters.ledger import (
    Ledger,
    applications,
    claims,
    conversions,
    events,
    faults,
    parcels,
    preparing,
    raws,
    shipments,
    sources,
)
from adapters.ledger.erasure import Person, erase_person, keeping_years, kept_until
from adapters.ledger.tables import receipt
from mappings import clock
from mappings.canonical.batch import Batch
from mappings.errors import ConfigurationError
from tests.contract import ledger_cases as cases
from tests.contract.ledger_cases import Doc, answer, arrive, out
from tests.factory import make_batch

BUYER = "Test Buyer 2"  # the factory's second parcel


def fill(ledger: Ledger, waybill: str, seed: int) -> tuple[int, Batch]:
    """A shipment with everything that can name a person, sent and answered."""
    batch = make_batch(3, seed=seed)
    truck = batch.truck.model_dump(mode="json")
    ident, _ = shipments.open_shipment(ledger, "AGENT", waybill, truck)
    parcels.sync_parcels(ledger, ident, parcels.rows_of(batch))
    sources.save_snapshot(ledger, ident, "matched", batch.to_bytes())
    body = "\n".join(batch.parcels["waybill.consignee_name"]).encode()
    file = raws.store_raw(ledger, "in", "", "folder", "shop", body)
    sources.add_source(ledger, ident, "orders.csv", "aa", raw_id=file)
    row = {"order_no": batch.parcels["order.order_no"][1], "waybill_no": "", "code": "X-1", "severity": "error",
           "field": "waybill.consignee_name", "value": BUYER, "other_value": BUYER, "file": "", "sheet": "", "row": 3,
           "column": "", "stage": "clean"}  # fmt: skip
    found = pd.DataFrame([row, {**row, "order_no": batch.parcels["order.order_no"][0], "value": "other buyer"}])
    faults.replace_faults(ledger, ident, "clean", found)
    conversions.replace_conversions(
        ledger, ident, "hk_road", "ACI", [conversions.Conversion("-", "waybill.consignee_name", "dropped", 3, BUYER)]
    )
    asked = applications.Asking("return", "CEB213Message", f"R{waybill}", reason=f"{BUYER} sends it back")
    applications.add(ledger, ident, [asked], "tester")
    (made,) = preparing.add_messages(ledger, ident, [out([Doc(f"{waybill}|2", 2)], body=body)]).message_ids
    claims.claim(ledger, made, "w")
    claims.settle_sent(ledger, made)
    return ident, batch


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The time from which a shipment that is closed now may be erased; `clock` is moved there by `move`."""
    return clock.now() + timedelta(days=4 * 366)


def move(monkeypatch: pytest.MonkeyPatch, to: datetime) -> None:
    monkeypatch.setenv(clock.VARIABLE, clock.starting(to).variable())


def traces(ledger: Ledger, value: str) -> list[str]:
    """Every column of every table that still says `value` once it is opened."""
    from adapters.ledger.tables import metadata

    found = []
    with ledger.read() as tx:
        for table in metadata.sorted_tables:
            for row in tx.execute(sa.select(table)):
                for name, item in row._mapping.items():
                    text = item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)
                    if isinstance(item, bytes) and table.name == "snapshot" and item:
                        batch = Batch.from_bytes(item)
                        text = batch.parcels.to_csv() + batch.faults.to_csv() + repr(batch.truck)
                    if value in text:
                        found.append(f"{table.name}.{name}")
    return sorted(set(found))


def test_everything_that_names_a_buyer_is_overwritten(
    ledger: Ledger, later: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    ident, batch = fill(ledger, "M1", 1)
    arrive(ledger, answer("M1|2", "120", info=f"stored for {BUYER}"))
    assert set(traces(ledger, BUYER)) == {
        "application.reason", "conversion.example", "document.return_info", "fault.other_value", "fault.value",
        "raw.body", "receipt.info", "snapshot.body",
    }  # fmt: skip
    shipments.set_state(ledger, ident, "closed")
    hashes = [raws.head(ledger, n).sha256 for n in (1, 2, 3)]
    move(monkeypatch, later)
    done = erase_person(ledger, "amy", Person(name=BUYER))
    assert (done.shipments, done.snapshots, done.raws, done.kept, done.shared) == ([ident], 1, 3, [], 0)
    assert traces(ledger, BUYER) == []
    left = Batch.from_bytes(sources.load_snapshot(ledger, ident, "matched") or b"")
    assert left.parcels["waybill.consignee_name"].tolist() == ["Test Buyer 1", "", "Test Buyer 3"]
    assert left.parcels["waybill.consignee_phone"].tolist()[1] == ""
    assert left.parcels["payment.payer_name"].tolist()[1] == ""
    assert left.parcels["order.order_no"].equals(batch.parcels["order.order_no"]), "the keys stay, for the audit"
    assert faults.faults(ledger, ident)["value"].tolist() == ["", ""], "also where another order's fault names them"
    assert [raws.head(ledger, n).sha256 for n in (1, 2, 3)] == hashes
    assert raws.head(ledger, 1).state == "erased"
    assert raws.body(ledger, 1) == b""
    assert [e.kind for e in events.timeline(ledger, ident)][-1] == "person-erased"
    assert BUYER not in repr(events.timeline(ledger, ident))
    again = erase_person(ledger, "amy", Person(name=BUYER))
    assert (again.shipments, again.raws) == ([], 0)


@pytest.mark.parametrize(
    "person", [Person(phone="+44 7700 900002"), Person(waybill_no="TWB001000002"), Person(name="Payer 2")]
)
def test_any_of_their_data_finds_them(
    ledger: Ledger, later: datetime, monkeypatch: pytest.MonkeyPatch, person: Person
) -> None:
    ident, _ = fill(ledger, "M1", 1)
    shipments.set_state(ledger, ident, "closed")
    move(monkeypatch, later)
    assert erase_person(ledger, "amy", person).shipments == [ident]
    assert traces(ledger, BUYER) == []


def test_the_driver_can_be_erased(ledger: Ledger, later: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    ident, _ = fill(ledger, "M1", 1)
    shipments.set_state(ledger, ident, "closed")
    move(monkeypatch, later)
    erase_person(ledger, "amy", Person(name="测试司机"))
    assert traces(ledger, "测试司机") == []
    assert shipments.get(ledger, ident).truck["driver"] == {"name": "", "licence": ""}
    assert traces(ledger, BUYER) != [], "the buyers on the truck stay"


def test_open_and_recent_shipments_are_kept(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = fill(ledger, "M1", 1)
    second, _ = fill(ledger, "M2", 2)
    shipments.set_state(ledger, second, "closed")
    before = traces(ledger, BUYER)
    move(monkeypatch, clock.now() + timedelta(days=700))
    done = erase_person(ledger, "amy", Person(name=BUYER))
    assert (done.shipments, done.kept, done.raws) == ([], [first, second], 0)
    assert traces(ledger, BUYER) == before


def test_raw_receipts_that_another_shipment_needs_stay(
    ledger: Ledger, later: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = fill(ledger, "M1", 1)
    fill(ledger, "M2", 2)
    arrive(ledger, answer("M1|2", "120"), answer("M2|2", "120", info="kept"))
    shipments.set_state(ledger, first, "closed")
    move(monkeypatch, later)
    done = erase_person(ledger, "amy", Person(waybill_no="TWB001000002"))
    assert (done.shipments, done.raws, done.shared) == ([first], 2, 1)
    with ledger.read() as tx:
        texts = tx.execute(sa.select(receipt.c.info).order_by(receipt.c.id)).scalars().all()
    assert texts == ["", "kept"]


def test_snapshots_that_are_no_batch_are_emptied_where_they_name_the_person(
    ledger: Ledger, later: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    ident, batch = fill(ledger, "M1", 1)
    kept = {"digests": b'{"1": "aa"}', "list": b"[1, 2]", "text": b"abc", "empty": b""}
    gone = {
        "rows": f"rows of {BUYER}".encode(),
        "json": json.dumps(["买家", "Test Buyer 2"]).encode(),
        "old": batch.to_bytes().replace(b'"customs_office"', b'"customs_bureau"'),
    }
    for stage, body in {**kept, **gone}.items():
        sources.save_snapshot(ledger, ident, stage, body)
    shipments.set_state(ledger, ident, "closed")
    move(monkeypatch, later)
    assert erase_person(ledger, "amy", Person(name=BUYER)).snapshots == 4
    assert {stage: sources.load_snapshot(ledger, ident, stage) for stage in kept} == kept
    assert {sources.load_snapshot(ledger, ident, stage) for stage in gone} == {b""}
    assert erase_person(ledger, "amy", Person(name="Test Buyer 1")).shipments == [ident], "an emptied one does no harm"


def test_nobody_is_not_a_person(ledger: Ledger) -> None:
    with pytest.raises(ConfigurationError, match="whom to erase"):
        erase_person(ledger, "amy", Person())


def test_the_keeping_time_is_dated_data() -> None:
    assert keeping_years(date(2026, 1, 1)) == 3
    closed = datetime(2024, 2, 29, 12, tzinfo=UTC)
    assert kept_until(closed, date(2026, 1, 1)) == datetime(2027, 3, 1, 12, tzinfo=UTC)
    assert kept_until(closed.replace(day=28), date(2026, 1, 1)) == datetime(2027, 2, 28, 12, tzinfo=UTC)


def test_lookups_by_order_reach_no_stranger(ledger: Ledger, later: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    ident = cases.shipment(ledger)
    shipments.set_state(ledger, ident, "closed")
    move(monkeypatch, later)
    done = erase_person(ledger, "amy", Person(name="Nobody"))
    assert (done.shipments, done.kept) == ([], [])
