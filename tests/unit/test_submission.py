"""Submission over real HTTP and a real ledger: each message leaves once."""

from __future__ import annotations

import pytest
from lxml import etree
from sqlalchemy import select, update

from adapters.cn_ecommerce import ChinaEcommerce, envelope
from adapters.ledger import Ledger, events, messages, raws, shipments
from adapters.ledger.tables import message as message_table
from adapters.ledger.tables import raw
from mappings.canonical.model import Party
from mappings.engine import schema
from mappings.errors import AuthorityUnavailable, ConfigurationError, Unsupported
from tasks.submission import submit as submission
from tasks.submission.seal import owner, seal_messages
from tasks.submission.submit import submit
from tests.contract.loopback import closed_port
from tests.factory import make_truck
from tests.unit.customs import Customs, declared, keys, make_batch
from tests.unit.submission_case import ONE, TYPES, customs, ledger, shipment, states

__all__ = ["customs", "ledger", "shipment"]


def test_sealed_messages_are_valid_signed_and_in_their_envelopes() -> None:
    batch = make_batch(3)
    made = declared(batch)
    sealed = seal_messages(made, batch.truck, ChinaEcommerce(), keys())
    assert [s.cop_msg_id for s in sealed] == [m.guid for m in made]
    for one, message in zip(sealed, made, strict=True):
        opened = envelope.open_message(one.body)
        root = etree.fromstring(opened.business)
        schema.validator(message.type).assertValid(root)
        assert etree.tostring(root, method="c14n") == opened.business
        found = root.find("{http://www.w3.org/2000/09/xmldsig#}Signature")
        root.remove(found)
        assert etree.tostring(root, method="c14n") == message.body
        assert opened.peer == one.sender_dxp == batch.truck.parties[message.owner_role].dxp_id
        assert (opened.type, opened.cop_msg_id, opened.receivers) == (message.type, message.guid, ("DXPEDCCEB0000003",))


def test_a_role_that_nobody_has_is_told() -> None:
    truck = make_truck()
    assert owner(truck, "agent").code
    with pytest.raises(ConfigurationError, match="nobody"):
        owner(truck, "nobody")


def test_what_cannot_be_sealed_is_refused() -> None:
    batch = make_batch(1)
    message = declared(batch)[0]
    platform = batch.truck.parties["platform"]
    with pytest.raises(ConfigurationError, match="DXP"):
        ChinaEcommerce().seal(message, platform.model_copy(update={"dxp_id": ""}), keys())
    with pytest.raises(Unsupported):
        ChinaEcommerce().seal(type(message)("cn_ecommerce", "CEB622Message", 1, "g", b"", "agent"), platform, keys())
    with pytest.raises(ConfigurationError):
        ChinaEcommerce().seal(message, Party(code="91440400NOKEY00000", name="x", dxp_id="D"), keys())


def test_every_message_leaves_once_with_its_stored_bytes(customs: Customs, ledger: Ledger, shipment: int) -> None:
    done = submit(ledger, customs.authority(), shipment, TYPES, "w1")
    assert done.counts == {"sent": 8}
    rows = sorted(messages.listing(ledger, shipment), key=lambda r: (TYPES.index(r.type), r.seq))
    assert [body for body, _ in customs.received] == [raws.body(ledger, r.raw_id) for r in rows]
    assert not any(marked for _, marked in customs.received)
    assert {r.state for r in rows} == {"sent"}
    assert submit(ledger, customs.authority(), shipment, TYPES, "w2").counts == {}
    assert len(customs.received) == 8


def test_a_lost_answer_is_unknown_and_stays_so_for_submit(customs: Customs, ledger: Ledger, shipment: int) -> None:
    customs.fates = ["lose"]
    assert submit(ledger, customs.authority(), shipment, ONE, "w").counts == {"unknown": 1, "sent": 1}
    assert states(ledger, shipment) == ["unknown", "sent"]
    assert submit(ledger, customs.authority(), shipment, ONE, "w").counts == {}
    assert [e.kind for e in events.timeline(ledger, shipment)].count("outcome_unknown") == 1


def test_a_refused_message_is_final_with_its_code(customs: Customs, ledger: Ledger, shipment: int) -> None:
    customs.fates = ["refuse"]
    done = submit(ledger, customs.authority(), shipment, ONE, "w")
    assert done.counts == {"refused": 1, "sent": 1}
    refused = messages.get(ledger, next(i for i, outcome in done.message_ids.items() if outcome == "refused"))
    assert refused.refusal.startswith("0002 [0002] 不能通过schema验证 / schema check failed")
    assert {d.state for d in messages.documents(ledger, shipment) if d.message_id == refused.id} == {"refused"}


def test_every_answer_is_kept_whatever_it_says(customs: Customs, ledger: Ledger, shipment: int) -> None:
    customs.fates = ["refuse"]
    submit(ledger, customs.authority(), shipment, ONE, "w")
    with ledger.read() as tx:
        kept = tx.execute(select(raw).where(raw.c.channel == raws.ANSWER).order_by(raw.c.id)).all()
    refused, taken = (row.body.decode() for row in kept)
    assert "<ResponseCode>0002<" in refused
    assert "<ResponseCode>0000<" in taken
    assert {row.peer for row in kept} == {r.cop_msg_id for r in messages.listing(ledger, shipment) if r.type in ONE}
    assert {(row.direction, row.state, row.shipment_id) for row in kept} == {("in", "read", shipment)}
    assert raws.unread(ledger, "cn_ecommerce") == []
    assert raws.seen(ledger, "cn_ecommerce", kept[0].body) is None, "pushed later, the same words are still heard"


