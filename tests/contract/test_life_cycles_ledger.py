"""Receipts in any order through the real ledger, on each database: the same documents, conflicts told and explained."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar, cast

import pytest
import yaml

from adapters.contract import BillRow, Opened, ReceiptRow
from adapters.ledger import Ledger, bills, claims, events, messages, parcels, preparing, raws, receipts, shipments
from adapters.ledger import faults as ledger_faults
from adapters.ledger.audit import audit
from adapters.ledger.settling import Ranks
from mappings import states
from mappings.engine.spec import MAPPINGS
from tasks.receipts.settle import read_and_settle, settle
from tests.contract import ledger_cases as cases
from tests.contract.ledger_cases import CN, Doc, answer, out

GROUPS: dict[str, Any] = yaml.safe_load((MAPPINGS / CN / "life_cycles.yaml").read_text("utf-8"))["groups"]
RANKS = cast(Ranks, states.rank_table(CN))
KINDS = ("CEB311Message", "CEB621Message", "CEB603Message", "CEB711Message")


class Customs:
    """What reading and settling need of an authority; a message's bytes say nothing, its receipts are `told`."""

    name = CN
    told: ClassVar[dict[bytes, list[ReceiptRow]]] = {}
    at_once = False

    def open(self, raw: bytes) -> Opened:
        return Opened("business", "", raw)

    def receipts(self, business: bytes) -> list[ReceiptRow]:
        return self.told[business]


@pytest.fixture(autouse=True, params=["kept, then settled", "settled as they are kept"])
def way(request: pytest.FixtureRequest) -> None:
    """Both ways end the same."""
    Customs.at_once = request.param == "settled as they are kept"


def arrive(ledger: Ledger, rows: Sequence[ReceiptRow]) -> None:
    raw = raws.store_raw(ledger, "in", CN, "http", "customs", repr(rows).encode())
    if Customs.at_once:
        Customs.told[repr(rows).encode()] = list(rows)
        read_and_settle(ledger, cast(Any, Customs()))
        return
    receipts.add_receipts(ledger, raw, rows)
    told = [(row.bill, row.return_time) for row in rows if row.bill and row.return_time]
    bills.keep(ledger, raw, CN, told)
    settle(ledger, cast(Any, Customs()))


def stories(kind: str) -> list[dict[str, Any]]:
    mine = [group for group in GROUPS.values() if kind in group["types"]]
    return [story for group in mine for of in ("lives", "contradictions") for story in group[of]]


@pytest.mark.parametrize("kind", KINDS)
def test_any_order_ends_the_same_in_the_ledger(ledger: Ledger, kind: str) -> None:
    """One document a story and order: what a single batch makes of it, any order in several polls must make too."""
    chance, docs, told = random.Random(kind), [], []
    for number, story in enumerate(stories(kind)):
        for order in range(6):
            key = f"A|{number}-{order}"
            docs.append(Doc(key))
            rows = [answer(key, s, minutes, kind) for minutes, s in enumerate(story["statuses"])]
            told.append(
                (story["ends"], "conflict" if story in GROUPS_CONFLICTS else "", chance.sample(rows, len(rows)))
            )
    ident = cases.shipment(ledger)
    (made,) = preparing.add_messages(ledger, ident, [out(docs, kind)]).message_ids
    assert claims.claim(ledger, made, "w") and claims.settle_sent(ledger, made)
    for poll in range(max(len(rows) for *_, rows in told)):
        arrive(ledger, [rows[poll] for *_, rows in told if poll < len(rows)])
    found = messages.documents(ledger, ident)
    assert [d.state for d in found] == [ends for ends, *_ in told]
    assert [d.conflict for d in found] == [bool(conflict) for _, conflict, _ in told]
    once = {d.business_key: (d.state, d.return_status, d.return_time, d.conflict) for d in found}
    for number in range(len(stories(kind))):
        assert len({once[f"A|{number}-{order}"] for order in range(6)}) == 1


GROUPS_CONFLICTS = [story for group in GROUPS.values() for story in group["contradictions"]]


