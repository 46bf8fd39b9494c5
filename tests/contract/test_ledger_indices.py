"""Which indices the questions about receipts use, on both databases: most receipts are in none of these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Text, cast, event, func, insert, literal, select, text

from adapters.ledger import Ledger, audit, bulk, raws, receipts
from adapters.ledger.tables import cursor, receipt
from tasks.receipts import lookup
from tests.contract import ledger_cases as cases
from tests.contract.ledger_cases import CN, ORDER, RANKS, answer

WAITING, WHOLE = "ix_receipt_waiting", "ix_receipt_whole"
ASKED: list[tuple[Callable[[Ledger], Any], str]] = [
    (lambda ledger: receipts.settle(ledger, CN, RANKS), WAITING),
    (lambda ledger: receipts.strangers(ledger, CN), WAITING),
    (lambda ledger: lookup.complete_parked(ledger, CN), WAITING),
    (lambda ledger: lookup.come_back(ledger, CN, [1]), WHOLE),
    (audit.audit, WAITING),
]


def _plan(ledger: Ledger, statement: str, parameters: Any) -> str:
    """How the database answers a query; PostgreSQL is kept from reading a small table from end to end."""
    with ledger.begin() as tx:
        if tx.dialect.name == "postgresql":
            tx.execute(text("SET LOCAL enable_seqscan = off"))
            return "\n".join(row[0] for row in tx.exec_driver_sql(f"EXPLAIN {statement}", parameters))
        return "\n".join(row[3] for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters))


def _many(ledger: Ledger, rows: int = 3000) -> None:
    """So many ordinary receipts, applied long ago, that no database would read them all; and PostgreSQL knows it."""
    columns = [column for column in receipt.c if column.name != "id"]
    told = {"disposition": literal("applied"), "cop_msg_id": literal("")}
    number = func.row_number().over(order_by=receipt.c.id)
    with ledger.begin() as tx:
        while (there := tx.execute(select(func.count()).select_from(receipt)).scalar_one()) < rows:
            other = {**told, "guid": literal(f"{there}-") + cast(number, Text)}
            copies = select(*(other.get(column.name, column) for column in columns))
            tx.execute(insert(receipt).from_select([column.name for column in columns], copies))
        if tx.dialect.name == "postgresql":
            tx.execute(text("ANALYZE receipt"))
            tx.execute(text("ANALYZE message"))


@pytest.mark.parametrize(("ask", "index"), ASKED, ids=["settle", "strangers", "complete", "come_back", "audit"])
def test_waiting_receipts_and_those_about_messages_are_found_by_index(
    ledger: Ledger, ask: Callable[[Ledger], Any], index: str
) -> None:
    cases.declared(ledger, cases.shipment(ledger))
    raw = raws.store_raw(ledger, "in", CN, "http", "customs", b"x")
    receipts.add_receipts(ledger, raw, [answer("P|o1", "2"), answer("P|no one", "2")])
    _many(ledger)
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT") and ("disposition = 'new'" in statement or "cop_msg_id != ''" in statement):
            asked.append((statement, parameters))

    event.listen(ledger.engine, "before_cursor_execute", note)
    try:
        ask(ledger)
    finally:
        event.remove(ledger.engine, "before_cursor_execute", note)
    assert asked
    assert all(index in _plan(ledger, *one) for one in asked)


def test_what_came_before_is_known_by_its_hash_alone(ledger: Ledger) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT") and "sha256" in statement:
            asked.append((statement, parameters))

    raws.store_new(ledger, CN, "poll", "DXP", [b"known"])
    event.listen(ledger.engine, "before_cursor_execute", note)
    try:
        assert raws.store_new(ledger, CN, "poll", "DXP", [b"known", b"new"]) == 1
        assert raws.seen(ledger, CN, b"known") == 1
        assert raws.seen(ledger, "another", b"known") is None
    finally:
        event.remove(ledger.engine, "before_cursor_execute", note)
    assert len(asked) == 4
    for one in asked:
        plan = _plan(ledger, *one)
        assert "ix_raw_sha256" in plan
        assert "ix_raw_authority" not in plan, "that would be all that ever came in"


@pytest.mark.parametrize("odd", ["it's", "a''b", "100%s", "?", "a\\b", "新增"])
def test_what_is_the_same_in_all_rows_is_stored_as_it_is(ledger: Ledger, odd: str) -> None:
    raw = raws.store_raw(ledger, "in", CN, "http", "customs", b"x")
    rows = [answer(f"P|{n}", "2", guid=f"G{n}")._replace(pre_no=odd) for n in range(50)]
    assert receipts.add_receipts(ledger, raw, rows) == 50
    assert receipts.add_receipts(ledger, raw, [*rows, answer("P|0", "2", guid="another")]) == 1
    with ledger.read() as tx:
        told = tx.execute(receipt.select().order_by(receipt.c.id)).all()
    assert [(r.business_key, r.guid) for r in told[:50]] == [(f"P|{n}", f"G{n}") for n in range(50)]
    assert {(r.type, r.pre_no, r.document_id) for r in told[:50]} == {(ORDER, odd, None)}
    assert {(r.info, r.return_time) for r in told[:50]} == {(rows[0].info, rows[0].return_time)}


def test_one_row_said_many_times_is_stored_once(ledger: Ledger) -> None:
    raw = raws.store_raw(ledger, "in", CN, "http", "customs", b"x")
    assert receipts.add_receipts(ledger, raw, [answer("P|o1", "2")] * 50) == 1


def test_a_sign_that_no_statement_can_hold_is_handed_over(ledger: Ledger) -> None:
    if ledger.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL stores no such sign at all")
    with ledger.begin() as tx:
        rows = [(f"file{n}", "a\0b", "1") for n in range(50)]
        assert bulk.insert(tx, cursor, ("name", "authority", "value"), rows) == 50
        stored = tx.execute(cursor.select().where(cursor.c.authority == "a\0b")).all()
    assert len(stored) == 50
