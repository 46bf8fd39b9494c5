"""The conversion record: every message has one, and a value is counted as often as it is written."""

from __future__ import annotations

from typing import Any

from lxml import etree

from adapters.ledger.conversions import conversions
from mappings.canonical.batch import Batch
from mappings.identity import seeded
from tasks.conversion import declare, lists, record
from tasks.conversion.messages import Making
from tasks.hongkong.record import bundling
from tests.factory import START, make_batch
from tests.unit.desk import Desk

Rows = list[dict[str, Any]]


def counts(rows: Rows, kind: str) -> dict[str, int]:
    return {row["target"] if kind == "constant" else row["source"]: row["count"] for row in rows if row["kind"] == kind}


def written(bodies: list[bytes], target: str) -> int:
    """How often an element stands in the messages."""
    segment, tag = target.split("/")
    return sum(len(etree.fromstring(body).findall(f".//{{*}}{segment}/{{*}}{tag}")) for body in bodies)


def made(batch: Batch) -> dict[str, list[bytes]]:
    making, found = Making(seeded(1), START), dict[str, list[bytes]]()
    for message in declare.declarations(batch, making):
        found.setdefault(message.type, []).append(message.body)
    for kind in lists.LIST_TYPES:
        found[kind] = [m.body for m in lists.listing(batch, kind, making, START)]
    return found


def test_constants_are_counted_as_often_as_they_are_written() -> None:
    batch = make_batch(230)
    bodies = made(batch)
    found = record.conversion_record(batch) | {kind: record.list_record(batch, kind) for kind in lists.LIST_TYPES}
    assert set(found) == set(bodies)
    for kind, rows in found.items():
        constants = counts(rows, "constant")
        assert constants["BaseTransfer/dxpMode"] == len(bodies[kind])
        assert constants == {target: written(bodies[kind], target) for target in constants}, kind
    assert len(bodies["CEB603Message"]) == 3


def test_what_of_the_truck_no_message_carries_is_told() -> None:
    batch = make_batch(3)
    dropped = counts(record.conversion_record(batch)["CEB603Message"], "dropped")
    assert dropped["truck.corridor"] == 1
    assert dropped["truck.planned.departure"] == 1
    assert "party.hk_consignee.name" in dropped
    assert not {"truck.master_waybill", "truck.mainland_plate", "party.agent.code", "party.agent.dxp_id"} & set(dropped)
    assert all(row["example"] == "" for row in record.conversion_record(batch)["CEB603Message"] if row["target"] == "-")


def test_a_bundling_has_a_record_without_a_persons_name() -> None:
    truck = make_batch(1).truck
    rows = bundling(truck, "HKRoadBundle")
    assert {row["message_type"] for row in rows} == {"HKRoadBundle"}
    assert counts(rows, "constant") == {"Declaration/TypeCode": 1, "BorderTransportMeans/ModeCode": 1}
    assert counts(rows, "dropped")["truck.mainland_plate"] == 1
    assert truck.driver.name not in str(rows)


def test_a_truck_on_its_way_has_a_record_of_every_message(desk: Desk) -> None:
    desk.take_in()
    desk.declared()
    desk.prepare("hong_kong")
    desk.said("HKRoadACI", "accepted", pre_no="CCRN1")
    desk.prepare("list")
    desk.said("CEB607Message", "accepted")
    types = {row.message_type for row in conversions(desk.ledger, desk.id)}
    assert {"CEB303Message", "CEB403Message", "CEB505Message", "CEB603Message", "CEB607Message", "HKRoadACI"} <= types
