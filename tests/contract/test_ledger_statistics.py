"""PostgreSQL chooses the right index of a ledger that grows quickly, also where nobody else looks after it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from adapters.ledger import Ledger, bulk, open_ledger, preparing, raws, receipts, statistics
from adapters.ledger.at_once import _documents
from adapters.ledger.tables import cursor
from tests.contract import ledger_cases as cases
from tests.contract.conftest import postgres_url
from tests.contract.ledger_cases import CN, ORDER, Doc, answer, out

pytestmark = pytest.mark.server


@pytest.fixture
def grown(tmp_path: Path) -> Iterator[Ledger]:
    """A new ledger on PostgreSQL that has just taken in 9,000 receipts."""
    for url in postgres_url():
        ledger = open_ledger(tmp_path / "home", url)
        raw = raws.store_raw(ledger, "in", CN, "http", "customs", b"x")
        rows = [answer(f"P|{n}", status, guid=f"G{n}") for n in range(3000) for status in ("2", "3", "120")]
        assert receipts.add_receipts(ledger, raw, rows) == 9000
        yield ledger
        ledger.close()


def refreshed(ledger: Ledger) -> list[str]:
    """Which tables are analysed, as soon as the server has counted what was written (it does once a second)."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with ledger.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if found := statistics.refresh(connection):
                return found
        time.sleep(0.2)
    return []


def _plan(ledger: Ledger) -> str:
    """How the documents of forty orders are looked up."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    with ledger.begin() as tx:
        tx.exec_driver_sql("SET LOCAL enable_seqscan = off")  # so small a table may well be read whole
        event.listen(tx, "before_cursor_execute", note)
        _documents(tx, CN, ORDER, [f"P|{n}" for n in range(40)])
        event.remove(tx, "before_cursor_execute", note)
        return "\n".join(row[0] for row in tx.exec_driver_sql(f"EXPLAIN {asked[0][0]}", asked[0][1]))


def test_documents_of_a_few_orders_are_looked_up_by_their_keys(grown: Ledger) -> None:
    preparing.add_messages(grown, cases.shipment(grown), [out([Doc(f"P|{n}") for n in range(9000)])])
    found = refreshed(grown)
    assert "document" in (found if "document" in found else refreshed(grown)), "receipts may be counted before it"
    index = next(line for line in _plan(grown).splitlines() if "Index Cond" in line)
    assert "business_key" in index


def test_a_table_that_has_hardly_changed_is_left_alone(grown: Ledger) -> None:
    assert refreshed(grown) == ["receipt"]
    with grown.begin() as tx:
        bulk.insert(tx, cursor, ("authority", "name", "value"), [("a", str(n), "1") for n in range(500)])
    time.sleep(1.2)  # the server has counted
    with grown.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        assert statistics.refresh(connection) == []


def test_the_ledger_looks_by_itself_while_it_is_written(grown: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "PAUSE", 0.0)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        raws.store_raw(grown, "in", CN, "http", "customs", b"y")
        grown.close()  # ends a look under way, and opens anew by itself
        with grown.read() as tx:
            told = tx.exec_driver_sql("SELECT reltuples FROM pg_class WHERE oid = 'receipt'::regclass").scalar_one()
        if told == 9000:
            return
        time.sleep(0.2)
    pytest.fail("nobody looked at 9,000 new receipts")


def test_what_the_server_will_not_do_is_no_trouble_of_the_ledgers(
    grown: Ledger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(statistics, "_STALE", statistics.text("SELECT nothing FROM nowhere WHERE :names IS NULL"))
    grown.close()  # its own look, which on a slow machine is under way, has the lock
    keeper = statistics.Statistics(grown.engine)
    with caplog.at_level("DEBUG", "adapters.ledger.statistics"):
        keeper._work()
    assert "nowhere" in caplog.text
    mine = "hashtextextended('tongguan statistics ' || current_schema(), 0)"
    held = f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND (classid::int8 << 32 | objid::int8) = {mine}"  # noqa: S608
    with grown.engine.connect() as connection:  # and the next may look
        assert connection.exec_driver_sql(held).scalar_one() == 0
        connection.execute(statistics._MINE)
        assert connection.exec_driver_sql(held).scalar_one() == 1, "it is that lock"
        connection.execute(statistics._DONE)
