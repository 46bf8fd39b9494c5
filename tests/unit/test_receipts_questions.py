"""What is asked at each settling finds its rows by the shipment, on SQLite too, which has no statistics of tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from adapters.ledger import Ledger, open_ledger
from tasks.receipts import lookup

CN, STATES = "cn_ecommerce", ("rejected", "refused")
OF_SHIPMENT = "ix_document_shipment_id (shipment_id=?)"
KEY = "INTEGER PRIMARY KEY (rowid=?)"
FEW = {  # none of them grows with the ledger
    ("document", f"INDEX {OF_SHIPMENT}"),
    ("later", "INDEX ix_document_shipment_id (shipment_id=? AND rowid>?)"),
    ("message", KEY),
    ("parcel", KEY),
    ("receipt", "INDEX ix_receipt_document_id (document_id=?)"),
}
ASKED: dict[str, Callable[[Ledger], object]] = {
    "conflicts of one": lambda ledger: lookup.conflicts(ledger, [1], CN),
    "conflicts of several": lambda ledger: lookup.conflicts(ledger, range(1, 100), CN),
    "quiet": lambda ledger: lookup.quiet(ledger, 1, CN, STATES),
    "rejected": lambda ledger: lookup.rejected(ledger, 1, CN, STATES),
}


@pytest.mark.parametrize("name", ASKED)
def test_it_reads_one_truck_and_not_the_ledger(tmp_path: Path, name: str) -> None:
    ledger = open_ledger(tmp_path / "home", f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    event.listen(ledger.engine, "before_cursor_execute", note)
    ASKED[name](ledger)
    event.remove(ledger.engine, "before_cursor_execute", note)
    assert asked
    with ledger.read() as tx:
        for statement, parameters in asked:
            rows = tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            read = [row[3].partition(" LEFT-JOIN")[0] for row in rows if row[3].startswith(("SEARCH", "SCAN"))]
            assert f"SEARCH document USING INDEX {OF_SHIPMENT}" in read
            assert set(read) <= {f"SEARCH {table} USING {index}" for table, index in FEW}
    ledger.close()
