"""Returns: of an export (213, with its tally 215) and of an import (625): quantities, windows, messages, states."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from lxml import etree
from sqlalchemy import update

from adapters.ledger import applications, audit, events, messages, shipments, sources
from adapters.ledger.conversions import conversions
from adapters.ledger.tables import document
from mappings import clock
from mappings.applications import rule
from mappings.canonical.columns import SCALE
from mappings.engine import explain
from mappings.identity import seeded
from tasks.applications import asking, sending, settling
from tasks.applications.granting import Granted
from tasks.applications.messages import Applied, share, written
from tasks.applications.wanted import of_records, of_text
from tasks.clearing.declaring import load_batch
from tasks.clearing.standing import parcel_claims
from tasks.submission.seal import as_signed
from tests.factory import make_batch
from tests.import_factory import resident
from tests.unit.applications import approve, body, hear, invt, numbered, refusals
from tests.unit.desk import Desk

REASON = "buyer_return"
NS = "{http://www.chinaport.gov.cn/ceb}"


def ask(desk: Desk, *records: dict[str, Any], kind: str = "return", **detail: str) -> asking.Asked:
    found = asking.ask(desk.office, desk.id, kind, of_records(records, REASON), "tester", detail)
    desk.settle()
    return found


@pytest.fixture
def closed(desk: Desk) -> Desk:
    """A truck whose inventories are all closed."""
    desk.take_in()
    desk.declared()
    desk.said("CEB603Message", "closed", return_time=clock.now())
    numbered(desk)
    return desk


def lines(desk: Desk, seq: int) -> dict[int, int]:
    """The quantities of a parcel's lines, scaled."""
    batch = load_batch(desk.ledger, desk.id)
    at = batch.parcels.index[batch.parcels["parcel.seq"] == seq][0]
    mine = batch.lines[batch.lines["parcel"] == at]
    return dict(zip(mine["line.gnum"].tolist(), mine["line.quantity"].tolist(), strict=True))


def sent(desk: Desk, asked: asking.Asked) -> None:
    approve(desk, asked)
    assert sending.prepare(desk.office, desk.id) == 1
    desk.sent()
    desk.settle()


def told(content: bytes, tag: str) -> list[str]:
    return [e.text or "" for e in etree.fromstring(content).iter(f"{NS}{tag}")]


def test_the_whole_parcel_comes_back(closed: Desk) -> None:
    asked = ask(closed, {"order_no": closed.orders()[0]})
    assert asked.faults.empty
    sent(closed, asked)
    assert closed.parcel(1) == ("returning", "")
    content = body(closed, "CEB213Message")
    assert explain.check(content, strict=True) == []
    whole = lines(closed, 1)
    assert told(content, "gnum") == [str(g) for g in whole]
    assert [float(q) * SCALE for q in told(content, "qty")] == list(whole.values())
    assert told(content, "invtNo") == [invt(1)]
    assert told(content, "tradeMode") == ["9661"]
    assert told(content, "ieFlag") == ["I"]
    assert told(content, "billNo") == told(content, "logisticsNo"), "its own waybill where no bill is told"
    hear(closed, "CEB213Message", "2", "3", "120", "800")
    assert closed.parcel(1) == ("returned", "")
    assert closed.standing().state() == closed.standing().shipment.state
    assert audit.audit(closed.ledger, parcel_claims()) == []
    nothing = ask(closed, {"order_no": closed.orders()[0], "reason": "damaged"})
    assert refusals(nothing) == [(closed.orders()[0], "APP-026")]


