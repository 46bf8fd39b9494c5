"""What got lost is found out: by receipts, by asking, or by the same bytes again after the deadline."""

from __future__ import annotations

import pytest

from adapters.cn_ecommerce import ChinaEcommerce
from adapters.ledger import Ledger, claims, events, messages
from adapters.ledger.faults import faults
from mappings import clock
from mappings.errors import AuthorityUnavailable, Unsupported
from tasks.receipts.receive import receive
from tasks.receipts.settle import settle
from tasks.submission import recover as recovery
from tasks.submission.recover import recover
from tasks.submission.submit import submit
from tests.unit.customs import Customs
from tests.unit.submission_case import ONE, answer, customs, ledger, shipment, states

__all__ = ["customs", "ledger", "shipment"]


def test_receipts_prove_that_a_lost_message_arrived(customs: Customs, ledger: Ledger, shipment: int) -> None:
    customs.fates = ["lose"]
    done = submit(ledger, customs.authority(), shipment, ONE, "w")
    lost = next(i for i, outcome in done.message_ids.items() if outcome == "unknown")
    answer(customs, ledger, shipment, "2", lost)
    found = recover(ledger, customs.authority(unknown_deadline_seconds=0), "w2", shipment)
    assert found.counts == {"arrived": 1}
    assert states(ledger, shipment) == ["sent", "sent"]
    assert len(customs.received) == 2


def test_before_the_deadline_nothing_is_sent_again(customs: Customs, ledger: Ledger, shipment: int) -> None:
    customs.fates = ["lose"]
    submit(ledger, customs.authority(), shipment, ONE, "w")
    assert recover(ledger, customs.authority(), "w2", shipment).counts == {"waiting": 1}
    assert len(customs.received) == 2


def test_after_the_deadline_the_same_bytes_leave_again_marked(customs: Customs, ledger: Ledger, shipment: int) -> None:
    customs.fates = ["lose"]
    submit(ledger, customs.authority(), shipment, ONE, "w")
    assert recover(ledger, customs.authority(unknown_deadline_seconds=0), "w2", shipment).counts == {"sent": 1}
    (first, plain), _, (again, marked) = customs.received
    assert (first == again, plain, marked) == (True, False, True)
    assert states(ledger, shipment) == ["sent", "sent"]
    assert [r.recovery for r in messages.listing(ledger, shipment) if r.type in ONE] == [True, False]
    assert [e.kind for e in events.timeline(ledger, shipment)].count("recovery") == 1
    assert recover(ledger, customs.authority(unknown_deadline_seconds=0), "w2", shipment).counts == {}


def test_a_recovery_that_does_not_leave_stays_unknown(customs: Customs, ledger: Ledger, shipment: int) -> None:
    customs.fates = ["lose"]
    submit(ledger, customs.authority(), shipment, ONE, "w")
    customs.fates = ["busy", "lose"]
    authority = customs.authority(unknown_deadline_seconds=0)
    with pytest.raises(AuthorityUnavailable):
        recover(ledger, authority, "w2", shipment)
    assert states(ledger, shipment) == ["unknown", "sent"]
    assert recover(ledger, authority, "w2", shipment).counts == {"unknown": 1}
    assert recover(ledger, authority, "w2", shipment).counts == {"sent": 1}
    assert [marked for _, marked in customs.received] == [False, False, True, True]


@pytest.mark.parametrize("said", ["-304001", "-301010", "-621004"])
def test_a_duplicate_receipt_after_a_recovery_is_proof_and_no_fault(
    customs: Customs, ledger: Ledger, shipment: int, said: str
) -> None:
    customs.fates = ["lose"]
    done = submit(ledger, customs.authority(), shipment, ONE, "w")
    lost = next(i for i, outcome in done.message_ids.items() if outcome == "unknown")
    authority = customs.authority(unknown_deadline_seconds=0)
    recover(ledger, authority, "w2", shipment)
    answer(customs, ledger, shipment, said, lost)
    for status, state in (("", "duplicate"), ("120", "stored")):
        if status:
            answer(customs, ledger, shipment, status, lost)
        receive(ledger, authority, [messages.get(ledger, lost).sender_dxp])
        settle(ledger, authority)
        documents = [d for d in messages.documents(ledger, shipment) if d.message_id == lost]
        assert {(d.state, d.conflict) for d in documents} == {(state, False)}
        assert faults(ledger, shipment).empty


