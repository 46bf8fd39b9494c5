"""What differs by regime: constants, stand-ins, who sends for whom, and what a regime does not carry."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from mappings import procedures, regimes
from mappings.canonical.batch import Batch
from mappings.canonical.model import Truck
from mappings.engine import reader, spec
from mappings.errors import Unsupported
from mappings.identity import seeded
from tasks.conversion import declare, lists, sources
from tasks.conversion.fit import hold_misfits
from tasks.conversion.messages import Making, OutMessage
from tasks.conversion.record import conversion_record
from tests.factory import PARTIES, START, make_batch, make_truck

EVERY = [("export", r) for r in ("9610", "9710", "9810", "1210")] + [("import", r) for r in ("9610", "1210")]


def made(batch: Batch) -> dict[str, OutMessage]:
    return {m.type: m for m in declare.declarations(batch, Making(seeded(1), START))}


def value(message: OutMessage, tag: str) -> str:
    found = spec.load(message.type).find(tag)
    assert found
    return reader.read(message.body).groups[found[0].tag][tag][0]


def parties(**changes: dict[str, str] | None) -> dict[str, Any]:
    """The companies of the made-up truck, some changed or left out."""
    known = {role: p.model_dump() for role, p in make_truck().parties.items()}
    named = {role: known.get(role, {}) | p for role, p in changes.items() if p is not None}
    return {role: p for role, p in (known | named).items() if changes.get(role, {}) is not None}


AREA = {"code": "91440400TESTAREA07", "name": "测试区内企业"}


def zone_batch(**truck: Any) -> Batch:
    batch = make_batch(2, 1, regime="1210", **({"ems_no": "T5795W000001", "parties": parties(area=AREA)} | truck))
    return Batch(batch.truck, batch.parcels, batch.lines.assign(**{"line.item_record_no": "R-1"}), batch.faults)


@pytest.mark.parametrize(("direction", "regime"), EVERY)
def test_every_kind_of_crossing_is_written_down(direction: str, regime: str) -> None:
    table, procedure = regimes.load(direction, regime), procedures.load(direction, regime)
    assert table.values["order_type"] in ("E", "B", "W", "I")
    assert procedure.lead == procedure.parcel_types[-1]
    named = {item.source for kind in procedure.parcel_types for _, item in spec.load(kind).walk()}
    assert set(table.needs) <= named
    assert not set(table.needs) & table.without
    assert set(procedure.parcel_types) | set(procedure.lists) <= set(declare.roles()["messages"])


def test_a_regime_that_is_not_written_down_is_told() -> None:
    with pytest.raises(Unsupported, match="import 9810"):
        regimes.load("import", "9810")


@pytest.mark.parametrize(("regime", "order_type"), [("9610", "E"), ("9710", "B"), ("9810", "W")])
def test_an_export_s_order_type_is_its_regime_s(regime: str, order_type: str) -> None:
    found = made(make_batch(1, regime=regime))
    assert value(found["CEB303Message"], "orderType") == order_type
    assert value(found["CEB603Message"], "tradeMode") == regime
    assert value(found["CEB603Message"], "itemRecordNo") == value(found["CEB603Message"], "emsNo") == ""


def test_an_export_out_of_a_zone_names_the_zone_s_company_and_book() -> None:
    batch = zone_batch()
    message = made(batch)["CEB603Message"]
    assert [value(message, tag) for tag in ("iacCode", "iacName", "emsNo", "itemRecordNo", "tradeMode")] == [
        AREA["code"], AREA["name"], "T5795W000001", "R-1", "1210"
    ]  # fmt: skip
    assert hold_misfits(batch, Making(seeded(1), START)).faults.empty


def test_what_is_the_zone_s_own_stays_out_of_other_regimes_and_is_told() -> None:
    batch = make_batch(2, 1, ems_no="T5795W000001", parties=parties(area=AREA))
    batch = Batch(batch.truck, batch.parcels, batch.lines.assign(**{"line.item_record_no": "R-1"}), batch.faults)
    message = made(batch)["CEB603Message"]
    assert [value(message, tag) for tag in ("iacCode", "iacName", "emsNo", "itemRecordNo")] == [""] * 4
    dropped = {r["source"] for r in conversion_record(batch)["CEB603Message"] if r["kind"] == "dropped"}
    assert {"party.area.code", "party.area.name", "truck.ems_no", "line.item_record_no"} <= dropped


@pytest.mark.parametrize("lacks", ["ems_no", "area", "record"])
def test_an_export_out_of_a_zone_without_the_zone_s_data_is_held(lacks: str) -> None:
    batch = zone_batch(**({"ems_no": ""} if lacks == "ems_no" else {"parties": parties()} if lacks == "area" else {}))
    if lacks == "record":
        batch.lines.loc[0, "line.item_record_no"] = ""
    held = hold_misfits(batch, Making(seeded(1), START))
    field = {"ems_no": "truck.ems_no", "area": "party.area.code", "record": "line.item_record_no"}[lacks]
    assert field in held.faults["field"].tolist()
    assert held.parcels["parcel.state"].tolist() == (["held", "ready"] if lacks == "record" else ["held"] * 2)


def test_a_foreign_platform_has_no_code_and_the_seller_sends_its_orders() -> None:
    batch = make_batch(1, regime="9710", parties=parties(platform={"code": "", "dxp_id": ""}))
    order = made(batch)["CEB303Message"]
    assert value(order, "ebpCode") == "无"
    assert value(order, "ebpName") == PARTIES["platform"]["name"]
    assert (order.owner_role, value(order, "copCode")) == ("seller", PARTIES["seller"]["code"])
    assert order.documents[0].business_key.startswith("无|"), "as its receipt gives it back"
    told = [r for r in conversion_record(batch)["CEB303Message"] if r["source"] == "party.platform.code"]
    assert [(r["kind"], r["example"]) for r in told] == [("constant", "无")]


def test_a_producer_is_the_seller_or_named_and_without_registration_it_is_no() -> None:
    assert value(made(make_batch(1))["CEB603Message"], "ownerCode") == PARTIES["seller"]["code"]
    named = parties(owner={"code": "91440400TESTOWNE08", "name": "测试工厂"})
    message = made(make_batch(1, parties=named))["CEB603Message"]
    assert (value(message, "ownerCode"), value(message, "ownerName")) == ("91440400TESTOWNE08", "测试工厂")
    message = made(make_batch(1, parties=parties(owner={"code": "", "name": "测试作坊"})))["CEB603Message"]
    assert (value(message, "ownerCode"), value(message, "ownerName")) == ("NO", "测试作坊")


@pytest.mark.parametrize("waybill", ["SHORT1", "HZMB0099000001", "HZMB00990000019999999999999"])
def test_an_import_s_document_numbers_fit_into_twenty(waybill: str) -> None:
    seqs = np.array([1, 99999])
    numbers = [n for a in (1, 2, 99) for n in sources.cop_numbers(waybill, seqs, np.full(2, a), sources.COP_NO_SHORT)]
    assert max(map(len, numbers)) <= 20
    assert len(set(numbers)) == len(numbers)
    assert declare.cop_room("CEB621Message") == declare.cop_room("CEB711Message") == sources.COP_NO_SHORT
    assert declare.cop_room("CEB603Message") == declare.cop_room("CEB403Message") == sources.COP_NO_BODY


def test_trucks_that_begin_alike_have_numbers_of_their_own() -> None:
    stems = {sources.cop_stem(f"HZMB0099{n:06d}", sources.COP_NO_SHORT) for n in range(3000)}
    assert len(stems) == 3000
    assert {len(s) for s in stems} == {sources.COP_NO_SHORT}


IMPORT = {"direction": "import", "ie_port": "5788", "exit_port": "", "port_of_destination": ""}


def test_a_long_warehouse_list_is_split_and_each_part_has_its_own_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(declare.roles(), "parcels_per_list", {"value": 2})
    batch = make_batch(5, 1, **IMPORT)
    parts = lists.listing(batch, "CEB711Message", Making(seeded(1), START))
    numbers = [value(m, "copNo") for m in parts]
    assert len(set(numbers)) == 3
    assert max(map(len, numbers)) <= 20
    assert [d.business_key for m in parts for d in m.documents] == [f"{PARTIES['yard']['code']}|{n}" for n in numbers]
    assert [len(reader.read(m.body).groups["DeliveryList"]["gnum"]) for m in parts] == [2, 2, 1]


@pytest.mark.parametrize(
    ("direction", "regime", "lacking"),
    [
        ("export", "9610", {"exit_port", "port_of_destination", "mainland_plate"}),
        ("import", "9610", {"ie_port", "mainland_plate"}), ("import", "1210", {"ie_port"}),
    ],
)  # fmt: skip
def test_a_truck_says_what_its_crossing_needs(direction: str, regime: str, lacking: set[str]) -> None:
    values = make_truck().model_dump() | {"direction": direction, "regime": regime}
    bare = values | dict.fromkeys(("exit_port", "ie_port", "port_of_destination", "mainland_plate"), "")
    with pytest.raises(ValidationError) as error:
        Truck.model_validate(bare)
    assert {e["loc"][0] for e in error.value.errors()} == lacking
    assert {e["type"] for e in error.value.errors()} == {"missing"}
    Truck.model_validate(bare | dict.fromkeys(lacking, "5788"))