def test_a_part_and_then_the_rest(closed: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Granted] = []
    monkeypatch.setattr(settling, "ON_GRANTED", [lambda tx, granted: given.extend(granted)])
    order, whole = closed.orders()[1], lines(closed, 2)
    gnum, quantity = max(whole.items(), key=lambda item: item[1])
    assert quantity > SCALE, "more than one piece"
    asked = ask(closed, {"order_no": order, "gnum": gnum, "quantity": 1}, vehicle="粤ZT777", bill_no="BACK-1")
    sent(closed, asked)
    content = body(closed, "CEB213Message")
    assert explain.check(content, strict=True) == []
    assert (told(content, "gnum"), told(content, "qty")) == ([str(gnum)], ["1"])
    assert (told(content, "trafName"), told(content, "billNo")) == (["粤ZT777"], ["BACK-1"])
    second = ask(closed, {"order_no": order, "reason": "damaged"})
    assert refusals(second) == [(order, "APP-016")], "one return at a time"
    hear(closed, "CEB213Message", "800")
    assert closed.parcel(2) == ("partly_returned", "")
    assert [g.quantities for g in given] == [{gnum: SCALE}]
    above = ask(closed, {"order_no": order, "gnum": gnum, "quantity": quantity / SCALE})
    assert refusals(above) == [(order, "APP-022")]
    rest = ask(closed, {"order_no": order, "reason": "damaged"})
    sent(closed, rest)
    asked_for = {row.gnum: row.quantity for row in applications.lines(closed.ledger, rest.new)}
    assert asked_for == {
        g: q - (SCALE if g == gnum else 0) for g, q in whole.items() if q - (SCALE if g == gnum else 0)
    }
    hear(closed, "CEB213Message", "800", minutes=20)
    assert closed.parcel(2) == ("returned", "")
    assert [a[0] for a in closed.attempts("CEB213Message", 2)] == [1, 2]
    assert audit.audit(closed.ledger, parcel_claims()) == [], "two live returns of one parcel are no double"


def test_what_the_message_cannot_hold_is_refused_when_it_is_asked_for(closed: Desk) -> None:
    one, two = closed.orders()[:2]
    asked = ask(closed, {"order_no": one}, vehicle="粤" * 101)
    assert asked.new == []
    assert refusals(asked) == [(one, "CNV-002")]
    assert asked.faults["stage"].tolist() == ["apply"]
    assert applications.listing(closed.ledger, closed.id) == []
    assert len(ask(closed, {"order_no": two}, vehicle="粤ZT777").new) == 1


def test_quantities_are_refused_line_by_line_and_at_once(closed: Desk) -> None:
    one, two, three = closed.orders()[:3]
    asked = ask(
        closed, {"order_no": one, "gnum": 77, "quantity": 1}, {"order_no": two, "gnum": 1, "quantity": 99999},
        {"order_no": three, "gnum": 1, "quantity": 1},
    )  # fmt: skip
    assert sorted(refusals(asked)) == sorted([(one, "APP-021"), (two, "APP-022")])
    assert len(asked.new) == 1


@pytest.mark.parametrize(
    ("state", "code"),
    [("released", ""), ("closed", ""), ("reviewed", "APP-018"), ("inspection", "APP-018"), ("rejected", "APP-012"),
     ("cancelled", "APP-017"), ("detained", "APP-014")],
)  # fmt: skip
def test_what_the_inventory_s_state_allows(closed: Desk, state: str, code: str) -> None:
    closed.said("CEB603Message", state, 1)
    asked = ask(closed, {"order_no": closed.orders()[0]})
    assert refusals(asked) == ([(closed.orders()[0], code)] if code else [])


@pytest.mark.parametrize(("days", "code"), [(364, ""), (366, "APP-020")])
def test_within_a_year_of_the_departure(closed: Desk, days: int, code: str) -> None:
    left = clock.now() - timedelta(days=days)
    events.record(closed.ledger, closed.id, "departed", left, "tester")
    asked = ask(closed, {"order_no": closed.orders()[0]})
    assert refusals(asked) == ([(closed.orders()[0], code)] if code else [])


def test_a_regime_without_a_mode_for_returns_is_refused(closed: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rule("return", "export").settings, "trade_modes", {"1210": "1261"})
    assert refusals(ask(closed, {"order_no": closed.orders()[0]})) == [(closed.orders()[0], "APP-025")]


def test_a_second_unit_needs_its_quantity(desk: Desk) -> None:
    desk.take_in()
    desk.declared()
    desk.said("CEB603Message", "closed", return_time=clock.now())
    numbered(desk)
    batch = load_batch(desk.ledger, desk.id)
    batch.lines.loc[0, "line.unit2"] = "H87"
    batch.lines.loc[0, "line.quantity2"] = pd.NA
    sources.save_snapshot(desk.ledger, desk.id, "batch", batch.to_bytes())
    asked = ask(desk, {"order_no": desk.orders()[0]}, {"order_no": desk.orders()[1]})
    assert refusals(asked) == [(desk.orders()[0], "APP-024")]
    assert len(asked.new) == 1


