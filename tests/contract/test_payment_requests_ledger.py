"""Requests for payment data in the ledger, on both databases: one a session and order, one upload at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from adapters.ledger import Ledger, raws
from adapters.ledger import payment_requests as ledger_of
from adapters.ledger.tables import payment_answer, raw
from mappings import clock
from tests.contract import ledger_cases as cases

BODY = "payExInfoStr=%7B王秘密%7D".encode()


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(clock.VARIABLE, "2026-11-23T08:00:00+00:00@1e-09@1790000000")


def later(monkeypatch: pytest.MonkeyPatch, **passed: float) -> None:
    at = datetime(2026, 11, 23, 8, tzinfo=UTC) + timedelta(**passed)
    monkeypatch.setenv(clock.VARIABLE, f"{at.isoformat()}@1e-09@1790000000")


def asked(ledger: Ledger, session: str = "S1", order: str = "O1", minutes: float = 60) -> tuple[int, bool]:
    kept = raws.store_raw(ledger, "in", "ann179", "http", "customs", f"{session} {order}".encode())
    return ledger_of.ask(ledger, session, order, "1", kept, clock.now() + timedelta(minutes=minutes))


def prepared(ledger: Ledger) -> tuple[int, int]:
    ident, _ = asked(ledger)
    answer = ledger_of.prepare(ledger, ident, BODY, "C")
    assert answer is not None
    return ident, answer


def soon() -> datetime:
    return clock.now() - timedelta(seconds=600)


def test_the_same_session_and_order_are_one_request(ledger: Ledger) -> None:
    first, new = asked(ledger)
    assert new
    assert asked(ledger) == (first, False)
    other, new = asked(ledger, order="O2")
    assert new
    assert other != first
    assert [r.asked for r in ledger_of.listing(ledger)] == [2, 1]
    assert [e.kind for e in ledger_of.events(ledger, first)] == ["asked", "asked-again"]
    assert len(ledger_of.listing(ledger, session_id="S1")) == 2
    assert ledger_of.listing(ledger, (ledger_of.ANSWERED,)) == []


def test_one_upload_is_prepared_claimed_and_settled_once(ledger: Ledger) -> None:
    ident, answer = prepared(ledger)
    assert ledger_of.prepare(ledger, ident, BODY, "C") is None, "another worker was first"
    assert [a.id for a in ledger_of.to_send(ledger, soon())] == [answer]
    assert ledger_of.claim(ledger, answer, "w1")
    assert not ledger_of.claim(ledger, answer, "w2")
    assert ledger_of.to_send(ledger, soon()) == []
    assert not ledger_of.settle(ledger, answer, "w2", True, "10000", "", b"{}")
    assert ledger_of.settle(ledger, answer, "w1", True, "10000", "上传成功", b'{"code":"10000"}')
    assert ledger_of.get(ledger, ident).state == ledger_of.ANSWERED
    (row,) = ledger_of.answers(ledger, ident)
    assert (row.state, row.code, row.message, row.sends, row.recovery) == ("answered", "10000", "上传成功", 1, False)
    assert raws.body(ledger, row.reply_raw_id) == b'{"code":"10000"}'
    assert raws.unread(ledger, "ann179")[1:] == [], "the answer is read, and no request of customs"
    assert not ledger_of.give_back(ledger, answer, "w1")
    assert not ledger_of.reopen(ledger, ident)


def test_what_surely_did_not_leave_is_free_again(ledger: Ledger) -> None:
    _, answer = prepared(ledger)
    ledger_of.claim(ledger, answer, "w1")
    assert ledger_of.give_back(ledger, answer, "w1")
    (row,) = ledger_of.to_send(ledger, soon())
    assert (row.state, row.sends) == ("prepared", 0)


def test_a_lost_answer_waits_and_then_goes_as_a_recovery(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ident, answer = prepared(ledger)
    ledger_of.claim(ledger, answer, "w1")
    assert ledger_of.lose(ledger, answer, "w1", "OutcomeUnknown")
    assert ledger_of.to_send(ledger, soon()) == []
    assert [r.id for r in ledger_of.alarmed(ledger)] == [ident]
    later(monkeypatch, minutes=11)
    (row,) = ledger_of.to_send(ledger, soon())
    assert raws.body(ledger, row.raw_id) == BODY
    assert ledger_of.claim(ledger, answer, "w2")
    assert ledger_of.answers(ledger, ident)[0].recovery
    assert ledger_of.give_back(ledger, answer, "w2")
    assert ledger_of.answers(ledger, ident)[0].state == ledger_of.UNKNOWN
    assert ledger_of.settle(ledger, answer, "w2", True, "10000", "", b"{}"), "an answer that comes late counts"
    assert ledger_of.alarmed(ledger) == []


def test_the_claim_of_a_worker_that_died_is_unknown(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ident, answer = prepared(ledger)
    ledger_of.claim(ledger, answer, "w1")
    assert ledger_of.forget_claims(ledger, clock.now() - timedelta(seconds=120)) == 0
    later(monkeypatch, minutes=3)
    assert ledger_of.forget_claims(ledger, clock.now() - timedelta(seconds=120)) == 1
    assert ledger_of.answers(ledger, ident)[0].state == ledger_of.UNKNOWN
    assert [e.kind for e in ledger_of.events(ledger, ident) if e.alarm] == ["unknown"]


def test_a_refused_request_is_alarmed_and_may_be_opened_again(ledger: Ledger) -> None:
    ident, answer = prepared(ledger)
    ledger_of.claim(ledger, answer, "w1")
    ledger_of.settle(ledger, answer, "w1", False, "20000", "错误", b"{}")
    row = ledger_of.get(ledger, ident)
    assert (row.state, row.reason, row.answered_at) == ("refused", "20000", None)
    assert ledger_of.prepare(ledger, ident, BODY, "C") is None
    assert ledger_of.reopen(ledger, ident)
    assert ledger_of.prepare(ledger, ident, BODY, "C") is not None
    assert [a.attempt for a in ledger_of.answers(ledger, ident)] == [1, 2]


def test_incomplete_alarms_once_for_each_reason(ledger: Ledger) -> None:
    ident, _ = asked(ledger)
    assert ledger_of.incomplete(ledger, ident, "payCode")
    assert not ledger_of.incomplete(ledger, ident, "payCode")
    assert ledger_of.incomplete(ledger, ident, "currency")
    assert ledger_of.get(ledger, ident).reason == "currency"
    assert ledger_of.prepare(ledger, ident, BODY, "C")
    assert not ledger_of.incomplete(ledger, ident, "note"), "an answer is on its way already"


def test_every_request_that_is_late_is_alarmed_once(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(ledger)
    asked(ledger, order="O2", minutes=300)
    assert ledger_of.alarm_overdue(ledger) == 0
    later(monkeypatch, minutes=61)
    assert ledger_of.alarm_overdue(ledger) == 1
    assert ledger_of.alarm_overdue(ledger) == 0
    assert [r.order_no for r in ledger_of.alarmed(ledger)] == ["O1"]


def test_the_parcels_of_an_order_are_found(ledger: Ledger) -> None:
    first = cases.shipment(ledger)
    second = cases.shipment(ledger, "M2", ("o3", "o4"))
    assert ledger_of.shipments_of(ledger, "o3") == [second, first]
    assert ledger_of.shipments_of(ledger, "nobody") == []


def test_what_names_people_is_sealed(ledger: Ledger) -> None:
    ident, answer = prepared(ledger)
    ledger_of.claim(ledger, answer, "w")
    ledger_of.settle(ledger, answer, "w", False, "20000", "王秘密", b"{}")
    sent = ledger_of.answers(ledger, ident)[0].raw_id
    columns = ((payment_answer.c.message, payment_answer.c.id == answer), (raw.c.body, raw.c.id == sent))
    with ledger.read() as tx:
        for column, which in columns:
            stored = bytes(tx.execute(sa.select(sa.type_coerce(column, sa.LargeBinary)).where(which)).scalar_one())
            assert "王秘密".encode() not in stored


def test_raws_are_erased_after_the_legal_time_only(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ident, answer = prepared(ledger)
    asked(ledger)
    ledger_of.claim(ledger, answer, "w")
    ledger_of.settle(ledger, answer, "w", True, "10000", "said", b"{}")
    assert ledger_of.erase(ledger, clock.now()) == 0
    later(monkeypatch, days=1100)
    fresh, _ = asked(ledger, "S2")
    assert ledger_of.erase(ledger, clock.now() - timedelta(days=1096)) == 4, "asked twice, sent, answered"
    (row,) = ledger_of.answers(ledger, ident)
    assert raws.body(ledger, row.raw_id) == b""
    assert row.message is None
    assert raws.body(ledger, ledger_of.get(ledger, fresh).raw_id) == b"S2 O1"
    assert ledger_of.get(ledger, ident).state == ledger_of.ANSWERED, "keys and states stay"
