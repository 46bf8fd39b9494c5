"""The monthly summary (701, 702, 792): what it names, how it is split, and how the result finds it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import select, update

from adapters.ledger import applications, audit, messages, receipts, shipments
from adapters.ledger.tables import document, parcel, shipment
from mappings import clock
from mappings.clock import CHINA
from mappings.engine import explain, spec
from mappings.errors import DataFault
from tasks.applications import asking, sending, summaries
from tasks.clearing.listening import Listening
from tasks.clearing.standing import parcel_claims
from tasks.conversion.declare import roles
from tasks.receipts.settle import settle
from tests.contract import reference
from tests.unit.applications import body, hear, invt, numbered, push
from tests.unit.customs import IDENTITIES, receipt
from tests.unit.desk import Desk

MONTH = "2026-10"
OCTOBER = datetime(2026, 10, 31, 23, 59, tzinfo=CHINA)
NS = "{http://www.chinaport.gov.cn/ceb}"


@pytest.fixture
def closed(desk: Desk) -> Desk:
    """A truck of summarised declaration (B) whose inventories customs closed in October."""
    desk.take_in()
    desk.declared()
    truck = desk.standing().truck.model_copy(update={"statistics_flag": "B"})
    shipments.set_truck(desk.ledger, desk.id, truck.model_dump(mode="json"), truck.mainland_plate)
    desk.said("CEB603Message", "closed", return_time=OCTOBER)
    numbered(desk)
    return desk


def ask(desk: Desk, month: str = MONTH, approved: bool = True) -> asking.Asked | None:
    found = summaries.ask_summaries(desk.office, month, "tester").get(desk.id)
    if found and approved:
        applications.approve(desk.ledger, found.ids, "boss")
    desk.settle()
    return found


def told(content: bytes, tag: str) -> list[str]:
    return [e.text or "" for e in etree.fromstring(content).iter(f"{NS}{tag}")]


def bodies(desk: Desk) -> list[bytes]:
    return [body(desk, "CEB701Message", row.attempt) for row in messages.listing(desk.ledger, desk.id)
            if row.type == "CEB701Message"]  # fmt: skip


def result(desk: Desk, number: str, part: str = "1") -> None:
    """A 792: customs has made a full declaration of a summary."""
    fields = spec.load("CEB792Message").segments["SummaryResultHead"].fields
    own = {"guid": IDENTITIES.guid(), "sumNo": number, "opDate": "20261123220000000", "declSeqNo": "D1",
           "decState": "9", "entryId": "578820261234567890", "msgSeqNo": part, "msgCount": "1",
           "agentCode": desk.standing().truck.parties["agent"].code}  # fmt: skip
    head = "".join(f"<{f.tag}>{own.get(f.tag, '1')}</{f.tag}>" for f in fields)
    text = f"<SummaryResult><SummaryResultHead>{head}</SummaryResultHead></SummaryResult>"
    root = f'<CEB792Message xmlns="http://www.chinaport.gov.cn/ceb" guid="{IDENTITIES.guid()}" version="1.0">'
    push(desk, f"{root}{text}</CEB792Message>".encode(), "CEB792Message")


def test_closed_inventories_of_a_month_in_one_application(closed: Desk) -> None:
    asked = ask(closed)
    assert asked is not None
    assert len(asked.new) == 1
    assert closed.standing().fact("applications_open")
    assert sending.prepare(closed.office, closed.id) == 1
    closed.sent()
    (content,) = bodies(closed)
    assert explain.check(content, strict=True) == []
    assert told(content, "invtNo") == [invt(seq) for seq in range(1, 7)]
    assert (told(content, "msgCount"), told(content, "msgSeqNo")) == (["1"], ["1"])
    assert len(told(content, "copNo")[0]) <= 30
    assert closed.on_lists("CEB701Message") == [[1, 2, 3, 4, 5, 6]]
    again = ask(closed)
    assert again is not None
    assert (again.new, again.known) == ([], asked.new), "asking again takes only what is new"
    assert sending.prepare(closed.office, closed.id) == 0
    assert audit.audit(closed.ledger, parcel_claims()) == []


def test_accepted_and_then_the_result(closed: Desk) -> None:
    asked = ask(closed)
    assert asked is not None
    sending.prepare(closed.office, closed.id)
    closed.sent()
    hear(closed, "CEB701Message", "2", "399", sumNo="578820261000000001")
    (row,) = applications.by_ids(closed.ledger, asked.ids)
    assert (row.state, row.document_state, row.given_no) == ("granted", "granted", "578820261000000001")
    result(closed, "578820261000000001")
    (row,) = applications.by_ids(closed.ledger, asked.ids)
    assert (row.state, row.document_state) == ("granted", "summed")
    (found,) = messages.documents(closed.ledger, closed.id, type="CEB701Message")
    assert "entryId 578820261234567890" in found.return_info
    assert audit.audit(closed.ledger, parcel_claims()) == []


def test_a_result_that_comes_before_the_receipt_waits_for_it(closed: Desk) -> None:
    asked = ask(closed)
    assert asked is not None
    sending.prepare(closed.office, closed.id)
    closed.sent()
    with (
        closed.ledger.begin() as tx
    ):  # another summary, so that the agent and the part alone do not tell which is meant
        row = tx.execute(select(document).where(document.c.type == "CEB701Message")).one()
        copy = {k: v for k, v in row._mapping.items() if k != "id"}
        copy |= {"business_key": row.business_key.replace("|", "|X", 1), "guid": IDENTITIES.guid(), "parcel_id": None}
        tx.execute(document.insert().values(copy))
    result(closed, "578820261000000001")
    assert receipts.counts(closed.ledger, "cn_ecommerce").get("parked") == 1
    key = row.business_key.split("|")
    hear_one(closed, key, "399", "578820261000000001")
    settle(closed.ledger, closed.office.authority("cn_ecommerce"))
    closed.settle()
    (told_,) = applications.by_ids(closed.ledger, asked.ids)
    assert told_.document_state == "summed"
    assert receipts.counts(closed.ledger, "cn_ecommerce").get("parked", 0) == 0


def hear_one(desk: Desk, key: list[str], status: str, number: str) -> None:
    row = {"agentCode": key[0], "copNo": key[1], "msgSeqNo": key[2], "returnStatus": status, "sumNo": number}
    push(desk, receipt("CEB702Message", [row]), "CEB702Message")


def test_refused_its_inventories_are_free_for_a_new_summary(closed: Desk) -> None:
    first = ask(closed)
    assert first is not None
    sending.prepare(closed.office, closed.id)
    closed.sent()
    hear(closed, "CEB701Message", "100")
    (row,) = applications.by_ids(closed.ledger, first.ids)
    assert row.state == "refused"
    second = ask(closed)
    assert second is not None
    assert len(second.new) == 1
    numbers = [a.number for a in applications.by_ids(closed.ledger, [*first.new, *second.new])]
    assert len(set(numbers)) == 2
    assert sending.prepare(closed.office, closed.id) == 1


def test_a_long_list_is_split_into_parts(closed: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(roles()["parcels_per_list"], "value", 4)
    asked = ask(closed)
    assert asked is not None
    assert len(asked.new) == 2
    assert sending.prepare(closed.office, closed.id) == 2
    rows = applications.by_ids(closed.ledger, asked.ids)
    assert [(r.part, r.detail["parts"]) for r in rows] == [(1, 2), (2, 2)]
    assert len({r.number for r in rows}) == 1
    assert sorted(map(len, closed.on_lists("CEB701Message"))) == [2, 4]
    keys = [d.business_key.split("|")[-1] for d in messages.documents(closed.ledger, closed.id, type="CEB701Message")]
    assert keys == ["1", "2"]
    assert len(summaries.orders(closed.ledger, asked.ids)[asked.ids[0]]) == 4
    assert [reference.fault("CEB701Message", content) for content in bodies(closed)] == ["", ""]


@pytest.mark.parametrize("change", ["A", "open", "other month"])
def test_what_is_not_of_the_month_is_not_named(closed: Desk, change: str) -> None:
    if change == "A":
        truck = closed.standing().truck.model_copy(update={"statistics_flag": "A"})
        shipments.set_truck(closed.ledger, closed.id, truck.model_dump(mode="json"), truck.mainland_plate)
    else:
        values: dict[str, Any] = (
            {"state": "released"} if change == "open" else {"return_time": OCTOBER + timedelta(minutes=2)}
        )
        with closed.ledger.begin() as tx:
            tx.execute(update(document).where(document.c.type == "CEB603Message").values(**values))
    assert ask(closed) is None


def test_two_trucks_of_one_declarant_are_one_summary(closed: Desk) -> None:
    first, mine = closed.orders(), closed.id
    with closed.ledger.begin() as tx:
        other, _ = shipments.open_shipment(tx, "X", "OTHER-1", shipments.get(tx, mine).truck, "粤Z2")
        moved = select(parcel.c.id).where(parcel.c.shipment_id == mine, parcel.c.seq <= 2)
        tx.execute(update(document).where(document.c.parcel_id.in_(moved)).values(shipment_id=other))
        tx.execute(update(parcel).where(parcel.c.id.in_(moved)).values(shipment_id=other))
    asked = ask(closed)
    assert asked is not None
    assert sending.prepare(closed.office, closed.id) == 1
    assert summaries.orders(closed.ledger, asked.ids) == {asked.ids[0]: first}
    assert closed.on_lists("CEB701Message") == [[3, 4, 5, 6]]  # of its own shipment; the lines name all


@pytest.mark.parametrize("month", ["2026-13", "october", "2026-11", "2027-01"])
def test_a_month_that_is_none_or_not_over_is_refused(desk: Desk, month: str) -> None:
    assert clock.now().astimezone(CHINA).strftime("%Y-%m") == "2026-11", "by the clock of the desk, not of the day"
    with pytest.raises(DataFault) as told_:
        summaries.bounds(month)
    assert [f["code"] for f in told_.value.faults] == ["APP-040"]


def test_last_month(desk: Desk) -> None:
    assert clock.now().astimezone(CHINA).strftime("%Y-%m") == "2026-11"
    assert summaries.last_month() == "2026-10"


def test_a_closed_truck_is_listened_to_until_the_result_has_come(closed: Desk) -> None:
    ask(closed)
    sending.prepare(closed.office, closed.id)
    closed.sent()
    hear(closed, "CEB701Message", "2", "399", sumNo="578820261000000001")
    with closed.ledger.begin() as tx:
        tx.execute(update(shipment).values(state="closed"))
    agent = closed.standing().truck.parties["agent"].dxp_id
    assert agent in Listening().senders(closed.ledger)["cn_ecommerce"]
    result(closed, "578820261000000001")
    with closed.ledger.begin() as tx:
        tx.execute(update(shipment).values(state="closed"))
    assert Listening().senders(closed.ledger) == {}
