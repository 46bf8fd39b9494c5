"""Applications in the ledger, on both databases: asked once, approved by somebody, prepared, granted or refused."""

from __future__ import annotations

from typing import cast

import sqlalchemy as sa

from adapters.ledger import Ledger, applications, audit, claims, events, messages, preparing, raws, receipts
from adapters.ledger.applications import Asking
from adapters.ledger.settling import Ranks, retell, settle
from adapters.ledger.tables import application, document, parcel
from mappings import states
from tests.contract import ledger_cases as cases
from tests.contract.ledger_cases import INVENTORY, Doc, arrive, out

CANCEL = "CEB605Message"
LIVE = cast(Ranks, states.rank_table(cases.CN))


def ids(ledger: Ledger, ident: int) -> dict[int, int]:
    """The ledger's parcel ids by seq."""
    with ledger.read() as tx:
        rows = tx.execute(sa.select(parcel.c.seq, parcel.c.id).where(parcel.c.shipment_id == ident))
        return {row.seq: row.id for row in rows}


def asking(ledger: Ledger, ident: int, seq: int, number: str, kind: str = "cancel", **more: object) -> Asking:
    return Asking(kind, CANCEL, number, ids(ledger, ident)[seq], **more)  # type: ignore[arg-type]


def test_asked_once_whoever_asks(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    wish = asking(ledger, ident, 1, "C1", reason="why", detail={"a": 1})
    (first,) = applications.add(ledger, ident, [wish], "Mei")
    assert applications.add(ledger, ident, [wish], "Ada") == [], "the same number is the same application"
    (row,) = applications.listing(ledger, ident)
    assert (row.id, row.state, row.actor, row.reason, row.detail, row.seq, row.order_no) == (
        first, "asked", "Mei", "why", {"a": 1}, 1, "o1")  # fmt: skip
    assert applications.counts(ledger, ident) == {"asked": 1}
    assert [e.kind for e in events.timeline(ledger, ident)].count("cancel_asked") == 1


def test_each_step_is_taken_once_and_in_order(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    one, two = applications.add(
        ledger, ident, [asking(ledger, ident, 1, "C1"), asking(ledger, ident, 2, "C2")], "Mei")  # fmt: skip
    assert applications.close(ledger, [one], "granted") == 0, "nothing is granted that nobody approved"
    assert applications.approve(ledger, [one, two], "boss") == 2
    assert applications.approve(ledger, [one, two], "other") == 0
    assert applications.withdraw(ledger, [two], "boss") == 1
    preparing.add_messages(ledger, ident, [out([Doc("A|C1", 1)], CANCEL)])
    with ledger.read() as tx:
        made = tx.execute(sa.select(document.c.id)).scalar_one()
    applications.prepared(ledger, {one: made})
    assert applications.withdraw(ledger, [one], "boss") == 0, "what may have left is not taken back"
    assert [r.document_state for r in applications.by_ids(ledger, [one])] == ["prepared"]
    assert applications.close(ledger, [one], "granted") == 1
    told = {r.number: (r.state, r.approved_by) for r in applications.listing(ledger, ident)}
    assert told == {"C1": ("granted", "boss"), "C2": ("withdrawn", "boss")}
    assert applications.counts(ledger, ident) == {"granted": 1, "withdrawn": 1}
    assert [r.number for r in applications.listing(ledger, ident, kinds=["cancel"], states=["granted"])] == ["C1"]


def test_quantities_count_while_they_are_asked_for_or_granted(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    mine = ids(ledger, ident)[1]
    for number, quantity in (("R1", 3), ("R2", 4), ("R3", 5)):
        applications.add(ledger, ident, [asking(ledger, ident, 1, number, "return", lines=((mine, 1, quantity),))], "x")
    one, two, _ = (row.id for row in applications.listing(ledger, ident))
    applications.withdraw(ledger, [two], "x")
    assert applications.counted(ledger, ident, "return") == {(mine, 1): 8}
    assert applications.counted(ledger, ident, "cancel") == {}
    assert [(r.gnum, r.quantity) for r in applications.lines(ledger, [one, two])] == [(1, 3), (1, 4)]


def test_the_latest_inventory_and_when_something_was_first_said(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    cases.declared(ledger, ident, ["o1"], INVENTORY)
    arrive(ledger, cases.answer("P|o1", "800", 5, INVENTORY), cases.answer("P|o1", "800", 2, INVENTORY),
           cases.answer("P|o1", "899", 9, INVENTORY))  # fmt: skip
    (found,) = applications.inventories(ledger, ident, INVENTORY).values()
    assert found.state == "closed"
    said = applications.first_said(ledger, [found.id], "800")
    assert said == {found.id: cases.NOW + cases.timedelta(minutes=2)}


def test_the_audit_sees_two_of_a_kind_and_a_cancel_without_effect(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    cases.declared(ledger, ident, ["o1"], INVENTORY)
    (about,) = applications.inventories(ledger, ident, INVENTORY).values()
    wishes = [asking(ledger, ident, 1, number, about_id=about.id) for number in ("C1", "C2")]
    one, two = applications.add(ledger, ident, wishes, "x")
    assert [f.code for f in audit.audit(ledger)] == ["two-applications"]
    with ledger.begin() as tx:
        tx.execute(sa.update(application).where(application.c.id == two).values(state="refused"))
        tx.execute(sa.update(application).where(application.c.id == one).values(state="granted"))
    assert [f.code for f in audit.audit(ledger)] == ["not-cancelled"]
    with ledger.begin() as tx:
        tx.execute(sa.update(document).where(document.c.id == about.id).values(state="cancelled"))
    assert audit.audit(ledger) == []


def test_a_granted_cancel_is_told_with_the_receipts_of_its_inventory(ledger: Ledger) -> None:
    """On each database: granted, then heard of late, refused after all."""
    ident = cases.shipment(ledger)
    cases.declared(ledger, ident, ["o1"], INVENTORY)
    later(ledger, cases.answer("P|o1", "120", 1, INVENTORY), cases.answer("P|o1", "399", 2, INVENTORY))
    (about,) = applications.inventories(ledger, ident, INVENTORY).values()
    (sent,) = preparing.add_messages(ledger, ident, [out([Doc("A|C1", 1)], CANCEL)]).message_ids
    assert claims.claim(ledger, sent, "w") and claims.settle_sent(ledger, sent)
    later(ledger, cases.answer("A|C1", "399", 10, CANCEL))
    (cancel,) = messages.documents(ledger, ident, type=CANCEL)
    (one,) = applications.add(ledger, ident, [asking(ledger, ident, 1, "C1", about_id=about.id)], "x")
    with ledger.begin() as tx:
        done = {"state": "granted", "document_id": cancel.id}
        tx.execute(sa.update(application).where(application.c.id == one).values(**done))
    assert retell(ledger, cases.CN, [about.id], LIVE) == {about.id: "cancelled"}
    later(ledger, cases.answer("P|o1", "500", 5, INVENTORY))
    assert [(d.state, d.conflict) for d in messages.documents(ledger, ident, type=INVENTORY)] == [("cancelled", False)]
    later(ledger, cases.answer("P|o1", "800", 20, INVENTORY))
    assert [(d.state, d.conflict) for d in messages.documents(ledger, ident, type=INVENTORY)] == [("cancelled", True)]
    applications.close(ledger, [one], applications.REFUSED)
    assert retell(ledger, cases.CN, [about.id], LIVE) == {about.id: "released"}
    assert [(d.state, d.conflict) for d in messages.documents(ledger, ident, type=INVENTORY)] == [("released", False)]


def later(ledger: Ledger, *rows: cases.ReceiptRow) -> None:
    """Receipts come and are settled by the product's own table of states."""
    receipts.add_receipts(ledger, raws.store_raw(ledger, "in", cases.CN, "http", "customs", repr(rows).encode()), rows)
    settle(ledger, cases.CN, LIVE)
