"""A fresh ledger on each database that the contract covers."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest
import sqlalchemy as sa

from adapters.ledger import Ledger, open_ledger
from adapters.ledger.sealed import create_key, load_vault
from adapters.ledger.tables import metadata

SERVER = os.environ.get("TONGGUAN_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/test")


@lru_cache
def _server() -> tuple[sa.Engine | None, str]:
    engine = sa.create_engine(SERVER, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
    try:
        engine.connect().close()
    except sa.exc.OperationalError as error:
        return None, str(error.orig)
    return engine, ""


def postgres_url() -> Iterator[str]:
    """The address of an empty schema of one's own; dropped afterwards."""
    engine, reason = _server()
    if engine is None:
        if os.environ.get("TONGGUAN_REQUIRE_SERVERS") == "1":
            pytest.fail(f"PostgreSQL is required and cannot be reached: {reason}")
        pytest.skip(f"PostgreSQL cannot be reached: {reason}")
    schema = f"ledger_{secrets.token_hex(6)}"
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
        yield f"{SERVER}?options=-csearch_path%3D{schema}%20-csynchronous_commit%3Doff"
        connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    else:
        yield from postgres_url()


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("template")
    open_ledger(home, f"sqlite:///{home / 'ledger.sqlite'}").close()
    return home / "ledger.sqlite"


@pytest.fixture(scope="session")
def _postgres_schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    for url in postgres_url():
        open_ledger(tmp_path_factory.mktemp("template"), url).close()
        yield url


def _empty(ledger: Ledger) -> None:
    """Rows away and numbers from 1: cheaper than TRUNCATE, which makes a new file for every table."""
    with ledger.begin() as tx:
        for table in reversed(metadata.sorted_tables):
            tx.execute(table.delete())
            if "id" in table.c:
                tx.exec_driver_sql(f"ALTER SEQUENCE {table.name}_id_seq RESTART")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger of the newest version, with a key of its own in tmp_path/home."""
    key = tmp_path / "home" / "vault.key"
    create_key(key)
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("_sqlite_template"), tmp_path / "ledger.sqlite")
        made = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}", load_vault(key))
    else:
        made = Ledger(request.getfixturevalue("_postgres_schema"), load_vault(key))
        _empty(made)
    yield made
    made.close()
