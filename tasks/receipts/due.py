"""Of which shipments something that an authority said is still to be explained: rows of the ledger, its own list each.

Nearly all that an authority says needs no explaining. A shipment is noted where a document comes into a state that is a
fault or leaves one, or is contradicted; where one is declared anew (adapters.ledger.preparing); where an application
has its story told anew; where a message is refused at the door; and where its files are worked up again, in whose cells
faults stand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import Connection

from adapters.ledger import Ledger, touches
from adapters.ledger.touches import UNEXPLAINED
from tasks.receipts.reasons import table

Rows = dict[int, dict[str, str]]  # by shipment, as touches.touched


def to_explain(tx: Connection, authority: str, shipments: Iterable[int]) -> None:
    """What this authority said of these shipments is to be explained."""
    touches.touch(tx, shipments, what=UNEXPLAINED + authority)


def unexplained(ledger: Ledger, authority: str) -> Rows:
    """The shipments of which something that this authority said is still to be explained, with the rows that say so."""
    return touches.touched(ledger, UNEXPLAINED + authority)


def with_unexplained(ledger: Ledger, authorities: Collection[str]) -> set[str]:
    """Of which of these authorities something is still to be explained."""
    found = touches.waiting(ledger, [UNEXPLAINED + name for name in authorities])
    return {what.removeprefix(UNEXPLAINED) for what in found}


def explained(ledger: Ledger, authority: str, due: Rows) -> None:
    """What these rows asked for is done."""
    touches.forget(ledger, [row for rows in due.values() for row in rows], UNEXPLAINED + authority)


def tells(authority: str) -> tuple[str, ...]:
    """The states of a document that are explained as faults."""
    return tuple(table(authority).get("faults", {}).get("states", ()))
