"""What a process keeps of a shipment: with what was written since it is what reading all of it gives."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from adapters.ledger import Ledger, claims, messages, parcels, preparing
from adapters.ledger.tables import document, message, parcel
from tasks.clearing import documents
from tests.contract import ledger_cases as cases
from tests.contract.ledger_cases import INVENTORY, LIST, ORDER, Doc, answer, arrive, out

ORDERS = ("o1", "o2", "o3")
on_postgresql = pytest.mark.parametrize(
    "ledger", [pytest.param("postgresql", marks=pytest.mark.server)], indirect=True
)  # elsewhere nothing is kept, or one writes at a time


@pytest.fixture
def ident(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(documents, "FEW", 0)
    return cases.shipment(ledger, orders=ORDERS)


def kept(ledger: Ledger) -> bool:
    return ledger.engine.dialect.name == "postgresql"


def seen(tx: Connection, ident: int) -> tuple[documents.Reading, documents.States, dict[str, Any]]:
    """A look: what was read for it, and what the shipment's parcels and documents are then."""
    reading = documents.read(tx, ident)
    states = tx.execute(select(message.c.id, message.c.state).where(message.c.shipment_id == ident)).all()
    return reading, *reading.now(tx, {m.id: m.state for m in states})


def looked(tx: Connection, ident: int) -> tuple[int, dict[str, Any]]:
    """How many documents were read, and what the shipment's are then."""
    reading, _, found = seen(tx, ident)
    return len(reading.rows), found


def both(ledger: Ledger, ident: int) -> tuple[int, dict[str, Any]]:
    """The same, after a look that keeps and reads nothing kept has given the same."""
    with ledger.read() as tx:
        reading, states, found = seen(tx, ident)
    with pytest.MonkeyPatch.context() as patch, ledger.read() as tx:
        patch.setattr(documents, "_of", lambda _: None)
        anew = seen(tx, ident)
        assert anew[2] == found
        assert list(anew[1].items()) == list(states.items())
    return len(reading.rows), found


def test_only_what_was_written_since_is_read(ledger: Ledger, ident: int) -> None:
    cases.declared(ledger, ident, ORDERS)
    assert both(ledger, ident)[0] == 3
    assert both(ledger, ident)[0] == (0 if kept(ledger) else 3)
    arrive(ledger, answer("P|o2", "2"))
    rows, found = both(ledger, ident)
    assert rows == (1 if kept(ledger) else 3)
    assert [found[ORDER][seq].state for seq in (1, 2, 3)] == ["sent", "accepted", "sent"]
    other = cases.shipment(ledger, "M2", orders=("p1",))
    assert both(ledger, other) == (0, {})


def test_a_message_says_how_its_documents_stand_until_customs_has_spoken(ledger: Ledger, ident: int) -> None:
    [sent] = preparing.add_messages(
        ledger, ident, [out([Doc(f"P|{o}", n) for n, o in enumerate(ORDERS, 1)])]
    ).message_ids
    for step, state in ((lambda: None, "prepared"), (lambda: claims.claim(ledger, sent, "w"), "claimed"),
                        (lambda: claims.settle_sent(ledger, sent), "sent")):  # fmt: skip
        step()
        assert {one.state for one in both(ledger, ident)[1][ORDER].values()} == {state}
    arrive(ledger, answer("P|o1", "2"))
    assert [both(ledger, ident)[1][ORDER][seq].state for seq in (1, 2, 3)] == ["accepted", "sent", "sent"]


def test_a_later_attempt_takes_the_place_of_the_one_before_for_good(ledger: Ledger, ident: int) -> None:
    cases.declared(ledger, ident, ORDERS)
    both(ledger, ident)
    preparing.add_messages(ledger, ident, [out([Doc("P|o1", 1, attempt=2, app_type="2")])])
    assert both(ledger, ident)[1][ORDER][1].attempt == 2
    with ledger.begin() as tx:
        tx.execute(update(document).where(document.c.attempt == 1).values(state="released"))
    found = both(ledger, ident)[1][ORDER]
    assert (found[1].attempt, found[1].state, found[2].state) == (2, "prepared", "released")


