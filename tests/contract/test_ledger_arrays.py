"""Lists handed to PostgreSQL as one text: what comes back is what was given, whatever stands in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from psycopg import Binary
from sqlalchemy import text

from adapters.ledger import Ledger, bulk, ledger
from adapters.ledger.arrays import array
from adapters.ledger.sealed import Vault
from adapters.ledger.tables import shipment
from mappings.errors import ConfigurationError
from tests.contract.conftest import postgres_url

NOW = datetime(2026, 11, 28, 1, 2, 3, 456789, UTC)
CASES: dict[str, list[Any]] = {
    "text": ["a", "", None, "NULL", "null", "{x}", "a,b", " 中é ", "it's", "\x7f", "\u2028"],
    "bigint": [1, None, -5, 2**62],
    "boolean": [True, None, False],
    "bytea": [b"", b'\x00\xff\\"', None],
    "timestamptz": [NOW, None, NOW.replace(microsecond=0).astimezone(timezone(timedelta(hours=8)))],
}
ESCAPED = [["\\", '"', "\n", None], ["tab\t", "bell\x07"], ["x" * 3, "\\x61"]]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger on PostgreSQL, without its tables."""
    for address in postgres_url():
        made = Ledger(address, Vault([bytes(32)]))
        yield made
        made.close()


@pytest.mark.server
@pytest.mark.parametrize("kind", CASES)
def test_what_needs_no_escape_is_one_text(server: Ledger, kind: str) -> None:
    said = array(CASES[kind])
    assert isinstance(said, str)
    assert _back(server, kind, said) == CASES[kind]


@pytest.mark.server
@pytest.mark.parametrize("values", ESCAPED)
def test_what_needs_one_is_left_to_the_driver(server: Ledger, values: list[Any]) -> None:
    assert array(values) == values
    assert _back(server, "text", array(values)) == values


def test_bytes_are_told_as_the_driver_takes_them() -> None:
    assert array([Binary(b"\x01a"), None]) == array([b"\x01a", None]) == '{"\\\\x0161",NULL}'


def test_so_is_what_it_does_not_know() -> None:
    assert array([1, "a"]) == [1, "a"]
    assert array([1.5]) == [1.5]
    assert array(["\ud800"]) == ["\ud800"], "no UTF-8: the driver says so"
    assert array([]) == []
    assert array([None]) == [None]


def _back(server: Ledger, kind: str, said: Any) -> list[Any]:
    with server.read() as tx:
        rows = tx.exec_driver_sql(f"SELECT * FROM unnest(%s::{kind}[]) WITH ORDINALITY ORDER BY 2", (said,)).all()  # noqa: S608
    return [bytes(row[0]) if isinstance(row[0], memoryview) else row[0] for row in rows]


def test_among_many_values_are_those_that_are_meant(ledger: Ledger) -> None:
    with ledger.begin() as tx:
        names = ["MW1", "MW,2", 'MW"3', "MW\\4", "{}", "NULL"]
        rows = [(name, "AGENT", {}, NOW, NOW, "open") for name in names]
        bulk.insert(tx, shipment, ("master_waybill", "agent_code", "truck", "created_at", "updated_at", "state"), rows)
        for wanted in (["MW1", "NULL"], ['MW"3', "MW\\4"], [], names, ["none"]):
            query = shipment.select().where(bulk.among(tx, shipment.c.master_waybill, wanted))
            assert {row.master_waybill for row in tx.execute(query)} == set(wanted) - {"none"}
        kept = {row.id: row.updated_at for row in tx.execute(shipment.select())}
        assert set(kept.values()) == {NOW}
        found = tx.execute(shipment.select().where(bulk.among(tx, shipment.c.id, list(kept)[:2]))).all()
        assert [row.id for row in found] == sorted(kept)[:2]


@pytest.mark.server
def test_a_connection_that_the_server_ended_is_noticed_once_it_lay_unused(
    server: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def backend() -> int:
        with server.read() as tx:
            return int(tx.execute(text("SELECT pg_backend_pid()")).scalar_one())

    def end(pid: int) -> None:
        other = Ledger(server.engine.url.render_as_string(False), server.vault)
        with other.read() as tx:
            assert tx.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid}).scalar_one()
        other.close()

    monkeypatch.setattr(ledger, "IDLE_SECONDS", 600.0)
    first = backend()
    assert backend() == first
    end(first)
    with pytest.raises(ConfigurationError, match="cannot be reached"):
        backend()  # it was used just now: nobody asked
    second = backend()
    assert second != first
    end(second)
    monkeypatch.setattr(ledger, "IDLE_SECONDS", 0.0)
    assert backend() not in (first, second)
