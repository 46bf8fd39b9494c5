"""Partners that send their own messages: we prepare none, wait for none, and know their receipts when we see them."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from adapters.contract import ReceiptRow
from adapters.ledger import audit, messages, raws, receipts
from adapters.ledger.tables import receipt
from deployments import demo_truck
from mappings import clock
from mappings.canonical.model import Party
from mappings.errors import ConfigurationError
from mappings.identity import seeded
from tasks import dryrun
from tasks.clearing import hearing, partners
from tasks.clearing.standing import parcel_claims
from tasks.conversion import partners as senders
from tasks.conversion.lists import faults_ahead
from tasks.conversion.messages import Making
from tests.contract.layouts import TRUCK
from tests.factory import make_batch, make_truck
from tests.unit import trucks
from tests.unit.desk import Desk

PARTNERS = {"platform": ["order"], "payment_company": "payment", "carrier": "waybill, departure", "yard": ["arrival"]}
CN = "cn_ecommerce"


def taken_in(desk: Desk, **sends: Any) -> None:
    sheet = json.loads(json.dumps(desk.made.truck))
    for role, said in sends.items():
        sheet["parties"][role]["sends_itself"] = said
    desk.take_in(dataclasses.replace(desk.made, truck=sheet))


def sent(desk: Desk) -> Counter[str]:
    return Counter(row.type for row in messages.listing(desk.ledger, desk.id))


def in_order(desk: Desk) -> list[audit.Finding]:
    return audit.audit(desk.ledger, parcel_claims(), theirs=partners.by_shipment(desk.ledger))


def test_a_truck_whose_partners_send_their_own_comes_to_its_end(desk: Desk) -> None:
    taken_in(desk, **PARTNERS)
    assert desk.prepare("declare") == 1
    assert set(sent(desk)) == {"CEB603Message"}
    assert in_order(desk) == []
    desk.said("CEB603Message", "reviewed")
    assert desk.prepare("list") == 1
    assert [desk.prepare(step) for step in ("list", "arrive")] == [0, 0]
    assert desk.standing().named("CEB507Message") == set(), "not before the truck is at the yard"
    desk.happens("arrived")
    assert desk.prepare("arrive") == 0
    assert desk.standing().named("CEB507Message") == {1, 2, 3, 4, 5, 6}
    desk.said("CEB603Message", "released", 1, 2, 3, 4, 5)
    assert desk.standing().named("CEB509Message") == set()
    desk.happens("departed")
    here = desk.settle()
    assert desk.prepare("depart") == 0
    assert here.named("CEB509Message") == {1, 2, 3, 4, 5}
    assert here.left_behind() == {6}
    assert here.loaded() == {1, 2, 3, 4, 5}
    desk.said("CEB603Message", "closed", 1, 2, 3, 4, 5)
    assert set(sent(desk)) == {"CEB603Message", "CEB607Message"}
    assert in_order(desk) == []


def test_a_partners_master_list_names_what_is_reviewed(desk: Desk) -> None:
    taken_in(desk, agent=["list"])
    desk.declared(("rejected", (2,)))
    assert desk.prepare("list") == 0
    assert desk.standing().named("CEB607Message") == {1, 3, 4, 5, 6}
    desk.happens("arrived")
    assert desk.prepare("arrive") == 1
    assert desk.on_lists("CEB507Message") == [[1, 3, 4, 5, 6]]


def test_without_a_partner_the_same_ledger_is_not_in_order(desk: Desk) -> None:
    taken_in(desk, platform=["order"])
    desk.prepare("declare")
    assert {f.code for f in audit.audit(desk.ledger, parcel_claims())} == {"missing-document"}


def test_a_partners_receipts_are_kept_as_its_own_and_strangers_stay_parked(desk: Desk) -> None:
    taken_in(desk, **PARTNERS)
    desk.prepare("declare")
    codes = {role: party.code for role, party in desk.standing().truck.parties.items()}
    master, order = desk.made.truck["master_waybill"], desk.orders()[0]
    theirs = {
        "CEB303Message": f"{codes['platform']}|{codes['seller']}|{order}",
        "CEB403Message": f"{codes['seller']}|{order}|their own number",
        "CEB507Message": f"{codes['yard']}|THEIRS-1|{master}|1",
        "CEB509Message": f"{codes['carrier']}|THEIRS-2|1",
    }
    strange = {
        "CEB303Message": f"{codes['platform']}|{codes['seller']}|no such order",
        "CEB507Message": f"{codes['yard']}|THEIRS-1|another master waybill|1",
        "CEB607Message": f"{codes['agent']}|X|{master}|1",
        "CEB505Message": "too|many|parts",
    }
    rows = [
        ReceiptRow(CN, kind, key, f"G{n}", "399", clock.now(), "")
        for n, (kind, key) in enumerate([*theirs.items(), *strange.items()])
    ]
    with desk.ledger.begin() as tx:
        raw = raws.store_raw(tx, raws.IN, CN, "push", "", b"<x/>", media_type="application/xml")
        raws.mark_read(tx, raw)
        receipts.add_receipts(tx, raw, rows)
    for _ in range(2):
        hearing.apply(desk.office, CN)
    with desk.ledger.read() as tx:
        found = {
            tuple(row) for row in tx.execute(select(receipt.c.type, receipt.c.business_key, receipt.c.disposition))
        }
    assert found == {(k, v, "partner") for k, v in theirs.items()} | {(k, v, "parked") for k, v in strange.items()}
    assert partners.recognise(desk.ledger, CN) == 0, "once"


def test_a_payment_that_the_company_tells_customs_itself_holds_nothing() -> None:
    company = {"code": "P9", "name": "支付", "sends_itself": ["payment"]}
    made = trucks.batch(payments=[], truck={**TRUCK, "parties": {**TRUCK["parties"], "payment_company": company}})
    assert trucks.codes(made) == [*(c for c in trucks.codes(made) if c.startswith("CNV")), "PAY-005"]


def test_the_dry_run_writes_none_of_a_partners_messages_and_says_so(tmp_path: Path) -> None:
    truck = demo_truck.make_truck(3, 1.0, 1)
    for role, said in PARTNERS.items():
        truck.truck["parties"][role]["sends_itself"] = said
    run = dryrun.dry_run(demo_truck.write(truck, tmp_path / "data"), tmp_path / "home")
    assert {f.type for f in run.files if f.type.startswith("CEB")} == {"CEB603Message", "CEB607Message"}
    assert sum("sends it itself" in note for note in run.notes) == 5
    assert set(run.conversion) & {"CEB303Message", "CEB507Message"} <= {"CEB303Message"}
    assert not run.conversion["CEB303Message"]
    dropped = {row["source"] for row in run.conversion["CEB603Message"] if row["kind"] == "dropped"}
    assert "payment.amount" not in dropped, "the partner's own message carries it"


def test_a_partner_signs_for_itself() -> None:
    parties = {role: party.model_dump() for role, party in make_truck().parties.items()}
    parties["carrier"]["sends_itself"] = ["waybill"]
    assert "carrier" in senders.signers(make_truck(parties=parties)), "its departure is still ours"
    parties["carrier"]["sends_itself"] = ["waybill", "departure"]
    assert "carrier" not in senders.signers(make_truck(parties=parties))


def test_the_dated_table_and_the_mode_of_a_type(monkeypatch: pytest.MonkeyPatch) -> None:
    truck = make_truck()
    day = truck.planned.departure.astimezone(clock.CHINA).date()
    agreed: dict[str, Any] = {"role": "platform", "code": truck.parties["platform"].code, "says": ["order"]}
    table = senders.roles()
    for since, until, fits in ((0, 0, True), (1, 2, False), (-2, -1, False)):
        row = {**agreed, "since": day + timedelta(days=since), "until": day + timedelta(days=until)}
        monkeypatch.setitem(table, "partners", [row])
        assert senders.theirs(truck) == (frozenset({"CEB303Message"}) if fits else frozenset())
    monkeypatch.setitem(table, "partners", [{**agreed, "code": "another", "since": day}])
    assert senders.theirs(truck) == frozenset()
    monkeypatch.setitem(table["messages"]["CEB507Message"], "mode", "partner_sends")
    assert senders.theirs(truck) == frozenset({"CEB507Message"})
    ahead = [
        str(f["other_value"]) for f in faults_ahead(make_batch(2, batch_no="5" * 400), Making(seeded(1), clock.now()))
    ]
    assert ahead
    assert not any("CEB507Message" in told for told in ahead)


@pytest.mark.parametrize(
    ("old", "new"),
    [("says: inventory, role: agent, mode: we_send", "says: inventory, role: agent, mode: partner_sends"),
     ("says: order, role: platform, mode: we_send", "says: order, role: platform, mode: nobody")],
)  # fmt: skip
def test_a_mode_that_cannot_be_is_refused(old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = (senders.MAPPINGS / CN / "roles.yaml").read_text("utf-8")
    assert old in written
    (tmp_path / CN).mkdir()
    (tmp_path / CN / "roles.yaml").write_text(written.replace(old, new), "utf-8")
    monkeypatch.setattr(senders, "MAPPINGS", tmp_path)
    with pytest.raises(ConfigurationError, match="mode"):
        senders.roles.__wrapped__()


def test_an_inventory_is_never_a_partners() -> None:
    with pytest.raises(ValidationError, match="sends_itself"):
        Party(name="x", sends_itself="inventory")  # type: ignore[arg-type]
