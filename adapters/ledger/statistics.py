"""Keeps PostgreSQL's picture of the tables true while they grow, so that it goes on choosing the right index.

PostgreSQL does this by itself, but a minute late, and not at all where autovacuum is off. A new ledger takes in
hundreds of thousands of rows in that minute: taken for nearly empty, a table of receipts is read whole for every few.
"""

from __future__ import annotations

import logging

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from adapters.ledger.aside import Aside
from adapters.ledger.tables import metadata
from mappings import clock

log = logging.getLogger(__name__)
# Of PostgreSQL's picture: it reads 300 times as many rows for it. Its own analysis, some time later, has 100.
DETAIL = 20
PAUSE = 2.0  # seconds between two looks of one process
_STALE = text(
    "SELECT relname FROM pg_stat_user_tables WHERE schemaname = current_schema() AND relname = ANY(:names) "
    "AND n_mod_since_analyze > 4000 + 0.4 * n_live_tup"
)
_MINE = text("SELECT pg_try_advisory_lock(hashtextextended('tongguan statistics ' || current_schema(), 0))")
_DONE = text("SELECT pg_advisory_unlock(hashtextextended('tongguan statistics ' || current_schema(), 0))")


class Statistics(Aside):
    """Has tables looked at anew that have changed much; one process at a time."""

    def __init__(self, engine: Engine) -> None:
        super().__init__("ledger statistics")
        self._engine = engine
        self._looked = clock.stopwatch()  # what lives shorter than PAUSE leaves it to others

    def _due(self, rows: int) -> bool:
        return clock.stopwatch() - self._looked >= PAUSE

    def _begins(self) -> None:
        self._looked = clock.stopwatch()

    def _work(self) -> None:
        try:
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                if connection.execute(_MINE).scalar_one():
                    try:
                        refresh(connection)
                    finally:
                        connection.execute(_DONE)
        except SQLAlchemyError as error:  # the ledger is as right as before, only perhaps slower
            log.debug("statistics of the ledger: %s", error)


def refresh(connection: Connection) -> list[str]:
    """Analyse the tables of the ledger that have changed by much. Returns which.

    `connection` is to PostgreSQL, in autocommit.
    """
    stale = connection.execute(_STALE, {"names": list(metadata.tables)}).scalars().all()
    if stale:
        connection.exec_driver_sql(f"SET default_statistics_target = {DETAIL}")
    for name in stale:
        connection.exec_driver_sql(f'ANALYZE "{name}"')
    if stale:
        connection.exec_driver_sql("RESET default_statistics_target")
    return sorted(stale)
