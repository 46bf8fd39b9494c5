"""What changed since somebody looked: a row for each change of a shipment, in the transaction that makes the change.

The pulse looks at these shipments alone, however many wait. Rows are only added and taken away, never changed, so that
nobody waits for another's transaction; they stand among the cursors, under a name of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import uuid4

from sqlalchemy import Connection, delete, insert, select

from adapters.ledger import bulk
from adapters.ledger.ledger import reads, writes
from adapters.ledger.tables import cursor

TOUCHED = "touched"
UNEXPLAINED = "unexplained:"  # with an authority: something that it said is still to be explained
HEARD = "heard"  # in place of a run: nobody did anything, receipts came
BY = "by:"  # in place of a run, with a name: one who was looking found it so, and needs not be told


@writes
def touch(tx: Connection, shipment_ids: Iterable[int], run: str = "", what: str = TOUCHED) -> None:
    """Says that these shipments have changed, or that a `run` (its id in Prefect) was asked for about them.

    Or HEARD, or BY whom they were changed.

    `what` is another list than the pulse's: of what somebody else has still to do about them.
    """
    rows = [{"authority": what, "name": f"{i}:{uuid4().hex}", "value": run} for i in sorted(set(shipment_ids))]
    if rows:
        tx.execute(insert(cursor), rows)


@reads
def touched(tx: Connection, what: str = TOUCHED) -> dict[int, dict[str, str]]:
    """The shipments that changed: of each the names of its rows, with `run` of `touch`."""
    found: dict[int, dict[str, str]] = {}
    for name, run in tx.execute(select(cursor.c.name, cursor.c.value).where(cursor.c.authority == what)).all():
        found.setdefault(int(name.partition(":")[0]), {})[name] = run
    return found


@reads
def waiting(tx: Connection, whats: Collection[str]) -> set[str]:
    """Which of these lists name any shipment."""
    return set(tx.execute(select(cursor.c.authority).distinct().where(cursor.c.authority.in_(sorted(whats)))).scalars())


@writes
def forget(tx: Connection, names: Collection[str], what: str = TOUCHED) -> None:
    """These rows were looked at."""
    if names:
        tx.execute(delete(cursor).where(cursor.c.authority == what, bulk.among(tx, cursor.c.name, names)))
