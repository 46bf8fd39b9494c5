"""Hong Kong beside China: lodged, bundled, and when the load changes: unbundled, amended, bundled again."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from sqlalchemy import update

from adapters.ledger import faults, sources
from adapters.ledger.conversions import conversions
from adapters.ledger.tables import document
from tasks import hongkong as told_there
from tasks.clearing import batches, hongkong
from tasks.clearing.hongkong import ACI, BUNDLE, ccrn, next_step
from tests.unit.desk import Desk


def told(desk: Desk) -> list[tuple[str, str]]:
    """Every document of Hong Kong: type and what it asks for."""
    here = desk.standing()
    rows = sorted([*here.filed(ACI), *here.filed(BUNDLE)], key=lambda d: d.id)
    return [(d.type, d.app_type) for d in rows]


def released(desk: Desk) -> None:
    desk.take_in()
    desk.declared()
    desk.prepare("list")
    desk.happens("arrived")
    desk.prepare("arrive")
    desk.said("CEB603Message", "released")


def bundled(desk: Desk) -> None:
    released(desk)
    desk.prepare("hong_kong")
    desk.said(ACI, "ccrn_issued", pre_no="CCRN1")
    desk.prepare("hong_kong")
    desk.said(BUNDLE, "bundled")


def test_lodged_and_bundled_once(desk: Desk) -> None:
    bundled(desk)
    assert told(desk) == [(ACI, "9"), (BUNDLE, "9")]
    assert ccrn(desk.standing()) == "CCRN1"
    assert next_step(desk.office, desk.standing()) == "wait"
    assert desk.prepare("hong_kong") == 0
    assert {"hong_kong_lodge", "hong_kong_bundle"} <= set(desk.kinds())
    assert {row.message_type for row in conversions(desk.ledger, desk.id)} >= {ACI}


def test_held_back_after_the_bundling_is_unbundled_amended_and_bundled_again(desk: Desk) -> None:
    bundled(desk)
    desk.said("CEB603Message", "detained", 4)
    assert desk.prepare("hong_kong") == 1
    assert told(desk)[-1] == (BUNDLE, "1")
    assert desk.prepare("hong_kong") == 0, "no amendment before it is unbundled"
    last = desk.standing().filed(BUNDLE)[-1]
    _say(desk, last.id, "unbundled")
    assert desk.prepare("hong_kong") == 1
    assert told(desk)[-1] == (ACI, "5")
    _say(desk, desk.standing().filed(ACI)[-1].id, "amended")
    assert desk.prepare("hong_kong") == 1
    assert told(desk) == [(ACI, "9"), (BUNDLE, "9"), (BUNDLE, "1"), (ACI, "5"), (BUNDLE, "9")]
    _say(desk, desk.standing().filed(BUNDLE)[-1].id, "bundled")
    assert next_step(desk.office, desk.standing()) == "wait"
    assert desk.prepare("hong_kong") == 0


def _say(desk: Desk, document_id: int, state: str) -> None:
    with desk.ledger.begin() as tx:
        tx.execute(update(document).where(document.c.id == document_id).values(state=state))


def test_held_back_before_the_bundling_is_amended_at_once(desk: Desk) -> None:
    released(desk)
    desk.prepare("hong_kong")
    desk.said(ACI, "ccrn_issued", pre_no="CCRN1")
    desk.said("CEB603Message", "detained", 4)
    assert desk.prepare("hong_kong") == 1
    assert told(desk) == [(ACI, "9"), (ACI, "5")]


def test_another_vehicle_is_bundled_in_the_place_of_the_first(desk: Desk) -> None:
    bundled(desk)
    sheet = json.dumps({**desk.made.truck, "hk_plate": "ZZ9999"}, ensure_ascii=False).encode()
    assert desk.deliver(("truck.json", sheet)) == desk.id
    assert desk.standing().truck.hk_plate == "ZZ9999"
    assert desk.prepare("hong_kong") == 1
    unbundling = desk.standing().filed(BUNDLE)[-1]
    assert (unbundling.app_type, unbundling.business_key.split("|")[2]) == ("1", desk.made.truck["hk_plate"])


def test_what_hong_kong_cannot_be_told_is_a_fault_until_it_is_mended(desk: Desk) -> None:
    made = desk.made
    made.truck["parties"]["hk_consignee"] = {"name": "", "address": ""}
    desk.take_in()
    desk.declared()
    for _ in range(2):
        assert desk.prepare("hong_kong") == 0
    found = faults.faults(desk.ledger, desk.id)
    assert set(found["stage"]) == {"hong_kong"}
    assert {"HKA-006", "HKA-007"} <= set(found["code"])
    assert desk.kinds().count("hong_kong_faults") == 1
    named = {**made.truck["parties"], "hk_consignee": {"name": "Hub Ltd", "address": "1 Road"}}
    better = {**made.truck, "parties": named}
    desk.deliver(("truck.json", json.dumps(better, ensure_ascii=False).encode()))
    assert desk.prepare("hong_kong") == 1
    assert len(faults.faults(desk.ledger, desk.id)) == 0, "and no longer shown"


def test_a_truck_of_which_nothing_is_left_is_cancelled(desk: Desk) -> None:
    desk.take_in()
    desk.declared()
    desk.prepare("hong_kong")
    desk.said(ACI, "ccrn_issued", pre_no="CCRN1")
    desk.said("CEB603Message", "rejected")
    assert desk.prepare("hong_kong") == 1
    assert told(desk) == [(ACI, "9"), (ACI, "1")]


def test_a_batch_is_looked_at_once_for_each_load_of_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    bundled(desk)
    hongkong._contents.clear()
    looked: list[int] = []
    real = told_there.content_digest
    monkeypatch.setattr(told_there, "content_digest", lambda batch: looked.append(len(batch.parcels)) or real(batch))
    for _ in range(3):
        assert next_step(desk.office, desk.standing()) == "wait"
    (all_of_it,) = looked
    desk.said("CEB603Message", "detained", 4)
    for _ in range(2):
        assert next_step(desk.office, desk.standing()) == "unbundle"
    assert looked == [all_of_it, all_of_it - 1]


def test_another_batch_is_looked_at_though_the_load_has_the_same_numbers(desk: Desk) -> None:
    bundled(desk)
    assert next_step(desk.office, desk.standing()) == "wait"
    batch = batches.load_batch(desk.ledger, desk.id)
    more = batch.parcels.assign(**{"waybill.pieces": batch.parcels["waybill.pieces"].fillna(1) + 1})
    sources.save_snapshot(desk.ledger, desk.id, batches.BATCH, replace(batch, parcels=more).to_bytes())
    assert next_step(desk.office, desk.standing()) == "unbundle"


def test_what_is_known_of_loads_does_not_grow_without_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hongkong, "CONTENTS", 2)
    bundled(desk)
    for seq in (1, 2, 3, 4):
        desk.said("CEB603Message", "detained", seq)
        assert next_step(desk.office, desk.standing()) == "unbundle"
        assert 1 <= len(hongkong._contents) <= 2
