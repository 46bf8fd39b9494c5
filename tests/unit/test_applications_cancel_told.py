"""What receipts make of a cancel (605), in whatever order they are heard."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.ledger import applications, audit, messages
from mappings import clock
from tasks.applications import sending, settling
from tasks.applications.granting import Granted
from tasks.clearing.standing import parcel_claims
from tests.unit.applications import approve, hear, numbered, push
from tests.unit.customs import IDENTITIES, receipt, stamp
from tests.unit.desk import Desk
from tests.unit.test_applications_cancel import ask


def told_of(desk: Desk, seq: int, status: str, minutes: int) -> None:
    """A receipt of a parcel's inventory, by the way that all take."""
    (key,) = [d.business_key for d in messages.documents(desk.ledger, desk.id, type="CEB603Message") if
              d.parcel_seq == seq]  # fmt: skip
    agent, cop = key.split("|")
    row = {"agentCode": agent, "copNo": cop, "returnStatus": status, "returnInfo": "", "guid": IDENTITIES.guid(),
           "returnTime": stamp(clock.now() + timedelta(minutes=minutes))}  # fmt: skip
    push(desk, receipt("CEB604Message", [row]), "CEB604Message")


@pytest.mark.parametrize(
    ("status", "minutes", "ends", "conflict"),
    [("500", 5, "cancelled", False), ("500", 30, "cancelled", False), ("800", 30, "cancelled", True),
     ("899", 30, "cancelled", True), ("800", 5, "released", True)],
)  # fmt: skip
def test_a_receipt_after_the_grant_counts_by_its_own_time(
    desk: Desk, status: str, minutes: int, ends: str, conflict: bool
) -> None:
    desk.take_in()
    desk.declared()
    numbered(desk)
    told_of(desk, 1, "399", 1)
    asked = ask(desk, desk.orders()[0])
    approve(desk, asked)
    sending.prepare(desk.office, desk.id)
    desk.sent()
    hear(desk, "CEB605Message", "399", minutes=10)
    told_of(desk, 1, status, minutes)
    (inventory,) = [d for d in messages.documents(desk.ledger, desk.id, type="CEB603Message") if d.parcel_seq == 1]
    assert (inventory.state, inventory.conflict) == (ends, conflict)
    codes = {finding.code for finding in audit.audit(desk.ledger, parcel_claims())}
    assert ("conflict" in codes) == conflict
    assert ("not-cancelled" in codes) == (ends == "released")


def test_a_grant_is_undone_where_an_earlier_refusal_is_heard_later(desk: Desk) -> None:
    desk.take_in()
    desk.declared()
    numbered(desk)
    told_of(desk, 1, "399", 1)
    asked = ask(desk, desk.orders()[0])
    approve(desk, asked)
    sending.prepare(desk.office, desk.id)
    desk.sent()
    hear(desk, "CEB605Message", "399", minutes=10)
    assert desk.parcel(1) == ("cancelled", "")
    hear(desk, "CEB605Message", "100", minutes=5)
    (row,) = applications.listing(desk.ledger, desk.id)
    assert (row.state, row.document_state) == ("refused", "rejected")
    assert desk.parcel(1)[0] == "reviewed"
    assert [f.code for f in audit.audit(desk.ledger, parcel_claims())] == ["conflict"]


def test_what_customs_had_released_when_it_granted_the_cancel_stays_released(desk: Desk) -> None:
    desk.take_in()
    desk.declared()
    numbered(desk)
    told_of(desk, 1, "399", 1)
    asked = ask(desk, desk.orders()[0], after="again")
    approve(desk, asked)
    sending.prepare(desk.office, desk.id)
    desk.sent()
    told_of(desk, 1, "800", 5)
    hear(desk, "CEB605Message", "399", minutes=10)
    assert desk.parcel(1)[0] == "released"
    assert sending.revive(desk.office, desk.id) == 0, "nothing is declared a second time"
    assert {f.code for f in audit.audit(desk.ledger, parcel_claims())} == {"conflict", "not-cancelled"}


def test_a_later_no_after_a_yes_is_a_visible_conflict(desk: Desk) -> None:
    desk.take_in()
    desk.declared()
    numbered(desk)
    asked = ask(desk, desk.orders()[0])
    approve(desk, asked)
    sending.prepare(desk.office, desk.id)
    desk.sent()
    hear(desk, "CEB605Message", "399")
    hear(desk, "CEB605Message", "100", minutes=30)
    assert desk.parcel(1) == ("cancelled", "")
    assert [f.code for f in audit.audit(desk.ledger, parcel_claims())] == ["conflict"]


def test_hooks_are_called_once_for_what_is_granted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Granted] = []
    monkeypatch.setattr(settling, "ON_GRANTED", [lambda tx, granted: told.extend(granted)])
    desk.take_in()
    desk.declared()
    numbered(desk)
    asked = ask(desk, desk.orders()[0])
    approve(desk, asked)
    sending.prepare(desk.office, desk.id)
    desk.sent()
    hear(desk, "CEB605Message", "2", "399")
    hear(desk, "CEB605Message", "399")
    assert [(g.kind, g.seq, g.shipment_id, g.quantities) for g in told] == [("cancel", 1, desk.id, {})]
