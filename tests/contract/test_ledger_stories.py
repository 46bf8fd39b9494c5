"""Ordinary receipts are kept as their message told them, and told apart where somebody looks back; both databases."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import sqlalchemy as sa
from alembic import command

from adapters.contract import ReceiptRow
from adapters.ledger import (
    Ledger,
    applications,
    at_once,
    erasure,
    messages,
    migrations,
    preparing,
    raws,
    receipts,
    stories,
)
from adapters.ledger.audit import audit
from adapters.ledger.settling import retell
from adapters.ledger.tables import receipt, shipment, story
from tests.contract import ledger_cases as cases
from tests.contract.ledger_cases import CN, NOW, ORDER, RANKS, Doc, answer, out


def bring(ledger: Ledger, *rows: ReceiptRow, body: bytes = b"") -> int:
    """Receipts come in one raw message and have their effect, as the product has it. Returns how many were new."""
    raw = raws.store_raw(ledger, "in", CN, "http", "customs", body or repr(rows).encode())
    new, _ = at_once.keep(ledger, CN, [(raw, rows)], RANKS)
    receipts.settle(ledger, CN, RANKS)
    return new


def rows(ledger: Ledger) -> list[tuple[str, str, str]]:
    """Key, status and disposition of the receipts that have a row of their own."""
    c = receipt.c
    with ledger.read() as tx:
        return [tuple(row) for row in tx.execute(sa.select(c.business_key, c.status, c.disposition).order_by(c.id))]


def told(ledger: Ledger) -> list[tuple[str, int, int, int]]:
    """Type, first and last document, and number of receipts of each story."""
    c = story.c
    with ledger.read() as tx:
        query = sa.select(c.type, c.first_id, c.last_id, c.receipts).order_by(c.id)
        return [tuple(row) for row in tx.execute(query)]


def documents(ledger: Ledger, ident: int) -> Sequence[int]:
    """The ids of a shipment's documents."""
    return [row.id for row in messages.documents(ledger, ident)]


