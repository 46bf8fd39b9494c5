"""What is asked at each settling finds its rows by the shipment, on SQLite too, which has no statistics of tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from adapters.ledger import Ledger, messages, open_ledger, preparing
from tasks.receipts import lookup
from tests.contract import ledger_cases as cases

CN, STATES = "cn_ecommerce", ("rejected", "refused")
OF_SHIPMENT = "ix_document_shipment_id (shipment_id=?)"
OF_KEY = "sqlite_autoindex_document_1"
KEY = "INTEGER PRIMARY KEY (rowid=?)"
FEW = {  # none of them grows with the ledger
    ("document", f"INDEX {OF_SHIPMENT}"),
    ("document", "INDEX ix_document_parcel_id (parcel_id=?)"),
    ("document", f"INDEX {OF_KEY} (authority=? AND type=? AND business_key=?)"),
    ("document", "INDEX ix_document_conflict (shipment_id=?)"),
    ("document", "INDEX ix_document_follows (shipment_id=?)"),
    ("document", KEY),
    ("before", KEY),
    ("message", KEY),
    ("parcel", KEY),
    ("receipt", "INDEX ix_receipt_document_id (document_id=?)"),
}
# what was asked for, as a list of one parameter
SCANS = {f"SCAN {name} VIRTUAL TABLE INDEX 1:" for name in ("anon_1", "anon_2", "json_each")}
ASKED: dict[str, Callable[[Ledger], object]] = {
    "conflicts of one": lambda ledger: lookup.conflicts(ledger, [1], CN),
    "conflicts of several": lambda ledger: lookup.conflicts(ledger, range(1, 100), CN),
    "rejected": lambda ledger: lookup.rejected(ledger, 1, CN, STATES),
    "what follows what": lambda ledger: messages.lineage(ledger, 1),
}


def with_a_truck(ledger: Ledger) -> None:
    """Three parcels, all of them turned down; the first is declared anew, and turned down again."""
    ident = cases.shipment(ledger)
    cases.declared(ledger, ident)
    cases.arrive(ledger, *(cases.answer(f"P|o{n}", "100") for n in (1, 2, 3)))
    preparing.add_messages(ledger, ident, [cases.out([cases.Doc("P|o1", 1, attempt=2)])])


@pytest.mark.parametrize("name", ASKED)
def test_it_reads_one_truck_and_not_the_ledger(tmp_path: Path, name: str) -> None:
    ledger = open_ledger(tmp_path / "home", f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    with_a_truck(ledger)
    asked = questions(ledger, lambda: ASKED[name](ledger))
    assert asked
    for statement, parameters in asked:
        told = plan(ledger, statement, parameters)
        assert told
        assert told <= {f"SEARCH {table} USING {index}" for table, index in FEW}
    ledger.close()


def test_what_a_parcel_declares_anew_is_found_by_the_parcel(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "home", f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    with_a_truck(ledger)
    again = [cases.out([cases.Doc("P|new", 2, attempt=2)], seq=5)]  # under another key
    asked = questions(ledger, lambda: preparing.add_messages(ledger, 1, again))
    [mine] = [one for one in asked if "document.parcel_id" in one[0].partition("FROM")[0]]
    assert plan(ledger, *mine) == {"SEARCH document USING INDEX ix_document_parcel_id (parcel_id=?)"}
    assert [(row.business_key, row.before_key) for row in messages.lineage(ledger, 1, seq=2)] == [("P|new", "P|o2")]
    ledger.close()


def test_what_a_list_names_is_noted_without_reading_the_trucks_documents(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "home", f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    with_a_truck(ledger)
    lists = [cases.out([cases.Doc("A|c|b|1", lists=(1, 3)), cases.Doc("A|c|b|2", lists=(2,))], cases.LIST)]
    asked = questions(ledger, lambda: preparing.add_messages(ledger, 1, lists))
    [mine] = [one for one in asked if one[0].startswith("SELECT document.id, document.guid")]
    assert plan(ledger, *mine) == {"SEARCH document USING INDEX ix_document_whole (shipment_id=?)"}
    assert sorted(messages.list_members(ledger, 1).values()) == [[1, 3], [2]]
    ledger.close()


def questions(ledger: Ledger, act: Callable[[], object]) -> list[tuple[str, Any]]:
    """What the act asks of the database."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    event.listen(ledger.engine, "before_cursor_execute", note)
    act()
    event.remove(ledger.engine, "before_cursor_execute", note)
    return asked


def plan(ledger: Ledger, statement: str, parameters: Any) -> set[str]:
    """How SQLite reads its tables for a question."""
    with ledger.read() as tx:
        rows = tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    read = [row[3].partition(" LEFT-JOIN")[0] for row in rows if row[3].startswith(("SEARCH", "SCAN"))]
    return {one.replace("COVERING INDEX", "INDEX") for one in read} - SCANS


def test_a_document_is_rejected_until_a_later_attempt_follows_it_by_parcel_or_by_key(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "home", f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    with_a_truck(ledger)
    preparing.add_messages(ledger, 1, [cases.out([cases.Doc("P|new", 2, attempt=2)], seq=2)])  # under another key
    found = lookup.rejected(ledger, 1, CN, STATES)
    assert [(row.order_no, row.business_key) for row in found] == [("o3", "P|o3")]
    preparing.add_messages(ledger, 1, [cases.out([cases.Doc("P|o3", 3)], cases.INVENTORY)])  # another type follows none
    assert len(lookup.rejected(ledger, 1, CN, STATES)) == 1
    ledger.close()