def test_only_a_document_of_the_truck_says_its_numbers(ledger: Ledger, ident: int) -> None:
    cases.declared(ledger, ident, ORDERS)
    preparing.add_messages(ledger, ident, [out([Doc("A|c|b|1", lists=(1, 3))], LIST)])
    with ledger.begin() as tx:
        tx.execute(update(document).values(pre_no="77"))
    found = both(ledger, ident)[1]
    assert {(one.business_key, one.pre_no) for one in found[LIST].values()} == {("A|c|b|1", "77")}
    assert {(one.business_key, one.pre_no) for one in found[ORDER].values()} == {("", "")}


def test_only_parcels_that_were_written_since_are_read(ledger: Ledger, ident: int) -> None:
    cases.declared(ledger, ident, ORDERS)

    def look() -> tuple[list[int], documents.States]:
        with ledger.read() as tx:
            reading, states, _ = seen(tx, ident)
        both(ledger, ident)  # compares with all of them
        return [row.seq for row in reading.parcels], states

    assert look()[0] == [1, 2, 3]
    parcels.set_parcel_states(ledger, ident, {2: ("held", "WHY")})
    read, states = look()
    assert read == ([2] if kept(ledger) else [1, 2, 3])
    assert (states[2], states[3]) == (("held", "WHY"), ("ready", ""))
    parcels.sync_parcels(ledger, ident, [cases.row("o6", 6)])
    parcels.sync_parcels(ledger, ident, [cases.row("o5", 5), cases.row("o4", 4)])
    read, states = look()
    assert read == ([4, 5, 6] if kept(ledger) else [1, 2, 3, 4, 5, 6])
    assert list(states) == [1, 2, 3, 4, 5, 6]


def test_what_came_to_nothing_is_not_kept(ledger: Ledger, ident: int) -> None:
    cases.declared(ledger, ident, ORDERS)
    both(ledger, ident)

    class Undone(Exception):
        pass

    with pytest.raises(Undone), ledger.begin() as tx:
        tx.execute(update(document).values(state="released"))
        tx.execute(update(parcel).values(state="held"))
        _, states, found = seen(tx, ident)
        assert {one.state for one in found[ORDER].values()} == {"released"}
        assert {state for state, _ in states.values()} == {"held"}
        raise Undone
    assert {one.state for one in both(ledger, ident)[1][ORDER].values()} == {"sent"}  # and compares the parcels


@on_postgresql
def test_what_an_older_transaction_writes_last_is_not_missed(ledger: Ledger, ident: int) -> None:
    cases.declared(ledger, ident, ORDERS)
    both(ledger, ident)
    d = document.c
    with ledger.engine.connect() as slow:
        slow.execute(update(document).where(d.business_key == "P|o1").values(state="reviewed"))
        slow.execute(update(parcel).where(parcel.c.order_no == "o1").values(state="held"))
        with ledger.begin() as quick:
            quick.execute(update(document).where(d.business_key == "P|o2").values(state="released"))
            quick.execute(update(parcel).where(parcel.c.order_no == "o2").values(state="excluded"))
        for _ in range(2):  # kept while the older one is still at it
            found = both(ledger, ident)[1][ORDER]
            assert [found[seq].state for seq in (1, 2, 3)] == ["sent", "released", "sent"]
        slow.commit()
    found = both(ledger, ident)[1][ORDER]
    assert [found[seq].state for seq in (1, 2, 3)] == ["reviewed", "released", "sent"]


def test_whatever_is_written_in_whatever_order(ledger: Ledger, ident: int) -> None:
    chance = random.Random(4)
    for kind in (ORDER, INVENTORY):
        cases.declared(ledger, ident, ORDERS, kind)
    attempts = dict.fromkeys(range(1, 4), 1)

    def declares_anew() -> None:
        seq = chance.randint(1, 3)
        attempts[seq] += 1
        preparing.add_messages(ledger, ident, [out([Doc(f"P|o{seq}", seq, attempts[seq])], seq=sum(attempts.values()))])

    def lists() -> None:
        attempts[0] = attempts.get(0, 0) + 1
        preparing.add_messages(ledger, ident, [out([Doc(f"A|c|b|{attempts[0]}", lists=(1, 3))], LIST, attempts[0])])

    def answers() -> None:
        kind, status = chance.choice((ORDER, INVENTORY)), chance.choice(("2", "120", "399", "800", "100"))
        arrive(ledger, answer(f"P|o{chance.randint(1, 3)}", status, chance.random() * 60, kind))

    def sends() -> None:
        for one in messages.listing(ledger, ident):
            if one.state == "prepared" and chance.random() < 0.5 and claims.claim(ledger, one.id, "w"):
                claims.settle_sent(ledger, one.id)

    def says_of_parcels() -> None:
        states = chance.sample((("held", "A"), ("held", "B"), ("ready", ""), ("rejected", INVENTORY)), 2)
        parcels.set_parcel_states(ledger, ident, dict(zip(chance.sample(range(1, 4), 2), states, strict=True)))

    what: list[Callable[[], None]] = [declares_anew, lists, answers, answers, sends, says_of_parcels]
    for _ in range(40):
        chance.choice(what)()
        if chance.random() < 0.7:
            both(ledger, ident)
    assert both(ledger, ident)[1][ORDER][1].attempt == attempts[1]


