"""A consignment's life in the Hong Kong sandbox, by the real adapter over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
import requests

from adapters.hk_road import HongKongRoad
from adapters.hk_road.receipts import earliest, refusals
from mappings.engine import explain
from mappings.errors import AuthorityRejected, AuthorityUnavailable, ConfigurationError, OutcomeUnknown
from tasks import hongkong
from tests.contract.hk_sandbox_world import World, serve, world
from tests.contract.loopback import closed_port
from tests.unit.test_hk_items import truck_batch


@pytest.fixture
def hk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path, monkeypatch) as made:
        yield made


def test_a_truck_that_is_waved_through(hk: World) -> None:
    ccrn = hk.bundled()
    assert hk.event("at_control_point").json() == {"moved": [ccrn], "refused": []}
    again = {"moved": [], "refused": [{"ccrn": ccrn, "state": "released", "needed": "bundled"}]}
    assert hk.event("at_control_point").json() == again
    hk.later(minutes=40)
    assert hk.statuses() == ["ACP", "REL"]
    assert hk.event("crossed").json()["moved"] == [ccrn]
    hk.later(seconds=1)
    [row] = hk.notices()
    assert (row.type, row.business_key, row.status) == ("HKRoadBundle", f"BND|{ccrn}|TT1001", "CRS")
    assert hk.notices() == []


def test_the_answer_to_a_lodging_names_document_message_and_ccrn(hk: World) -> None:
    message = hk.lodge()
    assert hk.send(message).code == "received"
    assert hk.notices() == []
    hk.later(minutes=1)
    raw = hk.road.poll("Test Cargo Filing Limited", "").messages[0]
    business = hk.road.open(raw).business
    assert explain.check(business) == []
    [row] = hk.road.receipts(business)
    assert (row.authority, row.type, row.business_key) == ("hk_road", "HKRoadACI", "ACI|HZMB0099000001")
    assert (row.status, row.declared_guid, row.problem) == ("CCR", message.guid, "")
    assert row.pre_no.startswith("CCRN")
    assert row.return_time is not None
    assert row.return_time < hk.now


def test_nobody_crosses_before_thirty_minutes_are_over(hk: World) -> None:
    ccrn = hk.lodged()
    hk.later(hours=1)
    hk.send(hk.bundle(ccrn))
    hk.later(minutes=1)
    raw = hk.road.poll("Test Cargo Filing Limited", hk.cursor).messages[0]
    business = hk.road.open(raw).business
    [bound] = hk.road.receipts(business)
    may = earliest(business)
    assert may is not None
    assert bound.return_time is not None
    assert may == bound.return_time + timedelta(minutes=30)
    hk.notices()
    hk.event("at_control_point")
    hk.later(minutes=5)
    assert hk.statuses() == []
    hk.at(may + timedelta(minutes=1))
    [there, go] = hk.notices()
    assert (there.status, go.status) == ("ACP", "REL")
    assert there.return_time == may


def test_a_parcel_held_back_after_lodging(hk: World) -> None:
    ccrn = hk.bundled()
    fewer = hk.batch.select(pd.Series([True, True, False]))
    amendment = hongkong.amend(fewer, ccrn, hk.now, hk.ids, 2).messages[0]
    hk.send(amendment)
    hk.later(minutes=1)
    assert hk.errors() == ["HKR022"]
    hk.send(hongkong.unbundle(hk.batch.truck, ccrn, hk.ids, 2))
    hk.later(minutes=1)
    assert hk.statuses() == ["UNB"]
    hk.send(hongkong.amend(fewer, ccrn, hk.now, hk.ids, 3).messages[0])
    hk.later(minutes=1)
    [amended] = hk.notices()
    assert (amended.status, amended.pre_no) == ("AMD", ccrn)
    hk.send(hk.bundle(ccrn, 3))
    hk.later(minutes=1)
    assert hk.statuses() == ["BND"]
    page = requests.get(hk.url, timeout=10).text
    assert "2 parcels" in page
    assert "綁定" in page


def test_an_inspection_ends_in_release_or_detention(hk: World) -> None:
    hk.rule("inspect", type="control_point", times=1)
    hk.rule("detain", type="control_point")
    ccrn = hk.bundled()
    hk.event("at_control_point", ccrn=ccrn)
    assert hk.event("crossed").json()["refused"] == []
    hk.later(hours=3)
    assert hk.statuses() == ["ACP", "INS", "REL", "CRS"]
    hk.send(hk.lodge(attempt=2))
    hk.later(minutes=1)
    [row] = hk.notices()
    assert row.pre_no != ccrn
    hk.send(hk.bundle(row.pre_no))
    hk.later(hours=1)
    hk.event("at_control_point", master_waybill="HZMB0099000001")
    hk.later(hours=3)
    assert hk.statuses() == ["BND", "ACP", "INS", "DET"]
    assert hk.event("crossed").json()["refused"] == [{"ccrn": row.pre_no, "state": "detained", "needed": "released"}]


def test_a_truck_turned_back_gets_a_new_ccrn(hk: World) -> None:
    ccrn = hk.bundled()
    hk.event("at_control_point")
    hk.later(hours=1)
    hk.event("crossed")
    assert hk.event("repatriated").json()["moved"] == [ccrn]
    hk.later(minutes=1)
    assert hk.statuses() == ["ACP", "REL", "CRS", "RPT"]
    hk.send(hongkong.amend(hk.batch, ccrn, hk.now, hk.ids, 2).messages[0])
    hk.send(hk.bundle(ccrn, 2))
    hk.send(hk.lodge(attempt=3))
    hk.later(minutes=1)
    rows = {row.status: row for row in hk.notices()}
    assert set(rows) == {"REJ", "CCR"}
    assert rows["CCR"].pre_no != ccrn


@pytest.mark.parametrize("kind", ["at_control_point", "crossed", "repatriated"])
def test_a_vehicle_that_is_not_bundled_goes_nowhere(hk: World, kind: str) -> None:
    ccrn = hk.lodged()
    for outcome in (hk.event(kind), hk.event(kind, ccrn=ccrn), hk.event(kind, master_waybill="HZMB0099000001")):
        assert outcome.json() == {"moved": [], "refused": []}
    assert hk.notices() == []
    assert [e["kind"] for e in hk.admin("GET", "events").json()["events"]] == [kind] * 3


def test_what_is_at_the_control_point_cannot_be_changed(hk: World) -> None:
    ccrn = hk.bundled()
    hk.event("at_control_point")
    hk.send(hongkong.unbundle(hk.batch.truck, ccrn, hk.ids, 2))
    hk.send(hongkong.amend(hk.batch, ccrn, hk.now, hk.ids, 2).messages[0])
    hk.later(minutes=1)
    assert hk.errors() == ["HKR033", "HKR033"]


def test_bundling_twice_unbundling_another_and_unknown_ccrns_are_refused(hk: World) -> None:
    ccrn = hk.bundled()
    hk.send(hk.bundle(ccrn, 2))
    hk.send(hongkong.unbundle(hk.batch.truck, ccrn, hk.ids, 3, "XX9999"))
    hk.send(hk.bundle("CCRN0000009999"))
    hk.send(hongkong.cancel(hk.batch.truck, "CCRN0000009999", hk.ids, 4).messages[0])
    hk.later(minutes=1)
    assert sorted(hk.errors()) == ["HKR021", "HKR021", "HKR031", "HKR032"]


def test_a_cancelled_consignment_is_gone(hk: World) -> None:
    ccrn = hk.lodged()
    hk.send(hongkong.cancel(hk.batch.truck, ccrn, hk.ids, 2).messages[0])
    hk.later(minutes=1)
    assert hk.statuses() == ["CAN"]
    hk.send(hk.bundle(ccrn))
    hk.later(minutes=1)
    assert hk.errors() == ["HKR021"]


def test_the_window_of_fourteen_days(hk: World) -> None:
    crossing = hk.now + timedelta(days=16)
    far = truck_batch(planned={"arrival_at_yard": hk.now, "departure": hk.now, "crossing": crossing})
    hk.send(hongkong.lodge(far, crossing - timedelta(days=1), hk.ids).messages[0])
    hk.later(minutes=1)
    assert hk.errors() == ["HKR010"]
    late = hk.lodge(attempt=2)
    hk.at(hk.batch.truck.planned.crossing + timedelta(days=1))
    hk.send(late)
    hk.later(minutes=1)
    assert hk.errors() == ["HKR011"]


def test_the_same_reference_twice_is_refused_and_the_same_message_a_duplicate(hk: World) -> None:
    first, second = hk.lodge(), hk.lodge()
    assert not hk.send(first).duplicate
    assert hk.send(first, recovery=True).duplicate
    hk.send(second)
    hk.later(minutes=1)
    assert sorted(hk.statuses()) == ["CCR", "REJ"]
    audit = hk.admin("GET", "books/audit").json()
    [entry] = audit["second_receipts"]
    assert (entry["times"], entry["versions"], entry["unmarked"]) == (3, 2, 1)
    assert (audit["received"], audit["unmarked"]) == (3, 1)


def test_a_lost_answer_is_settled_by_asking(hk: World) -> None:
    hk.rule("lose_answer", type="HKRoadACI", times=1)
    message = hk.lodge()
    sealed = hk.seal(message)
    assert hk.road.ask(sealed) is None
    with pytest.raises(OutcomeUnknown):
        hk.send(message)
    answered = hk.road.ask(sealed)
    assert answered is not None
    assert answered.messages == []
    hk.later(minutes=1)
    answered = hk.road.ask(sealed)
    assert answered is not None
    [row] = hk.road.receipts(hk.road.open(answered.messages[0]).business)
    assert row.status == "CCR"
    assert hk.admin("GET", "books/audit").json()["unmarked"] == 0


@pytest.mark.parametrize(("action", "more"), [("http", {"status": 502}), ("down", {})])
def test_a_dead_gateway_keeps_nothing_and_asking_says_so(hk: World, action: str, more: dict[str, int]) -> None:
    hk.rule(action, type="HKRoadACI", times=1, **more)
    message = hk.lodge()
    with pytest.raises(OutcomeUnknown):
        hk.send(message)
    assert hk.road.ask(hk.seal(message)) is None
    assert hk.send(message, recovery=True).code == "received"
    assert hk.admin("GET", "books").json()["documents"][0]["recovery"] is True


def test_silence_is_broken_by_asking(hk: World) -> None:
    hk.rule("silent", type="HKRoadACI")
    message = hk.lodge()
    hk.send(message)
    hk.later(minutes=5)
    assert hk.notices() == []
    answered = hk.road.ask(hk.seal(message))
    assert answered is not None
    assert len(answered.messages) == 1


def test_repeated_answers_are_the_same_receipt(hk: World) -> None:
    hk.rule("repeat", type="HKRoadACI", times_each=3)
    hk.send(hk.lodge())
    hk.later(minutes=1)
    rows = hk.notices()
    assert len(rows) == 3
    assert len({(r.business_key, r.status, r.guid, r.return_time) for r in rows}) == 1


def test_a_rejection_on_the_operators_word_points_at_the_field(hk: World) -> None:
    hk.rule("reject", type="HKRoadACI", code="HKR007", nth=1)
    hk.send(hk.lodge())
    hk.later(minutes=1)
    raw = hk.road.poll("Test Cargo Filing Limited", "").messages[0]
    [refusal] = refusals(hk.road.open(raw).business)
    assert (refusal.code, refusal.field) == ("HKR007", "party.hk_consignee.address")
    assert (refusal.section, refusal.tag) == ("27A", "239")
    assert hk.admin("GET", "behaviour").json()["rules"][0]["used"] == 1


def test_a_master_waybill_can_ask_for_trouble(hk: World) -> None:
    batch = hk.batch
    truck = batch.truck.model_copy(update={"master_waybill": "HKREJ-1"})
    hk.send(hk.lodge(replace(batch, truck=truck)))
    hk.later(minutes=1)
    assert hk.errors() == ["HKR090"]
    assert "HKREJ-1-A1" in requests.get(hk.url, timeout=10).text


def test_the_sandbox_remembers_and_forgets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, monkeypatch) as first:
        ccrn = first.bundled()
        first.rule("reject", type="HKRoadACI")
    with serve(tmp_path) as url:
        again = World(url, monkeypatch, first.batch, first.ids)
        assert again.statuses() == ["CCR", "BND"]
        assert again.event("at_control_point", ccrn=ccrn).json()["moved"] == [ccrn]
        again.admin("POST", "reset")
        assert again.admin("GET", "books").json() == {"documents": [], "next": 0}
        assert again.event("at_control_point", ccrn=ccrn).json()["moved"] == []
        again.send(again.lodge())
        again.later(minutes=1)
        again.cursor = ""
        assert again.statuses() == ["CCR"]


def test_the_same_seed_answers_at_the_same_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def answered(home: str, seed: int) -> float:
        with world(tmp_path / home, monkeypatch, seed=seed) as hk:
            hk.send(hk.lodge())
            at = json.loads(hk.admin("GET", "books").text)["documents"][0]["at"]
            hk.later(minutes=1)
            [row] = hk.notices()
            assert row.return_time is not None
            return (row.return_time - datetime.fromisoformat(at)).total_seconds()

    one, same, other = answered("a", 1), answered("b", 1), answered("c", 2)
    assert one == pytest.approx(same, abs=0.5)
    assert one != pytest.approx(other, abs=0.5)


def test_nobody_there_is_surely_not_sent(hk: World) -> None:
    away = World(f"http://127.0.0.1:{closed_port()}", hk.patch, hk.batch)
    message = away.lodge()
    hk.patch.setattr("mappings.clock.Clock.sleep", lambda *_: None)
    with pytest.raises(AuthorityUnavailable):
        away.send(message)
    with pytest.raises(AuthorityUnavailable):
        away.road.ask(away.seal(message))


def test_a_refusal_at_the_door_is_a_verdict(hk: World) -> None:
    sealed = hk.seal(hk.lodge()).replace(b'"payload":"', b'"payload":"AAAA')
    with pytest.raises(AuthorityRejected) as caught:
        hk.road.send(sealed, "x")
    assert caught.value.code == "HKR051"
    assert hk.admin("GET", "books").json()["documents"][0]["verdict"] == "refused"


def test_without_an_address_nothing_is_asked_or_sent() -> None:
    with pytest.raises(ConfigurationError):
        HongKongRoad().poll("x", "")