def test_the_same_receipt_without_a_recovery_is_a_failure(customs: Customs, ledger: Ledger, shipment: int) -> None:
    submit(ledger, customs.authority(), shipment, ONE, "w")
    first = messages.listing(ledger, shipment)[0]
    answer(customs, ledger, shipment, "-301010", first.id)
    receive(ledger, customs.authority(), [first.sender_dxp])
    settle(ledger, customs.authority())
    assert {d.state for d in messages.documents(ledger, shipment) if d.message_id == first.id} == {"failed"}
    assert set(faults(ledger, shipment)["code"]) == {"AUT-DUP"}


def test_a_dead_workers_claim_becomes_unknown(customs: Customs, ledger: Ledger, shipment: int) -> None:
    first = messages.to_send(ledger, shipment, "cn_ecommerce", ONE)[0]
    claims.claim(ledger, first.id, "dead")
    authority = customs.authority()
    assert recover(ledger, authority, "w", shipment).counts == {}
    assert states(ledger, shipment) == ["claimed", "prepared"]
    assert recover(ledger, authority, "w", shipment, alone=True).counts == {"waiting": 1}
    assert states(ledger, shipment) == ["unknown", "prepared"]
    with pytest.raises(Unsupported):
        recover(ledger, authority, "w", alone=True)


def test_claims_last_real_seconds_whatever_the_clock(
    customs: Customs, ledger: Ledger, shipment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(clock.VARIABLE, clock.starting(clock.now(), 1000).variable())
    first = messages.to_send(ledger, shipment, "cn_ecommerce", ONE)[0]
    claims.claim(ledger, first.id, "alive")
    assert recovery.release_claims(ledger, customs.authority(), shipment, alone=False) == []


class Asked(ChinaEcommerce):
    """An authority that can be asked by key."""

    told: object = None

    def ask(self, sealed: bytes) -> object:  # type: ignore[override]
        return self.told


@pytest.mark.parametrize("told", ["nothing", "known", "answered"])
def test_an_authority_that_can_be_asked_is_asked(customs: Customs, ledger: Ledger, shipment: int, told: str) -> None:
    from adapters.contract import Polled

    customs.fates = ["lose"]
    done = submit(ledger, customs.authority(), shipment, ONE, "w")
    lost = next(i for i, outcome in done.message_ids.items() if outcome == "unknown")
    authority = Asked(customs.url)
    profile = customs.authority(unknown_deadline_seconds=0).profile
    authority.profile = profile.model_copy(update={"capabilities": profile.capabilities | {"query_by_key": True}})
    authority.told = None if told == "nothing" else Polled([])
    if told == "answered":
        answer(customs, ledger, shipment, "2", lost)
        authority.told = Polled([customs.queued.pop()[1]])
    expected = {"nothing": {"sent": 1}, "known": {"arrived": 1}, "answered": {"arrived": 1}}[told]
    assert recover(ledger, authority, "w2", shipment).counts == expected
    settled = messages.get(ledger, lost)
    assert settled.state == "sent"
    assert len(customs.received) == (3 if told == "nothing" else 2)
    again = told == "nothing"
    assert (settled.sends, settled.recovery, settled.claimed_by) == ((2, True, "w2") if again else (1, False, "w"))
    assert settled.sent_at is not None
    with pytest.raises(Unsupported):
        ChinaEcommerce(customs.url).ask(b"")
