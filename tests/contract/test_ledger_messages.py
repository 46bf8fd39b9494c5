"""Messages: claimed before they leave, settled after, and never sent twice without it being marked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from adapters.ledger import Ledger, claims, messages, preparing, raws, shipments
from adapters.ledger.fingerprint import fingerprint
from mappings import clock
from mappings.errors import DataFault
from tests.contract import ledger_cases as cases
from tests.contract.ledger_cases import INVENTORY, LIST, ORDER, Doc, out


@pytest.fixture
def ident(ledger: Ledger) -> int:
    return cases.shipment(ledger)


def prepared(ledger: Ledger, ident: int) -> int:
    return preparing.add_messages(ledger, ident, [out([Doc("P|o1", 1)], cop="COP1")]).message_ids[0]


def test_a_prepared_message_holds_its_bytes_and_documents(ledger: Ledger, ident: int) -> None:
    docs = [Doc("P|o1", 1, guid="G1"), Doc("P|o2", 2, guid="G2", digest="dd")]
    (made,) = preparing.add_messages(ledger, ident, [out(docs, cop="COP1", body=b"<signed/>" * 99)]).message_ids
    row = messages.get(ledger, made)
    assert (row.state, row.cop_msg_id, row.documents, row.attempt, row.sends) == ("prepared", "COP1", 2, 1, 0)
    assert raws.body(ledger, row.raw_id) == b"<signed/>" * 99
    found = messages.documents(ledger, ident)
    assert [(d.guid, d.parcel_seq, d.order_no, d.state, d.message_state, d.digest) for d in found] == [
        ("G1", 1, "o1", "prepared", "prepared", ""), ("G2", 2, "o2", "prepared", "prepared", "dd"),
    ]  # fmt: skip


def test_preparing_again_is_harmless(ledger: Ledger, ident: int) -> None:
    def both() -> list[Any]:
        return [out([Doc("P|o1", 1), Doc("P|o2", 2)]), out([Doc("P|o3", 3)], seq=2)]

    assert len(preparing.add_messages(ledger, ident, both()).message_ids) == 2
    before = fingerprint(ledger, ident)
    again = preparing.add_messages(ledger, ident, both())
    assert (again.message_ids, again.known) == ([], 2)
    assert fingerprint(ledger, ident) == before
    assert messages.states(ledger, ident) == {(ORDER, "prepared"): 2}


def test_two_workers_preparing_at_once_prepare_once(ledger: Ledger, ident: int) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: preparing.add_messages(ledger, ident, [out([Doc("P|o1", 1)])]), range(4)))
    assert sorted(len(added.message_ids) for added in made) == [0, 0, 0, 1]


def test_a_message_that_would_declare_a_part_twice_is_refused_whole(ledger: Ledger, ident: int) -> None:
    prepared(ledger, ident)
    fresh = out([Doc("P|o3", 3)], seq=2)
    with pytest.raises(DataFault, match="1 of 2 documents"):
        preparing.add_messages(ledger, ident, [fresh, out([Doc("P|o1", 1), Doc("P|o2", 2)], seq=3)])
    assert len(messages.documents(ledger, ident)) == 1
    with pytest.raises(DataFault):  # twice within one call
        preparing.add_messages(ledger, ident, [fresh, out([Doc("P|o3", 3), Doc("P|o2", 2)], seq=3)])


def test_a_sequence_number_that_is_taken_becomes_the_next_free_one(ledger: Ledger, ident: int) -> None:
    preparing.add_messages(ledger, ident, [out([Doc("P|o1", 1)]), out([Doc("P|o2", 2)], seq=2)])
    preparing.add_messages(ledger, ident, [out([Doc("P|o3", 3)], seq=1)])
    assert [m.seq for m in messages.listing(ledger, ident)] == [1, 2, 3]


def test_a_new_attempt_names_the_one_before(ledger: Ledger, ident: int) -> None:
    preparing.add_messages(ledger, ident, [out([Doc("P|o1", 1)])])
    preparing.add_messages(ledger, ident, [out([Doc("P|o1", 1, attempt=2, app_type="2")])])
    first, second = messages.documents(ledger, ident)
    assert (first.previous_id, second.previous_id, second.app_type) == (None, first.id, "2")
    assert [(m.attempt, m.seq) for m in messages.listing(ledger, ident)] == [(1, 1), (2, 1)]


def test_lists_remember_whom_they_name(ledger: Ledger, ident: int) -> None:
    preparing.add_messages(ledger, ident, [out([Doc("A|c|b|1", lists=(1, 3)), Doc("A|c|b|2", lists=(2,))], LIST)])
    found = messages.documents(ledger, ident, type=LIST, authority=cases.CN)
    assert [d.parcel_seq for d in found] == [None, None]
    assert messages.list_members(ledger, ident) == {found[0].id: [1, 3], found[1].id: [2]}
    assert messages.documents(ledger, ident, authority="hk_road") == []


def test_to_send_in_the_order_of_the_procedure(ledger: Ledger, ident: int) -> None:
    for kind in (INVENTORY, ORDER):
        preparing.add_messages(ledger, ident, [out([Doc("P|o1", 1)], kind), out([Doc("P|o2", 2)], kind, 2)])
    order = [(m.type, m.seq) for m in messages.to_send(ledger, ident, cases.CN, [ORDER, INVENTORY])]
    assert order == [(ORDER, 1), (ORDER, 2), (INVENTORY, 1), (INVENTORY, 2)]
    assert len(messages.to_send(ledger, ident)) == 4
    assert messages.to_send(ledger, ident, cases.CN, [LIST]) == []
    assert messages.to_send(ledger, ident, "hk_road") == []


def test_one_of_many_workers_claims(ledger: Ledger, ident: int) -> None:
    made = prepared(ledger, ident)
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda n: claims.claim(ledger, made, f"w{n}"), range(8)))
    assert sum(won) == 1
    row = messages.get(ledger, made)
    assert (row.state, row.claimed_by, row.sends) == ("claimed", f"w{won.index(True)}", 1)


def test_sent_is_settled_once(ledger: Ledger, ident: int) -> None:
    made = prepared(ledger, ident)
    assert not claims.settle_sent(ledger, made), "not claimed"
    claims.claim(ledger, made, "w")
    assert claims.settle_sent(ledger, made)
    assert not claims.mark_unknown(ledger, made)
    assert not claims.claim(ledger, made, "w")
    row = messages.get(ledger, made)
    assert (row.state, row.sends, row.recovery) == ("sent", 1, False)
    assert row.sent_at >= row.claimed_at


def test_a_message_refused_at_the_door_takes_its_documents_with_it(ledger: Ledger, ident: int) -> None:
    made = prepared(ledger, ident)
    claims.claim(ledger, made, "w")
    assert claims.settle_refused(ledger, made, "2001", "发送方无效")
    assert not claims.settle_refused(ledger, made, "2001", "again")
    assert messages.get(ledger, made).refusal == "2001 发送方无效"
    (document,) = messages.documents(ledger, ident)
    assert (document.state, document.final, document.return_status) == ("refused", True, "2001")


def test_surely_not_sent_is_free_again(ledger: Ledger, ident: int) -> None:
    made = prepared(ledger, ident)
    claims.claim(ledger, made, "w")
    assert claims.settle_unavailable(ledger, made)
    row = messages.get(ledger, made)
    assert (row.state, row.sends, row.first_claimed_at) == ("prepared", 0, None)
    assert claims.claim(ledger, made, "w2")


def test_a_worker_that_wakes_late_frees_no_claim_of_another(ledger: Ledger, ident: int) -> None:
    made = prepared(ledger, ident)
    claims.claim(ledger, made, "late")
    assert claims.mark_unknown(ledger, made)
    assert claims.claim(ledger, made, "w2", recovery=True)
    assert not claims.settle_unavailable(ledger, made, "late")
    assert messages.get(ledger, made).state == "claimed"
    assert claims.settle_unavailable(ledger, made, "w2")
    assert messages.get(ledger, made).state == "unknown"


def test_an_unknown_outcome_is_never_sent_again_but_as_a_recovery(ledger: Ledger, ident: int) -> None:
    made = prepared(ledger, ident)
    claims.claim(ledger, made, "w")
    assert claims.mark_unknown(ledger, made)
    assert [m.id for m in messages.unknown(ledger, ident, cases.CN)] == [made]
    assert messages.unknown(ledger, authority="hk_road") == []
    assert messages.to_send(ledger, ident) == []
    assert not claims.claim(ledger, made, "w")
    first = messages.get(ledger, made).first_claimed_at
    assert claims.claim(ledger, made, "w2", recovery=True)
    row = messages.get(ledger, made)
    assert (row.sends, row.recovery, row.first_claimed_at) == (2, True, first)
    assert claims.settle_unavailable(ledger, made)
    row = messages.get(ledger, made)
    assert (row.state, row.sends, row.first_claimed_at) == ("unknown", 1, first), (
        "the first send may still have arrived"
    )


def test_what_an_authority_says_it_has_is_sent_without_a_claim(ledger: Ledger, ident: int) -> None:
    made = prepared(ledger, ident)
    assert not claims.settle_known(ledger, made), "never left"
    claims.claim(ledger, made, "w")
    assert not claims.settle_known(ledger, made), "somebody is at it"
    claims.mark_unknown(ledger, made)
    assert claims.settle_known(ledger, made)
    row = messages.get(ledger, made)
    assert (row.state, row.sends, row.recovery, row.claimed_by) == ("sent", 1, False, "w")
    assert row.sent_at == row.first_claimed_at
    assert not claims.settle_known(ledger, made)


def test_claims_of_dead_workers_become_unknown(ledger: Ledger, ident: int) -> None:
    made = prepared(ledger, ident)
    other = cases.shipment(ledger, "M2", ["x1"])
    (second,) = preparing.add_messages(ledger, other, [out([Doc("P|x1", 1)])]).message_ids
    for message in (made, second):
        claims.claim(ledger, message, "dead")
    now = clock.now()
    assert claims.open_claims(ledger, now - timedelta(minutes=5)) == []
    assert claims.open_claims(ledger, now + timedelta(minutes=5), other) == [second]
    assert claims.open_claims(ledger, now + timedelta(minutes=5)) == [made]
    assert messages.get(ledger, made).state == "unknown"


def test_nothing_of_a_held_truck_is_claimed(ledger: Ledger, ident: int) -> None:
    made = prepared(ledger, ident)
    shipments.hold(ledger, ident, "x", "amy")
    assert not claims.claim(ledger, made, "w")
    shipments.resume(ledger, ident, "amy")
    assert claims.claim(ledger, made, "w")


def test_a_receipt_proves_that_a_message_arrived(ledger: Ledger, ident: int) -> None:
    made = prepared(ledger, ident)
    claims.claim(ledger, made, "w")
    cases.arrive(ledger, cases.answer("P|o1", "2"))
    assert messages.get(ledger, made).state == "claimed", "its worker may still be at it"
    claims.open_claims(ledger, clock.now() + timedelta(minutes=5))
    assert claims.confirm_arrived(ledger) == [made]
    assert claims.confirm_arrived(ledger) == []
    row = messages.get(ledger, made)
    assert (row.state, row.sent_at) == ("sent", row.first_claimed_at)


def test_settling_a_receipt_confirms_an_unknown_message(ledger: Ledger, ident: int) -> None:
    made = prepared(ledger, ident)
    claims.claim(ledger, made, "w")
    claims.mark_unknown(ledger, made)
    cases.arrive(ledger, cases.answer("P|o1", "2"))
    assert messages.get(ledger, made).state == "sent"
