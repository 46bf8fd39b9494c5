"""The eight items of Hong Kong's cargo information, its description, and the conversion record."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pandas as pd
import pytest

from mappings.canonical.batch import Batch
from mappings.engine import codes, explain
from mappings.errors import DataFault
from mappings.hk_road.tables import field_at, limit, pointer, table
from mappings.identity import seeded
from tasks import hongkong
from tasks.hongkong.items import lines, project
from tasks.hongkong.record import KINDS
from tests.factory import PARTIES, START, make_batch

SELLER = PARTIES["seller"] | {"address": "珠海市香洲區港灣大道1號"}


def truck_batch(n: int = 3, parties: dict[str, Any] | None = None, **truck: Any) -> Batch:
    return make_batch(n, parties=PARTIES | {"seller": SELLER} | (parties or {}), **truck)


def with_hs(batch: Batch, hs: list[str]) -> Batch:
    lines_ = pd.concat([batch.lines.head(1)] * len(hs), ignore_index=True)
    lines_["line.hs_code"] = pd.Series(hs, dtype="str")
    return replace(batch, lines=lines_)


def codes_of(error: DataFault) -> set[str]:
    return {fault["code"] for fault in error.faults}


def test_the_eight_items_of_a_truck() -> None:
    items, _ = project(truck_batch(3))
    assert (items.packages, items.package_kind, items.package_description) == (3, "CT", "Carton")
    assert items.consignor_name == "测试家居贸易有限公司"
    assert items.consignee_address == "1 Made Up Road, Hong Kong"
    assert items.arrival_date == date(2026, 11, 24)
    assert "3 parcels" in items.article_description


def test_the_arrival_date_is_that_of_hong_kong_not_of_utc() -> None:
    planned = {
        "arrival_at_yard": START,
        "departure": START,
        "crossing": datetime.fromisoformat("2026-11-24T23:30:00+00:00"),
    }
    assert project(truck_batch(planned=planned))[0].arrival_date == date(2026, 11, 25)


def test_weight_and_value_never_block_a_ccrn() -> None:
    batch = truck_batch(2)
    batch.parcels["waybill.gross_weight"] = pd.array([None, None], dtype="Int64")
    batch.parcels["order.goods_value"] = pd.array([None, None], dtype="Int64")
    filing = hongkong.lodge(batch, START, seeded(1))
    assert explain.check(filing.messages[0].body, strict=True) == []
    sources = {row["source"] for row in filing.conversion}
    assert not sources & {"waybill.gross_weight", "order.goods_value"}


def test_pieces_that_nobody_gave_count_as_one_and_are_recorded() -> None:
    batch = truck_batch(3)
    batch.parcels["waybill.pieces"] = pd.array([2, None, None], dtype="Int64")
    items, entries = project(batch)
    assert items.packages == 4
    assert [(e.source, e.kind, e.count) for e in entries if e.kind == "defaulted"] == [
        ("waybill.pieces", "defaulted", 2)
    ]


@pytest.mark.parametrize(
    ("kind", "sent", "recorded"),
    [("CT", "CT", ""), ("BG", "BG", ""), ("BX", "BX", "[nearest]"), ("00", "PK", "no such package kind")],
)
def test_a_package_kind_without_an_exact_equal_is_recorded(kind: str, sent: str, recorded: str) -> None:
    items, entries = project(truck_batch(package_kind=kind))
    notes = [e.note for e in entries if e.source == "truck.package_kind"]
    assert items.package_kind == sent
    assert [recorded in note for note in notes] == ([True] if recorded else [])


def test_characters_outside_hkscs_are_recorded_and_sent() -> None:
    batch = truck_batch()
    found = {e.target: e.example for e in project(batch)[1] if "HKSCS" in e.note}
    assert "贸" in found["Consignor/Name"]
    assert "Consignor/Line" not in found
    assert "测试家居贸易有限公司" in hongkong.lodge(batch, START, seeded(1)).messages[0].body.decode()


def test_the_record_names_everything_left_out_once_a_field() -> None:
    conversion = hongkong.lodge(truck_batch(4), START, seeded(1)).conversion
    dropped = {row["source"]: row for row in conversion if row["kind"] == "dropped"}
    wanted = {item["source"] for item in table("conversion")["dropped"]} - {"order.currency"}
    assert wanted <= dropped.keys()
    assert dropped["waybill.gross_weight"]["count"] == 4
    assert dropped["truck.hk_plate"]["example"] == "TT1001"
    assert "." in dropped["waybill.gross_weight"]["example"]
    assert {row["kind"] for row in conversion} <= set(KINDS)
    assert {(row["authority"], row["message_type"]) for row in conversion} == {("hk_road", "HKRoadACI")}


def test_nobodys_personal_data_stands_in_the_record() -> None:
    batch = truck_batch(2)
    conversion = hongkong.lodge(batch, START, seeded(1)).conversion
    examples = {row["source"]: row["example"] for row in conversion}
    personal = {"payment.payer_name", "waybill.consignee_name", "waybill.consignee_phone", "truck.driver.name"}
    assert {examples[source] for source in personal | {"waybill.consignee_address"}} == {"•••"}
    assert "测试司机" not in str(conversion)
    assert "Test Buyer" not in str(conversion)


def test_what_was_never_there_is_not_said_to_be_dropped() -> None:
    batch = truck_batch(2, e_lock="")
    batch.parcels["waybill.big_bag_no"] = ""
    sources = {row["source"] for row in hongkong.lodge(batch, START, seeded(1)).conversion}
    assert not sources & {"waybill.big_bag_no", "truck.e_lock"}


def test_dutiable_goods_are_named_first_however_few() -> None:
    batch = with_hs(truck_batch(), ["3926400000"] * 50 + ["9405500000"] * 40 + ["2208700000", "2905110000"])
    text = project(batch)[0].article_description
    goods = text.split(": ")[1].split("; ")
    assert goods == [
        "beverages, spirits and vinegar",
        "methyl alcohol",
        "plastic articles",
        "furniture, bedding and lamps",
    ]


def test_a_description_never_exceeds_its_length_and_says_what_it_leaves_out() -> None:
    chapters = list(codes.load("hk_road", "hs_chapter").codes)
    hs = [chapter + "01000000" for n, chapter in enumerate(chapters) for _ in range(n + 1)]
    items, entries = project(with_hs(truck_batch(), hs))
    [left] = [e for e in entries if e.kind == "dropped"]
    assert len(items.article_description) <= 512
    assert f"lines: {left.count}" in items.article_description
    named = items.article_description.split(": ", 1)[1].split("; ")[:-1]
    assert len(named) + int(left.note.split()[0]) == len(chapters)


def test_no_more_chapters_are_named_than_the_rule_says() -> None:
    hs = [f"{chapter}01000000" for chapter in ("50", "52", "17", "40", "43", "45", "92", "91", "65", "64")] * 3
    hs += [f"{n:02d}01000000" for n in range(1, 17)]
    text = project(with_hs(truck_batch(), hs))[0].article_description
    assert text.count("; ") == table("description")["most"]
    assert text.endswith("and goods of 6 further HS chapters (lines: 6)")


def test_goods_without_a_code_are_counted() -> None:
    items, entries = project(with_hs(truck_batch(), ["", "", "7700000000", "9503008900"]))
    assert items.article_description.endswith("toys, games and sports goods; unclassified goods (lines: 3)")
    assert [e.count for e in entries if "without an HS code" in e.note] == [3]


def test_the_digest_changes_with_what_hong_kong_is_told_and_with_nothing_else() -> None:
    batch = truck_batch(3)
    fewer = batch.select(pd.Series([True, True, False]))
    heavier = truck_batch(3)
    heavier.parcels["waybill.gross_weight"] = heavier.parcels["waybill.gross_weight"] + 1
    assert hongkong.content_digest(batch) == hongkong.content_digest(heavier)
    assert hongkong.content_digest(batch) != hongkong.content_digest(fewer)
    assert hongkong.content_digest(batch.select(pd.Series([False] * 3))) == ""


def test_all_faults_of_the_eight_items_come_at_once() -> None:
    parties = {role: {"name": " "} for role in ("seller", "hk_consignee", "hk_agent")}
    batch = truck_batch(2, parties=parties).select(pd.Series([False, False]))
    with pytest.raises(DataFault) as caught:
        hongkong.lodge(batch, START, seeded(1))
    wanted = {"HKA-001", "HKA-004", "HKA-005", "HKA-006", "HKA-007", "HKA-011"}
    assert codes_of(caught.value) == wanted
    assert "发货人地址" in str(caught.value)
    assert "consignor's address" in str(caught.value)


def test_a_truck_without_any_hong_kong_party_is_a_fault_not_a_crash() -> None:
    batch = make_batch(1, parties={"seller": SELLER})
    with pytest.raises(DataFault) as caught:
        hongkong.lodge(batch, START, seeded(1))
    assert codes_of(caught.value) == {"HKA-006", "HKA-007", "HKA-011"}


def test_a_long_address_takes_two_lines_and_a_longer_one_is_a_fault() -> None:
    address = "Unit 1201 to 1212, Twelfth Floor, Block C, A Very Long Named Industrial Building, 1 Made Up Road"
    filing = hongkong.lodge(truck_batch(parties={"seller": SELLER | {"address": address}}), START, seeded(1))
    first, second = lines(address)
    assert f"<hk:Line>{first}</hk:Line><hk:Line2>{second}</hk:Line2>" in filing.messages[0].body.decode()
    assert f"{first} {second}" == address
    with pytest.raises(DataFault) as caught:
        hongkong.lodge(truck_batch(parties={"seller": SELLER | {"address": "1 " * 120}}), START, seeded(1))
    assert codes_of(caught.value) == {"HKA-009"}


def test_a_name_that_is_too_long_is_a_fault() -> None:
    with pytest.raises(DataFault) as caught:
        hongkong.lodge(truck_batch(parties={"hk_consignee": {"name": "N" * 71, "address": "x"}}), START, seeded(1))
    assert [(f["code"], f["field"]) for f in caught.value.faults] == [("HKA-009", "party.hk_consignee.name")]


def test_limits_are_dated() -> None:
    assert limit("aci_latest", date(2026, 1, 1)).total_seconds() == 1800
    assert limit("aci_earliest", date(2026, 1, 1)).days == 14
    with pytest.raises(Exception, match="no limit"):
        limit("aci_latest", date(2009, 12, 31))
    with pytest.raises(Exception, match="no table"):
        table("nothing")


def test_every_error_of_the_authority_points_at_a_field_and_has_a_remedy() -> None:
    from mappings import faults

    for code in codes.load("hk_road", "error").codes.values():
        at = pointer(code.canonical)
        assert field_at(at["section"], at["tag"]) == code.canonical
        assert faults.table()[code.code].field == code.canonical
    assert field_at("99Z", "1") == ""
