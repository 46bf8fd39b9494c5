"""A fresh ledger on each database that the contract covers."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest
import sqlalchemy as sa

from adapters.ledger import Ledger, open_ledger

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
        yield f"{SERVER}?options=-csearch_path%3D{schema}"
        connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    else:
        yield from postgres_url()


@pytest.fixture
def ledger(address: str, tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger, upgraded, with a key of its own."""
    made = open_ledger(tmp_path / "home", address)
    yield made
    made.close()