def test_whom_lists_name_is_read_once(ledger: Ledger, ident: int, monkeypatch: pytest.MonkeyPatch) -> None:
    preparing.add_messages(ledger, ident, [out([Doc("A|c|b|1", lists=(1, 3)), Doc("A|c|b|2", lists=())], LIST)])
    first, second = (d.id for d in messages.documents(ledger, ident, type=LIST))
    asked: list[set[int]] = []
    read = messages.list_members

    def noted(tx: Connection, shipment_id: int, ids: set[int]) -> Any:
        asked.append(set(ids))
        return read(tx, shipment_id, ids)

    monkeypatch.setattr(messages, "list_members", noted)
    for _ in range(2):
        with ledger.read() as tx:
            assert documents.members(tx, ident, [first, second]) == {first: {1, 3}, second: set()}
    assert asked == [{first, second}] * (1 if kept(ledger) else 2)


@on_postgresql
def test_another_databases_transactions_say_nothing(ledger: Ledger, ident: int) -> None:
    cases.declared(ledger, ident, ORDERS)
    both(ledger, ident)
    here = documents._kept[ledger.engine.pool]
    for since in (2**40, 1):
        here.shipments = {ident: replace(here.shipments[ident], since=since, found={})}
        assert both(ledger, ident)[0] == 3
        assert both(ledger, ident)[0] == 0


@on_postgresql
def test_a_new_connection_forgets_and_too_much_is_not_kept(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "FEW", 0)
    idents = [cases.shipment(ledger, f"M{n}", [f"o{n}{m}" for m in range(3)]) for n in range(4)]
    for ident, n in zip(idents, range(4), strict=True):
        cases.declared(ledger, ident, [f"o{n}{m}" for m in range(3)])
    monkeypatch.setattr(documents, "MOST", 7)
    for ident in idents:
        both(ledger, ident)
    monkeypatch.setattr(documents, "_any", lambda kept: next(iter(kept)))
    for ident in idents:
        both(ledger, ident)
    assert [both(ledger, ident)[0] for ident in reversed(idents)] == [0, 0, 3, 3]
    ledger.engine.dispose()
    assert both(ledger, idents[0])[0] == 3
    assert both(ledger, idents[0])[0] == 0
    for name, limit in (("MOST", 2), ("FEW", 4)):
        with monkeypatch.context() as patch:
            patch.setattr(documents, name, limit)
            both(ledger, idents[1])
            assert both(ledger, idents[1])[0] == 3, "one shipment alone may be too much, or not worth it"


@on_postgresql
def test_where_room_is_short_those_at_their_end_go_first(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "FEW", 0)
    monkeypatch.setattr(documents, "MOST", 7)
    monkeypatch.setattr(documents, "_any", lambda kept: next(iter(kept)))
    live, ended, another = (cases.shipment(ledger, f"E{n}", [f"e{n}{m}" for m in range(3)]) for n in range(3))
    for n, ident in enumerate((live, ended, another)):
        cases.declared(ledger, ident, [f"e{n}{m}" for m in range(3)])
    with ledger.begin() as tx:
        tx.execute(update(parcel).where(parcel.c.shipment_id == ended).values(state="closed"))
        tx.execute(update(parcel).where(parcel.c.shipment_id == live, parcel.c.seq > 1).values(state="closed"))
    assert [both(ledger, ident)[0] for ident in (live, ended, another)] == [3, 3, 3]
    assert [both(ledger, ident)[0] for ident in (live, another, ended)] == [0, 0, 3]
