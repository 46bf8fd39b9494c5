"""Messages to Hong Kong: references, keys, functions, and the schema they follow."""

from __future__ import annotations

from datetime import timedelta

import pytest
from lxml import etree

from mappings.engine import explain, reader, spec
from mappings.errors import DataFault
from mappings.identity import seeded
from tasks import hongkong
from tasks.hongkong.messages import reference
from tests.factory import START, make_truck
from tests.unit.test_hk_items import truck_batch

IDS = seeded(7)


def head(body: bytes) -> dict[str, str]:
    return {tag: column[0] for tag, column in reader.read(body).groups["Declaration"].items()}


def test_a_lodging_is_canonical_and_follows_its_schema() -> None:
    [message] = hongkong.lodge(truck_batch(), START, IDS).messages
    assert explain.check(message.body, strict=True) == []
    assert etree.tostring(etree.fromstring(message.body), method="c14n") == message.body
    assert head(message.body) == {
        "FunctionCode": "9",
        "FunctionalReferenceID": "HZMB0099000001-A1",
        "ID": "",
        "TypeCode": "ACI",
    }
    assert b"<hk:ID>" not in message.body
    [document] = message.documents
    assert (document.business_key, document.attempt, document.app_type) == ("ACI|HZMB0099000001", 1, "9")
    assert (document.guid, document.lists) == (message.guid, (1, 2, 3))
    assert (message.authority, message.type, message.owner_role) == ("hk_road", "HKRoadACI", "hk_agent")


def test_an_amendment_names_the_ccrn_and_has_a_reference_of_its_own() -> None:
    filing = hongkong.amend(truck_batch(2), "CCRN9", START, IDS, 2)
    found = head(filing.messages[0].body)
    assert (found["FunctionCode"], found["ID"], found["FunctionalReferenceID"]) == ("5", "CCRN9", "HZMB0099000001-A2")
    assert filing.digest == hongkong.content_digest(truck_batch(2))
    assert filing.messages[0].documents[0].app_type == "5"


def test_a_cancellation_holds_no_items() -> None:
    [message] = hongkong.cancel(make_truck(), "CCRN9", IDS, 3).messages
    assert explain.check(message.body, strict=True) == []
    assert [etree.QName(e).localname for e in etree.fromstring(message.body)[0]][-1] == "Submitter"
    assert head(message.body)["FunctionCode"] == "1"


def test_bundling_and_unbundling() -> None:
    truck = make_truck(hk_plate="tt 1001")
    bundled, freed = hongkong.bundle(truck, "CCRN9", IDS), hongkong.unbundle(truck, "CCRN9", IDS, 2)
    assert bundled.documents[0].business_key == "BND|CCRN9|TT1001" == freed.documents[0].business_key
    assert [head(m.body)["FunctionCode"] for m in (bundled, freed)] == ["9", "1"]
    assert explain.check(bundled.body, strict=True) == explain.check(freed.body, strict=True) == []


def test_a_changed_truck_unbundles_the_vehicle_that_was_bundled() -> None:
    freed = hongkong.unbundle(make_truck(hk_plate="NEW1"), "CCRN9", IDS, 2, "OLD1")
    assert freed.documents[0].business_key == "BND|CCRN9|OLD1"
    assert reader.read(freed.body).groups["BorderTransportMeans"]["ID"] == ["OLD1"]


def test_no_two_bundlings_share_a_reference() -> None:
    made = [
        hongkong.bundle(make_truck(hk_plate=plate), ccrn, IDS, attempt)
        for plate in ("AA1", "BB2")
        for ccrn in ("C1", "C2")
        for attempt in (1, 2)
    ]
    references = {head(message.body)["FunctionalReferenceID"] for message in made}
    assert len(references) == len(made)


@pytest.mark.parametrize("length", [1, 29, 30, 31, 60])
def test_references_fit_and_stay_apart(length: int) -> None:
    one, other = "W" * (length - 1) + "1", "W" * (length - 1) + "2"
    assert reference(one) != reference(other)
    truck = make_truck(master_waybill=one)
    for body in (hongkong.bundle(truck, "C", IDS, 999).body, hongkong.cancel(truck, "C", IDS, 999).messages[0].body):
        assert len(head(body)["FunctionalReferenceID"]) <= 35
        assert explain.check(body, strict=True) == []


@pytest.mark.parametrize("plate", ["", "粤ZT001港", "ABCDEFGHI", "TT-1001"])
def test_a_plate_that_is_none_of_hong_kong_is_a_fault(plate: str) -> None:
    with pytest.raises(DataFault) as caught:
        hongkong.bundle(make_truck(hk_plate=plate), "CCRN9", IDS)
    assert caught.value.faults[0]["code"] == "HKA-010"


def test_nothing_is_lodged_before_the_window_opens() -> None:
    batch = truck_batch()
    opens = hongkong.deadlines(batch.truck.planned.crossing).aci_from
    with pytest.raises(DataFault) as caught:
        hongkong.lodge(batch, opens - timedelta(seconds=1), IDS)
    assert caught.value.faults[0]["code"] == "HKA-012"
    assert hongkong.lodge(batch, opens, IDS).messages


def test_a_late_truck_is_a_fault_only_where_it_is_asked_about() -> None:
    truck = make_truck()
    late = truck.planned.crossing - timedelta(minutes=29)
    assert hongkong.window_faults(truck, late) == []
    assert [f["code"] for f in hongkong.window_faults(truck, late, ("late",))] == ["HKA-013"]


def test_our_message_files_say_that_nobody_could_verify_them() -> None:
    found = [spec.load(name) for name in spec.all_types("hk_road")]
    assert {s.type for s in found} == {"HKRoadACI", "HKRoadBundle", "HKRoadResponse"}
    assert all(s.unverified for s in found)