@pytest.mark.parametrize(
    ("statuses", "parcel", "document_state"),
    [(("2", "500", "800"), "returned", "granted"), (("2", "600"), "returning", "suspended"),
     (("2", "505"), "returning", "handed_over"), (("2", "100"), "closed", "rejected"),
     (("-301010",), "closed", "failed")],
)  # fmt: skip
def test_what_a_214_says(closed: Desk, statuses: tuple[str, ...], parcel: str, document_state: str) -> None:
    sent(closed, ask(closed, {"order_no": closed.orders()[0]}))
    hear(closed, "CEB213Message", *statuses)
    assert closed.parcel(1)[0] == parcel
    (row,) = applications.listing(closed.ledger, closed.id)
    assert row.document_state == document_state


def test_a_tally_follows_its_return_under_the_same_number(closed: Desk) -> None:
    order = closed.orders()[0]
    assert refusals(ask(closed, {"order_no": order}, kind="tally")) == [(order, "APP-027")]
    sent(closed, ask(closed, {"order_no": order}))
    tally = ask(closed, {"order_no": order}, kind="tally", location="A-01")
    sent(closed, tally)
    content = body(closed, "CEB215Message")
    assert explain.check(content, strict=True) == []
    assert told(content, "coElNo") == told(body(closed, "CEB213Message"), "coElNo")
    assert told(content, "location") == ["A-01"]
    again = ask(closed, {"order_no": order, "reason": "other"}, kind="tally")
    assert refusals(again) == [(order, "APP-027")], "it is tallied already"
    hear(closed, "CEB215Message", "2", "399")
    hear(closed, "CEB213Message", "800")
    states = {row.kind: row.state for row in applications.listing(closed.ledger, closed.id)}
    assert states == {"return": "granted", "tally": "granted"}
    assert closed.parcel(1) == ("returned", "")
    assert audit.audit(closed.ledger, parcel_claims()) == []


def test_a_shipment_with_an_open_application_waits_for_it(closed: Desk) -> None:
    with closed.ledger.begin() as tx:
        tx.execute(update(document).where(document.c.type == "CEB603Message").values(state="closed"))
    before = closed.settle().shipment.state
    sent(closed, ask(closed, {"order_no": closed.orders()[0]}))
    standing = closed.standing()
    assert standing.fact("applications_open")
    assert closed.standing().shipment.state == before, "a truck on its way keeps the state of its way"


def test_parts_of_legal_quantities_are_rounded_to_the_nearest() -> None:
    whole = pd.Series([100_000, 100_000, pd.NA], dtype="Int64")
    part, of = pd.Series([1, 2, 1], dtype="Int64"), pd.Series([3, 3, 3], dtype="Int64")
    assert share(whole, part, of).tolist()[:2] == [33_333, 66_667]
    assert share(whole, part, of).isna().tolist() == [False, False, True]


# ---- imports: what this branch of the procedure is fed by is made here -----------------------------------------------
def bought(**truck: Any) -> Any:
    batch = make_batch(3, direction="import", ie_port="5788", **truck)
    people = {
        "buyer.id_type": "1",
        "buyer.id_number": resident(1),
        "buyer.name": "测试买家",
        "buyer.phone": "13800000000",
    }
    for name, value in people.items():
        batch.parcels[name] = value
    return batch


def asked_of(batch: Any, number: str = "C0000000000001-1") -> pd.DataFrame:
    seqs = batch.parcels["parcel.seq"].tolist()[:2]
    return pd.DataFrame({
        "seq": seqs, "number": [number, number.replace("1-1", "2-1")], "attempt": [1, 1], "reason": ["订购人退货"] * 2,
        "invt_no": ["57882026I000000001", "57882026I000000002"], "detail": [{}, {}],
    })  # fmt: skip


def test_an_import_cancel_is_valid_and_names_its_buyer() -> None:
    batch = bought()
    applied = Applied(
        batch, rule("cancel", "import"), asked_of(batch), pd.DataFrame(columns=["seq", "gnum", "quantity"])
    )
    (made,) = written(applied, seeded(1), clock.now())
    assert explain.check(as_signed(made.type, made.body), strict=True) == []
    assert told(made.body, "appType") == ["1", "1"]
    assert told(made.body, "buyerName") == ["测试买家"] * 2
    assert told(made.body, "invtNo") == ["57882026I000000001", "57882026I000000002"]
    assert [d.parcel_seq for d in made.documents] == batch.parcels["parcel.seq"].tolist()[:2]
    assert made.documents[0].business_key.endswith("|C0000000000001-1")