def test_a_contradiction_is_told_once_everywhere(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    cases.declared(ledger, ident, type="CEB621Message")
    arrive(ledger, [answer("P|o1", "800", 5, "CEB621Message"), answer("P|o2", "800", 5, "CEB621Message")])
    arrive(ledger, [answer("P|o1", "100", 4, "CEB621Message")])
    arrive(ledger, [answer("P|o1", "2", 1, "CEB621Message"), answer("P|o2", "120", 2, "CEB621Message")])
    one, two, _ = messages.documents(ledger, ident)
    assert (one.state, one.return_status, one.conflict) == ("rejected", "100", True), (
        "what customs said first, by its time"
    )
    assert (two.state, two.conflict) == ("released", False)
    assert {(r.status, r.disposition) for r in receipts.of_document(ledger, one.id)} == {
        ("100", "applied"), ("800", "conflict"), ("2", "late"),
    }  # fmt: skip
    told = [e.detail for e in events.timeline(ledger, ident) if e.kind == "receipt_conflict"]
    assert [(t["document_id"], t["type"], t["status"], t["told"]) for t in told] == [
        (one.id, "CEB621Message", "100", "800")
    ]
    (fault,) = [f for f in ledger_faults.faults(ledger, ident).to_dict("records") if f["code"] == "AUT-CONFLICT"]
    assert (fault["order_no"], fault["value"], fault["other_value"]) == ("o1", "CEB621Message 100", "800")
    assert [f.code for f in audit(ledger) if f.code == "conflict"] == ["conflict"]


def test_what_was_refused_at_the_door_is_not_made_anew_by_a_receipt(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    (made,) = preparing.add_messages(ledger, ident, [out([Doc("P|o1", 1)], "CEB621Message")]).message_ids
    assert claims.claim(ledger, made, "w") and claims.settle_refused(ledger, made, "1001", "no")
    arrive(ledger, [answer("P|o1", "120", 3, "CEB621Message")])
    (found,) = messages.documents(ledger, ident)
    assert (found.state, found.conflict) == ("refused", True)


# ---- tax bills -----
def bill(tax_no: str, invt_no: str, status: str, minutes: float, amount: int | None = None) -> ReceiptRow:
    """A telling of a tax bill, some minutes after NOW; with an amount it is the bill itself."""
    money = {} if amount is None else {
        "customs_tax": 0, "value_added_tax": amount, "consumption_tax": 0,
        "lines": ({"gnum": 1, "hs_code": "3304990039", "value_added_tax": amount},),
    }  # fmt: skip
    row = answer(tax_no, status, minutes, "CEB816Message", invt_no=invt_no)
    return row._replace(bill=BillRow(tax_no, invt_no, **money))  # type: ignore[arg-type]


def standing_bills(ledger: Ledger, ident: int) -> list[tuple[Any, ...]]:
    return [(b.tax_no, b.order_no, b.state, b.value_added_tax) for b in bills.of_shipment(ledger, ident)]


def test_a_tax_bill_waits_for_its_inventory_and_is_then_linked(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    cases.declared(ledger, ident, type="CEB621Message")
    arrive(ledger, [bill("T1", "I1", "1", 9, 9_100_000), bill("T9", "I9", "1", 9, 5)])
    assert bills.of_shipment(ledger, ident) == []
    assert receipts.counts(ledger, CN) == {"parked": 2}
    assert [f.code for f in audit(ledger)] == ["parked-receipt"]
    arrive(ledger, [answer("P|o1", "800", 5, "CEB621Message", invt_no="I1")])
    assert standing_bills(ledger, ident) == [("T1", "o1", "made", 9_100_000)]
    assert bills.states(ledger, ident) == {1: {"made": 1}}
    assert receipts.counts(ledger, CN) == {"parked": 1, "applied": 2}, "the other one is nobody's still"
    (kept,) = bills.of_shipment(ledger, ident)
    assert kept.lines == [{"gnum": 1, "hs_code": "3304990039", "value_added_tax": 9_100_000}]


def test_an_older_telling_of_a_bill_changes_nothing_of_it(ledger: Ledger) -> None:
    """Neither its amounts nor its numbers: in a backlog messages are not kept in the order in which they came."""
    ident = cases.shipment(ledger)
    cases.declared(ledger, ident, type="CEB621Message")
    arrive(ledger, [answer("P|o1", "800", 5, "CEB621Message", invt_no="I1")])
    for minutes, duty_no, assure_code, amount in ((9, "NEW", "A-NEW", 200), (7, "OLD", "A-OLD", 100)):
        said = bill("T1", "I1", "1", minutes, amount)
        assert said.bill is not None
        arrive(ledger, [said._replace(bill=said.bill._replace(duty_no=duty_no, assure_code=assure_code))])
    (kept,) = bills.of_shipment(ledger, ident)
    assert (kept.value_added_tax, kept.duty_no, kept.assure_code) == (200, "NEW", "A-NEW")


@pytest.mark.parametrize("order", range(6))
def test_a_bill_ends_the_same_in_any_order(ledger: Ledger, order: int) -> None:
    ident = cases.shipment(ledger)
    cases.declared(ledger, ident, type="CEB621Message")
    arrive(ledger, [answer("P|o1", "800", 1, "CEB621Message", invt_no="I1")])
    told = [
        bill("T1", "I1", "1", 2, 700),
        bill("T1", "I1", "1", 3, 900),
        bill("T1", "I1", "2", 4),
        bill("T1", "I1", "3", 5),
    ]
    for row in random.Random(order).sample(told, len(told)):
        arrive(ledger, [row])
    assert standing_bills(ledger, ident) == [("T1", "o1", "void", 900)], "the amounts last told"
    arrive(ledger, told)
    assert standing_bills(ledger, ident) == [("T1", "o1", "void", 900)]


def test_a_bill_of_a_status_that_nobody_knows_is_parked(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    cases.declared(ledger, ident, type="CEB621Message")
    arrive(ledger, [answer("P|o1", "800", 1, "CEB621Message", invt_no="I1"), bill("T1", "I1", "7", 2, 700)])
    assert standing_bills(ledger, ident) == [("T1", "o1", "", 700)]
    assert receipts.counts(ledger, CN) == {"applied": 1, "parked": 1}


# ---- lineage -----
def test_an_attempt_is_linked_to_the_one_before_it_also_under_a_new_number(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    cases.declared(ledger, ident, type="CEB621Message")
    arrive(ledger, [answer("P|o2", "100", 1, "CEB621Message")])
    for attempt in (2, 3):
        docs = [Doc(f"P|o2-{attempt}", 2, attempt=attempt)]
        preparing.add_messages(ledger, ident, [out(docs, "CEB621Message")])
    chain = messages.lineage(ledger, ident)
    assert [(r.order_no, r.attempt, r.business_key, r.before_key, r.before_state, r.before_status) for r in chain] == [
        ("o2", 2, "P|o2-2", "P|o2", "rejected", "100"), ("o2", 3, "P|o2-3", "P|o2-2", "prepared", ""),
    ]  # fmt: skip
    assert messages.lineage(ledger, ident, 1) == []
    assert len(messages.lineage(ledger, ident, 2)) == 2


def test_deliveries_are_told_by_waybill_and_kept_in_order(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    assert events.delivered(ledger, ident) == {}
    for minutes, numbers in ((1, ["W-o1", "W-o2"]), (5, ["W-o1"])):
        events.record(ledger, ident, "delivered", cases.NOW + timedelta(minutes=minutes), "x", {"waybills": numbers})
    assert events.delivered(ledger, ident) == {
        "W-o1": [cases.NOW + timedelta(minutes=1), cases.NOW + timedelta(minutes=5)],
        "W-o2": [cases.NOW + timedelta(minutes=1)],
    }
    assert parcels.parcel_states(ledger, ident)[1] == ("ready", "")
    assert shipments.get(ledger, ident).state == "captured", "an event moves nothing by itself"
