"""What imports add to the model: a buyer's data is a person's, old digests stay, an API call may name a buyer."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from adapters.ledger.erasure import Person
from deployments.demo_import import make_import
from deployments.demo_import_files import write
from mappings.canonical import columns
from mappings.canonical.batch import Batch
from mappings.canonical.digests import digests
from mappings.canonical.model import Buyer, GoodsLine, Order, Parcel, Payment, Shipment, Waybill
from mappings.engine import spec
from tasks import matching
from tasks.capture import from_shipment, read_folder
from tasks.capture.captured import Correction
from tasks.cleaning import clean
from tasks.matching import match
from tasks.reporting.faults import MASK, explained, personal_fields
from tests.factory import make_batch, make_truck
from tests.import_factory import resident

PEOPLE = {
    "buyer.reg_no", "buyer.name", "buyer.id_number", "buyer.phone", "payment.payer_name", "payment.payer_id_number",
    "payment.payer_phone", "order.consignee_name", "order.consignee_phone", "order.consignee_address",
    "waybill.consignee_name", "waybill.consignee_phone", "waybill.consignee_address",
}  # fmt: skip
NUMBER = resident(7, "19011231")
# of make_batch(3, 2, seed=5), as the first release made them


def test_every_field_of_a_person_is_marked() -> None:
    assert personal_fields() == PEOPLE | {"truck.driver"}


def test_what_a_message_calls_personal_comes_from_a_marked_column_and_the_other_way_round() -> None:
    for kind in ("CEB311Message", "CEB411Message", "CEB511Message", "CEB513Message", "CEB621Message", "CEB711Message"):
        for _, item in spec.load(kind).walk():
            assert item.personal == (item.source in PEOPLE), (kind, item.tag)


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Batch:
    return matching.prepare(write(make_import(3), tmp_path_factory.mktemp("import")))


@pytest.mark.parametrize("path", ["buyer.name", "order.consignee_name", "payment.payer_name"])
def test_a_person_is_found_by_name_wherever_it_stands(batch: Batch, path: str) -> None:
    parcels = batch.parcels.copy()
    parcels.loc[1, path] = "独一无二"
    assert Person(name="独一无二").rows(parcels).tolist() == [False, True, False]


@pytest.mark.parametrize("path", ["buyer.phone", "order.consignee_phone", "payment.payer_phone"])
def test_a_person_is_found_by_telephone_wherever_it_stands(batch: Batch, path: str) -> None:
    parcels = batch.parcels.copy()
    parcels.loc[2, path] = "10099999999"
    assert Person(phone="10099999999").rows(parcels).tolist() == [False, False, True]


def test_both_values_of_a_difference_are_masked(tmp_path: Path) -> None:
    made = make_import(2)
    made.payments[0]["payer"]["idNumber"] = NUMBER
    found = matching.prepare(write(made, tmp_path)).faults
    assert found["code"].tolist() == ["MAT-103"]
    shown = explained(found)[0]
    assert (shown["value"], shown["message_en"].count(MASK)) == (MASK, 2)
    assert NUMBER not in str(shown)
    assert NUMBER in explained(found, clear=True)[0]["message_zh"]


def test_a_row_without_what_came_later_keeps_its_digest() -> None:
    batch = make_batch(3, 2, seed=5)
    before = digests(batch.parcels, batch.lines)
    parcels = pd.concat([batch.parcels, columns.empty("buyer", 3)], axis=1)
    assert digests(parcels, batch.lines) == before
    parcels.loc[1, "order.tax_total"] = 100_000
    parcels.loc[2, "buyer.id_number"] = "X"
    changed = digests(parcels, batch.lines)
    assert [a == b for a, b in zip(changed, before, strict=True)] == [True, False, False]
    lines = batch.lines.assign(**{"line.item_record_no": np.where(batch.lines["parcel"] == 0, "R", "")})
    parcels = pd.concat([batch.parcels, columns.empty("buyer", 3)], axis=1)
    again = digests(parcels, lines.astype({"line.item_record_no": "str"}))
    assert [a == b for a, b in zip(again, before, strict=True)] == [False, True, True]


def _shipment(**buyer: str) -> Shipment:
    yuan = {"currency": "CNY"}
    line = GoodsLine(
        order_no="1", item_no="a", item_name="面霜", hs_code="3304990039", goods_name="面霜", origin="FR", unit="H87",
        unit1="KGM", quantity1=Decimal("0.1"), net_weight=Decimal("0.1"), quantity=Decimal(2), price=Decimal("1.5"),
        total_price=Decimal(3), **yuan,
    )  # fmt: skip
    parcel = Parcel(
        order=Order(order_no="1", goods_value=Decimal(3), freight=Decimal(1), tax_total=Decimal("0.4"),
                    discount=Decimal("0.2"), **yuan),
        buyer=Buyer(order_no="1", reg_no="U1", name="甲示例一", id_number=NUMBER, phone="10000000001",
                    **buyer),
        payments=[Payment(order_no="1", pay_no="T1", amount=Decimal("4.2"), paid_at="2026-11-22T01:00:00Z",
                          payer_name="甲示例一", payer_id_number=NUMBER, **yuan)],
        waybill=Waybill(order_no="1", waybill_no="W1", gross_weight=Decimal("0.5"), consignee_name="甲示例一",
                        consignee_phone="10000000001", consignee_address="示例路1号", insured_fee=Decimal(2),
                        freight=Decimal(1), **yuan),
        lines=[line],
    )  # fmt: skip
    truck = make_truck(direction="import", ie_port="5788", exit_port="", port_of_destination="")
    return Shipment(truck=truck, parcels=[parcel])


def told(batch: Batch) -> list[str]:
    """The faults of parcels (the made-up companies' codes hold no check digit)."""
    return batch.faults["code"][batch.faults["order_no"] != ""].tolist()


def test_an_api_call_names_its_buyer_and_what_is_not_stated_is_worked_out() -> None:
    batch = match(clean(from_shipment(_shipment())))
    assert told(batch) == []
    row = batch.parcels.iloc[0]
    assert (row["buyer.id_number"], row["buyer.reg_no"]) == (NUMBER, "U1")
    assert row["order.paid"] == 420_000, "3 + 1 + 0.4 - 0.2"
    assert (row["order.consignee_name"], row["order.consignee_address"]) == ("甲示例一", "示例路1号")
    assert row["order.insurance"] == 200_000


def test_a_person_s_correction_of_a_buyer_takes_effect() -> None:
    captured = from_shipment(_shipment())
    captured.corrections = [Correction("1", "buyer.name", "乙示例二")]
    batch = match(clean(captured))
    assert batch.parcels["buyer.name"].tolist() == ["乙示例二"]
    assert told(batch) == ["MAT-102"]


def test_two_buyers_of_an_order_are_a_fault_and_the_same_twice_is_not(tmp_path: Path) -> None:
    captured = read_folder(write(make_import(3), tmp_path))
    (table,) = captured.tables["buyer"]
    rows = pd.concat([table.data, table.data.iloc[[0, 1]], table.data.iloc[[2]]], ignore_index=True)
    rows.loc[4, "buyer.phone"] = "10088888888"
    rows.loc[5, "buyer.order_no"] = "NOBODY"
    captured.tables["buyer"] = [replace(table, data=rows, rows=np.arange(1, 7))]
    batch = match(clean(captured))
    found = dict(zip(batch.faults["code"], batch.faults["row"], strict=True))
    assert found == {"BYR-003": 4, "BYR-002": 5, "BYR-004": 6}
    assert batch.parcels["parcel.state"].tolist() == ["ready", "held", "ready"]


def test_an_order_without_a_buyer_waits(tmp_path: Path) -> None:
    captured = read_folder(write(make_import(2), tmp_path))
    del captured.tables["buyer"]
    batch = match(clean(captured))
    assert set(batch.parcels["parcel.reason"]) == {"BYR-001"}


@pytest.mark.parametrize(("sends", "code", "state"), [([], "PAY-001", "held"), (["payment"], "PAY-005", "ready")])
def test_an_import_waits_for_its_payment_unless_the_company_tells_customs_itself(
    sends: list[str], code: str, state: str, tmp_path: Path
) -> None:
    made = make_import(2)
    del made.payments[0]
    made.truck["companies"]["payment_company"]["sends_itself"] = sends
    sheet = write(made, tmp_path)
    batch = matching.prepare(sheet)
    assert batch.faults["code"].tolist() == [code]
    assert batch.parcels["parcel.state"].tolist() == [state, "ready"]