def test_nobody_home_leaves_everything_prepared(ledger: Ledger, shipment: int, customs: Customs) -> None:
    authority = customs.authority(connect_attempts=1)
    authority.wire.base_url = f"http://127.0.0.1:{closed_port()}"
    with pytest.raises(AuthorityUnavailable):
        submit(ledger, authority, shipment, ONE, "w")
    assert states(ledger, shipment) == ["prepared", "prepared"]
    assert {r.sends for r in messages.listing(ledger, shipment)} == {0}
    assert submit(ledger, customs.authority(), shipment, ONE, "w").counts == {"sent": 2}


def test_a_busy_authority_took_nothing(customs: Customs, ledger: Ledger, shipment: int) -> None:
    customs.fates = ["busy"]
    with pytest.raises(AuthorityUnavailable):
        submit(ledger, customs.authority(), shipment, ONE, "w")
    assert states(ledger, shipment) == ["prepared", "prepared"]


def test_a_wrong_address_leaves_no_claim_behind(ledger: Ledger, shipment: int) -> None:
    with pytest.raises(ConfigurationError):
        submit(ledger, ChinaEcommerce("nonsense"), shipment, ONE, "w")
    assert states(ledger, shipment) == ["prepared", "prepared"]


def test_a_held_truck_sends_nothing(customs: Customs, ledger: Ledger, shipment: int) -> None:
    shipments.hold(ledger, shipment, "test", "me")
    assert submit(ledger, customs.authority(), shipment, ONE, "w").counts == {"taken": 2}
    assert customs.received == []


def test_every_claim_is_committed_before_its_message_leaves(
    customs: Customs, ledger: Ledger, shipment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, seen = customs.authority(), list[tuple[str, int]]()
    send = authority.send

    def watched(sealed: bytes, cop_msg_id: str, recovery: bool = False) -> object:
        rows = messages.listing(ledger, shipment)  # another connection: it sees what is committed
        mine = next(row for row in rows if row.cop_msg_id == cop_msg_id)
        seen.append((mine.state, sum(row.state == "claimed" for row in rows)))
        return send(sealed, cop_msg_id, recovery)

    authority.send = watched  # type: ignore[method-assign, assignment]
    submit(ledger, authority, shipment, TYPES, "w1")
    assert [state for state, _ in seen] == ["claimed"] * 8
    assert [many for _, many in seen] == [1, 7, 7, 7, 7, 7, 7, 7], "one, then those that are quickly answered"
    monkeypatch.setattr(submission, "BRIEF", 0.0)
    seen.clear()
    with ledger.begin() as tx:
        tx.execute(update(message_table).values(state="prepared"))
    submit(ledger, authority, shipment, TYPES, "w1")
    assert seen == [("claimed", 1)] * 8, "of an authority that is slow each by itself"


def test_what_was_claimed_ahead_is_free_again_where_something_fails_in_between(
    customs: Customs, ledger: Ledger, shipment: int
) -> None:
    def fails(done: int, total: int) -> None:
        raise RuntimeError(f"{done} of {total}")

    with pytest.raises(RuntimeError, match="1 of 8"):
        submit(ledger, customs.authority(), shipment, TYPES, "w1", fails)
    rows = messages.listing(ledger, shipment)
    assert sorted(row.state for row in rows) == ["prepared"] * 7 + ["sent"]
    assert sum(row.sends for row in rows) == 1
    assert submit(ledger, customs.authority(), shipment, TYPES, "w1").counts == {"sent": 7}


@pytest.mark.parametrize("size", [1, 4])
def test_a_truck_held_between_two_messages_sends_no_more(
    customs: Customs, ledger: Ledger, shipment: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission, "TOGETHER", size)

    def hold(done: int, total: int) -> None:
        if done == 2:
            shipments.hold(ledger, shipment, "wait", "a person")

    done = submit(ledger, customs.authority(), shipment, TYPES, "w1", hold)
    sent = 2 if size == 1 else 5
    assert len(customs.received) == done.counts["sent"] == sent, "those that were claimed a moment ago may leave"
    assert done.counts["taken"] == 8 - sent


def test_a_truck_held_while_one_message_takes_long_sends_no_more(
    customs: Customs, ledger: Ledger, shipment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hold(done: int, total: int) -> None:
        if done == 2:  # by now the others of its group are claimed
            shipments.hold(ledger, shipment, "wait", "a person")
            monkeypatch.setattr(submission, "BRIEF", -1.0)  # and that was long ago

    done = submit(ledger, customs.authority(), shipment, TYPES, "w1", hold)
    assert done.counts == {"sent": 2, "taken": 6}
    assert sorted(row.state for row in messages.listing(ledger, shipment)) == ["prepared"] * 6 + ["sent"] * 2
    assert sum(row.sends for row in messages.listing(ledger, shipment)) == 2
