"""What a granted application sets going beside its parcels: an import's quota, guarantee and stock are given back.

`ON_GRANTED` is called with all that is granted at once, in the transaction that grants it, once an application;
`ON_UNDONE` with what turns out not to be granted after all. Whoever is in them must not send anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from adapters.ledger import applications as ledger
from adapters.ledger import shipments, sources
from mappings import clock
from mappings.canonical.batch import Batch
from mappings.imports import parameters
from tasks.imports import give_back, returned_amounts, take_again
from tasks.imports.taxing import taxed

BATCH, IMPORT = "batch", "import"


@dataclass(frozen=True)
class Granted:
    """What was granted: the parcel, the inventory's document, and of a return the quantities by goods line (scaled)."""

    shipment_id: int
    kind: str
    application_id: int
    parcel_id: int | None
    seq: int | None
    about_id: int | None
    quantities: dict[int, int] = field(default_factory=dict)


def to_books(tx: Connection, granted: Sequence[Granted]) -> None:
    """Give back what these hold in the books of an import: a cancel all of it, a return its part of the goods."""
    if not _of_import(tx, granted):
        return
    at = clock.now()
    amounts = _returned(tx, [one for one in granted if one.quantities])
    for one in granted:
        if one.parcel_id is not None:
            mine = {key: amount for key, amount in amounts.items() if key[0] == one.parcel_id}
            give_back(tx, [one.parcel_id], str(one.application_id), mine if one.quantities else None, at)


def back_from_books(tx: Connection, undone: Sequence[Granted]) -> None:
    """Take again what these had given back in the books of an import."""
    if _of_import(tx, undone):
        for one in undone:
            if one.parcel_id is not None:
                take_again(tx, [one.parcel_id], str(one.application_id), clock.now())


def _of_import(tx: Connection, granted: Sequence[Granted]) -> bool:
    return bool(granted) and shipments.get(tx, granted[0].shipment_id).truck["direction"] == IMPORT


def _returned(tx: Connection, returns: Sequence[Granted]) -> dict[tuple[int, str, str], int]:
    """The amounts of returned goods by (parcel id, book, item), by the rates of the day that each was declared on."""
    body = sources.load_snapshot(tx, returns[0].shipment_id, BATCH) if returns else None
    if body is None:
        return {}
    days = ledger.declared_at(tx, [one.about_id for one in returns if one.about_id is not None])
    on = parameters.beijing(min(days.values(), default=clock.now()))
    batch = Batch.from_bytes(body)
    judged = batch if "line.tax_price" in batch.lines else taxed(batch, on)
    said = {(one.seq or 0, gnum): amount for one in returns for gnum, amount in one.quantities.items()}
    return returned_amounts(judged, said, {one.seq or 0: one.parcel_id or 0 for one in returns}, on)


Hook = Callable[[Connection, Sequence[Granted]], None]
ON_GRANTED: list[Hook] = [to_books]
ON_UNDONE: list[Hook] = [back_from_books]