def test_an_import_return_is_valid_and_has_the_lines_of_the_inventory() -> None:
    batch = bought()
    seqs = batch.parcels["parcel.seq"].tolist()
    wanted = pd.DataFrame([(seqs[0], 2, SCALE), (seqs[1], 1, 3 * SCALE)], columns=["seq", "gnum", "quantity"])
    applied = Applied(batch, rule("return", "import"), asked_of(batch, "R0000000000001-1"), wanted)
    (made,) = written(applied, seeded(1), clock.now())
    assert explain.check(as_signed(made.type, made.body), strict=True) == []
    assert told(made.body, "gnum") == ["2", "1"]
    assert told(made.body, "qty") == ["1", "3"]
    goods = batch.lines.set_index(["parcel", "line.gnum"])["line.goods_name"]
    assert told(made.body, "gname") == [goods[0, 2], goods[1, 1]]


def import_case(desk: Desk, state: str, since: datetime) -> None:
    """The desk's truck as an import whose inventories (621) customs has answered so, at that time."""
    truck = desk.standing().truck.model_copy(update={"direction": "import", "ie_port": "5788"})
    with desk.ledger.begin() as tx:
        shipments.set_truck(tx, desk.id, truck.model_dump(mode="json"), truck.mainland_plate)
        change = update(document).where(document.c.type == "CEB603Message")
        tx.execute(change.values(type="CEB621Message", state=state, return_time=since))
    numbered(desk, kind="CEB621Message")
    batch = load_batch(desk.ledger, desk.id)
    for name, value in (("id_type", "1"), ("id_number", resident(1)), ("name", "测试"), ("phone", "138")):
        batch.parcels[f"buyer.{name}"] = value
    sources.save_snapshot(desk.ledger, desk.id, "batch", batch.to_bytes())


@pytest.mark.parametrize(("days", "code"), [(29, ""), (31, "APP-020")])
def test_an_import_return_is_asked_within_thirty_days_and_due_within_forty_five(
    desk: Desk, days: int, code: str
) -> None:
    desk.take_in()
    desk.declared()
    since = clock.now() - timedelta(days=days)
    import_case(desk, "released", since)
    order = desk.orders()[0]
    asked = asking.ask(desk.office, desk.id, "return", of_text(order, REASON), "tester")
    assert refusals(asked) == ([(order, code)] if code else [])
    due = [row.due_at for row in applications.listing(desk.ledger, desk.id)]
    assert due == ([] if code else [since + timedelta(days=45)])


def test_an_import_cancel_is_prepared_before_release_and_refused_after(desk: Desk) -> None:
    desk.take_in()
    desk.declared()
    import_case(desk, "stored", clock.now())
    one, two = desk.orders()[:2]
    with desk.ledger.begin() as tx:
        rows = messages.documents(tx, desk.id, type="CEB621Message")
        tx.execute(update(document).where(document.c.id == rows[1].id).values(state="released"))
    asked = asking.ask(desk.office, desk.id, "cancel", of_text(f"{one} {two}", "buyer_cancel"), "tester")
    assert refusals(asked) == [(two, "APP-013")]
    applications.approve(desk.ledger, asked.ids, "boss")
    assert sending.prepare(desk.office, desk.id) == 1
    assert told(body(desk, "CEB623Message"), "orderNo") == [one]


def test_what_a_return_sets_and_rounds_is_on_record_and_adds_up(closed: Desk) -> None:
    one, two = closed.orders()[:2]
    sent(closed, ask(closed, {"order_no": one}))
    before = {r.target: r for r in conversions(closed.ledger, closed.id) if r.message_type == "CEB213Message"}
    assert before["InvtRefundHead/ieFlag"][:] and before["InvtRefundHead/ieFlag"].count == 1
    assert "InvtRefundList/qty1" not in before, "the whole comes out even"
    batch = load_batch(closed.ledger, closed.id)
    batch.lines["line.quantity"] = 3 * SCALE
    batch.lines["line.quantity1"] = SCALE
    sources.save_snapshot(closed.ledger, closed.id, "batch", batch.to_bytes())
    sent(closed, ask(closed, {"order_no": two, "gnum": 1, "quantity": 1}))
    after = {
        r.target: (r.kind, r.count) for r in conversions(closed.ledger, closed.id) if r.message_type == "CEB213Message"
    }
    assert after["InvtRefundHead/ieFlag"] == ("constant", 2)
    assert after["InvtRefundList/qty1"] == ("rounded", 1)
