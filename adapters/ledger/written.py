"""Which rows transactions have written since somebody looked: PostgreSQL alone says it of every row.

Each row says which transaction wrote it (xmin), and a snapshot up to which one all was to be seen.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, Table, text

_SNAPSHOT = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text, pg_current_xact_id_if_assigned() IS NULL")
_ROUND = 2**32  # transactions' numbers as rows have them begin anew after so many
_LONG = 2**31  # and further apart than this they say nothing of each other


def snapshot(tx: Connection) -> tuple[int, bool]:
    """The transaction from which on others may still write, and whether this one has written nothing itself."""
    oldest, clean = tx.execute(_SNAPSHOT).one()
    return int(oldest), bool(clean)


def can_tell(before: int, now: int) -> bool:
    """Whether rows written since one snapshot can be told at another: not in another database, nor too late."""
    return before <= now < before + _LONG


def since(query: Select[Any], table: Table, before: int) -> Select[Any]:
    """The query, of those rows of a table alone that were written since the snapshot `before`; of all where it is 0."""
    if not before:
        return query
    newer = text(f"age({table.name}.xmin) <= age(CAST(:written_since AS xid))")
    return query.where(newer.bindparams(written_since=str(before % _ROUND)))