def test_a_message_of_ordinary_receipts_is_one_row(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    cases.declared(ledger, ident)
    one, two, three = documents(ledger, ident)
    said = [answer(f"P|o{n}", "2", 1, info=f"收到 {n}", declared_guid="D", pre_no=f"P{n}") for n in (1, 2, 3)]
    assert bring(ledger, *said) == 3
    assert (rows(ledger), told(ledger)) == ([], [(ORDER, one, three, 3)])
    (kept,) = receipts.of_document(ledger, two)
    assert (kept.status, kept.info, kept.guid, kept.declared_guid, kept.pre_no, kept.return_time) == (
        "2", "收到 2", said[1].guid, "D", "P2", said[1].return_time,
    )  # fmt: skip
    assert [r.document_id for r in receipts.of_shipment(ledger, ident)] == [one, two, three]
    assert receipts.counts(ledger, CN) == {"applied": 3}


def test_nothing_of_it_can_be_read_in_the_database(ledger: Ledger) -> None:
    cases.declared(ledger, cases.shipment(ledger))
    bring(ledger, answer("P|o1", "2", info="退回 someone"))
    with ledger.read() as tx:
        sealed = tx.execute(sa.select(sa.type_coerce(story.c.told, sa.LargeBinary))).scalar_one()
    assert b"someone" not in bytes(sealed)


def test_what_a_story_told_is_known_however_it_comes_again(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    cases.declared(ledger, ident)
    first, second = answer("P|o1", "2", 1), answer("P|o1", "120", 2)
    assert bring(ledger, first) == 1
    assert bring(ledger, first, second) == 1, "beside a new one"
    assert bring(ledger, second, first, body=b"in another order") == 0
    raw = raws.store_raw(ledger, "in", CN, "http", "customs", b"kept without effect")
    assert receipts.add_receipts(ledger, raw, [first, second]) == 0
    preparing.add_messages(ledger, ident, [out([Doc("P|o1", 1, attempt=2)], ORDER, 2)])
    assert bring(ledger, second, body=b"when there is another attempt") == 0
    assert len(receipts.of_shipment(ledger, ident)) == 2
    assert receipts.settle(ledger, CN, RANKS).counts == {}


def test_one_without_a_time_is_kept_once_too(ledger: Ledger) -> None:
    cases.declared(ledger, cases.shipment(ledger))
    one = answer("P|o1", "2", return_time=None)
    assert (bring(ledger, one), bring(ledger, one, body=b"again")) == (1, 0)
    assert (rows(ledger), [count for *_, count in told(ledger)]) == ([], [1])


def test_one_that_reaches_back_tells_only_its_document_apart(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    cases.declared(ledger, ident)
    one, two, _ = documents(ledger, ident)
    bring(ledger, answer("P|o1", "2", 1), answer("P|o2", "2", 1))
    bring(ledger, answer("P|o1", "399", 5), answer("P|o2", "399", 5))
    assert rows(ledger) == []
    bring(ledger, answer("P|o1", "120", 3))  # a lower step needs no look back
    assert rows(ledger) == [("P|o1", "120", "late")]
    bring(ledger, answer("P|o1", "100", 4))
    assert sorted(rows(ledger)) == [("P|o1", *said) for said in (
        ("100", "applied"), ("120", "late"), ("2", "applied"), ("399", "applied"),
    )]  # fmt: skip
    assert cases.states(ledger, ident)["P|o1", 1] == "rejected"
    assert told(ledger) == [(ORDER, two, two, 1), (ORDER, two, two, 1)]
    assert [r.status for r in receipts.of_document(ledger, one)] == ["2", "120", "100", "399"]
    assert [r.status for r in receipts.of_document(ledger, two)] == ["2", "399"]
    assert audit(ledger) == []


def test_of_the_same_status_at_the_same_time_the_first_one_stays(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    cases.declared(ledger, ident)
    bring(ledger, answer("P|o1", "100", 2, info="first", pre_no="A"))
    bring(ledger, answer("P|o1", "100", 2, info="second", pre_no="B"))  # a verdict is there: its story is told anew
    bring(ledger, answer("P|o1", "2", 1))  # and once more, when both are rows
    one = messages.documents(ledger, ident)[0]
    assert (one.state, one.return_info, one.pre_no, bool(one.conflict)) == ("rejected", "first", "A", False)
    told_of = receipts.of_document(ledger, one.id)
    assert {r.info: r.disposition for r in told_of if r.status == "100"} == {"first": "applied", "second": "duplicate"}


@pytest.mark.parametrize("why", ["partner", "unusable"])
def test_what_was_kept_before_without_effect_is_not_lost(ledger: Ledger, why: str) -> None:
    """A receipt about what was a partner's, or of a status that no code list had: told again when it has its effect."""
    ident = cases.shipment(ledger)
    released = answer("P|o1", "800", 2)
    if why == "partner":
        bring(ledger, released)
        receipts.keep_for_partner(ledger, [row.id for row in receipts.strangers(ledger, CN)])
    else:
        bring(ledger, released._replace(problem="no such status"))
    assert rows(ledger) == [("P|o1", "800", why)]
    cases.declared(ledger, ident)
    bring(ledger, released, body=b"again")
    bring(ledger, answer("P|o1", "100", 3))
    bring(ledger, answer("P|o1", "2", 1))
    one = messages.documents(ledger, ident)[0]
    assert (one.state, bool(one.conflict)) == ("released", True)
    assert sorted(rows(ledger)) == [
        ("P|o1", "100", "conflict"), ("P|o1", "2", "late"), ("P|o1", "800", "applied"),
    ]  # fmt: skip


def test_an_unusable_copy_of_what_a_story_told_is_known(ledger: Ledger) -> None:
    cases.declared(ledger, cases.shipment(ledger))
    one = answer("P|o1", "2")
    bring(ledger, one)
    assert bring(ledger, one._replace(problem="unreadable this time"), body=b"again") == 0
    assert rows(ledger) == []


def test_what_is_left_to_the_settling_is_noted_with_its_shipment(ledger: Ledger) -> None:
    """The process that keeps it may die before it settles: the next one has to know where to look."""
    ident = cases.shipment(ledger)
    cases.declared(ledger, ident)
    bring(ledger, answer("P|o1", "800", 2))
    raw = raws.store_raw(ledger, "in", CN, "http", "customs", b"contradicts")
    _, settled = at_once.keep(ledger, CN, [(raw, [answer("P|o1", "100", 3)])], RANKS)
    assert (settled.counts, settled.shipments) == ({}, {ident})


def test_a_story_told_apart_while_somebody_reads_is_skipped(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ident = cases.shipment(ledger)
    cases.declared(ledger, ident)
    bring(ledger, answer("P|o1", "2"))
    asked = stories.bisect_left

    def apart_meanwhile(spans: list[int], first: int) -> int:
        monkeypatch.setattr(stories, "bisect_left", asked)
        with ledger.begin() as tx:
            assert stories.apart(tx, spans) == 1
        return asked(spans, first)

    monkeypatch.setattr(stories, "bisect_left", apart_meanwhile)
    assert [r.status for r in receipts.of_document(ledger, documents(ledger, ident)[0])] == ["2"]


def test_a_story_of_which_nothing_is_left_is_gone(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    cases.declared(ledger, ident)
    bring(ledger, answer("P|o1", "2", 1))
    with ledger.begin() as tx:
        before = retell(tx, CN, [documents(ledger, ident)[0]], RANKS)
        assert stories.apart(tx, documents(ledger, ident)) == 0, "nothing is left to tell apart"
    assert (told(ledger), rows(ledger)) == ([], [("P|o1", "2", "applied")])
    assert before == {documents(ledger, ident)[0]: "accepted"}


def test_each_shipment_has_its_own_part_of_a_message(ledger: Ledger) -> None:
    first, second = cases.shipment(ledger), cases.shipment(ledger, "M2", ("p1", "p2"))
    cases.declared(ledger, first)
    cases.declared(ledger, second, ("p1", "p2"))
    assert bring(ledger, answer("P|p2", "2"), answer("P|o1", "2"), answer("P|nobody", "2"), answer("P|p1", "2")) == 4
    assert sorted(count for *_, count in told(ledger)) == [1, 2]
    assert (len(receipts.of_shipment(ledger, first)), len(receipts.of_shipment(ledger, second))) == (1, 2)
    assert rows(ledger) == [("P|nobody", "2", "parked")]
    assert receipts.counts(ledger, CN) == {"applied": 3, "parked": 1}


def test_two_of_one_document_in_one_message(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    cases.declared(ledger, ident)
    assert bring(ledger, answer("P|o1", "120", 2), answer("P|o1", "2", 1)) == 2
    assert [count for *_, count in told(ledger)] == [2]
    assert [r.status for r in receipts.of_document(ledger, documents(ledger, ident)[0])] == ["2", "120"]


def test_when_a_status_was_first_said_is_read_in_both(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    cases.declared(ledger, ident)
    one, two, three = documents(ledger, ident)
    bring(ledger, answer("P|o1", "2", 4), answer("P|o2", "2", 2))
    bring(ledger, answer("P|o1", "2", 1))  # earlier than what is known: a row
    said = applications.first_said(ledger, [one, two, three], "2")
    assert {ident: (at - NOW).total_seconds() / 60 for ident, at in said.items()} == {one: 1, two: 2}


def test_erasing_takes_the_texts_of_stories_and_finds_their_raws(ledger: Ledger) -> None:
    ident, other = cases.shipment(ledger), cases.shipment(ledger, "M2", ("p1",))
    cases.declared(ledger, ident)
    cases.declared(ledger, other, ("p1",))
    bring(ledger, answer("P|o1", "2", info="买家 name"), answer("P|p1", "2", info="kept"))
    with ledger.begin() as tx:
        stories.without_texts(tx, ident)
        tied = [set(tx.execute(erasure._tied(shipment.c.id == one)).scalars()) for one in (ident, other)]
        (raw_id,) = {row.raw_id for row in receipts.of_shipment(tx, ident)}
    assert [r.info for r in receipts.of_shipment(ledger, ident)] == [""]
    assert [r.info for r in receipts.of_shipment(ledger, other)] == ["kept"]
    assert all(raw_id in mine for mine in tied)


def test_an_older_release_cannot_have_what_only_a_story_tells(ledger: Ledger) -> None:
    cases.declared(ledger, cases.shipment(ledger))
    bring(ledger, answer("P|o1", "2"))
    with pytest.raises(RuntimeError, match="1 rows of receipts"), ledger.engine.begin() as connection:
        settings = migrations.config()
        settings.attributes["connection"] = connection
        command.downgrade(settings, "0010")
    assert receipts.counts(ledger, CN) == {"applied": 1}
