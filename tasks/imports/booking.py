"""The books of a truck: reserved before declaring, taken or given back as its parcels' states say.

Everything runs in the caller's transaction. What a book refuses is told as a fault of stage "books", and goes away
when the parcel is asked for again and gets what it needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import numpy as np
import pandas as pd
from sqlalchemy import Connection, select, update

from adapters.ledger import bulk, parcels
from adapters.ledger import faults as ledger_faults
from adapters.ledger.books import buyers, moving, reserving, restoring
from adapters.ledger.books.accounts import Key
from adapters.ledger.books.moving import Cut
from adapters.ledger.books.reserving import Refusal, Want
from adapters.ledger.ledger import writes
from adapters.ledger.tables import fault, parcel
from mappings import faults
from mappings.canonical.batch import Batch
from mappings.canonical.columns import plain
from mappings.imports import parameters, tables
from mappings.imports.rates import Rates
from tasks.imports.frames import amounts, is_import, tell, texts
from tasks.imports.limits import measured
from tasks.imports.taxing import taxed

STAGE = "books"
QUOTA, GUARANTEE, STOCK = buyers.QUOTA, "guarantee", "stock"
MONEY = "CNY"
_OVER = (QUOTA, GUARANTEE, STOCK)


@writes
def reserve(tx: Connection, shipment_id: int, batch: Batch, at: datetime, rates: Rates | None = None) -> dict[int, str]:
    """Reserve quota, guarantee and stock for every parcel of the batch. Returns seq -> fault code of the refused ones.

    Those are to be held by the caller; their faults are written here. Several parcels of one buyer count in order.
    A repeated call changes nothing. A batch that is no import needs nothing.
    """
    if not is_import(batch) or not len(batch.parcels):
        return {}
    on = parameters.beijing(at)
    if "parcel.tax_total" not in batch.parcels:
        batch = taxed(batch, on, rates)
    query = select(parcel.c.seq, parcel.c.id).where(parcel.c.shipment_id == shipment_id)
    ids = {row.seq: row.id for row in tx.execute(query).all()}
    seqs = batch.parcels["parcel.seq"].tolist()
    buyers.same_key(tx)
    refusals = reserving.reserve(tx, shipment_id, list(_wants(tx, batch, [ids[seq] for seq in seqs], at)), at)
    position = {ids[seq]: n for n, seq in enumerate(seqs)}
    _tell(tx, shipment_id, batch, refusals, position)
    return {seqs[position[r.parcel]]: tables.refusal(r.key.book, r.reason) for r in refusals}


def _wants(tx: Connection, batch: Batch, ids: Sequence[int], at: datetime) -> Iterator[Want]:
    """What each parcel needs, in their order: quota of its buyer, guarantee for its taxes, its items of stock."""
    on = parameters.beijing(at)
    limit, year = parameters.money("year_limit", on), str(on.year)
    spent = measured(batch, on, "year_measure", amounts(batch.parcels, "parcel.tax_price")).tolist()
    taxes, stock = amounts(batch.parcels, "parcel.tax_total").tolist(), _stock(batch)
    guarantor = batch.truck.parties.get("guarantor")
    names = {number: buyers.buyer(tx, number) for number in set(texts(batch.parcels, "buyer.id_number"))}
    for n, number in enumerate(texts(batch.parcels, "buyer.id_number")):
        if number:
            yield Want(ids[n], Key(QUOTA, names[number], year), MONEY, spent[n], limit)
        if guarantor is not None and guarantor.code:
            yield Want(ids[n], Key(GUARANTEE, guarantor.code), MONEY, taxes[n])
        for ems_no, item, unit, quantity in stock.get(n, ()):
            yield Want(ids[n], Key(STOCK, ems_no, item), unit, quantity)


def _stock(batch: Batch) -> dict[int, list[tuple[str, str, str, int]]]:
    """For a truck from a bonded warehouse (1210): the items of each parcel, its lines summed."""
    ems_no = str(getattr(batch.truck, "ems_no", "") or "")
    if not ems_no or "line.item_record_no" not in batch.lines:
        return {}
    items, units = texts(batch.lines, "line.item_record_no"), texts(batch.lines, "line.unit")
    frame = pd.DataFrame({"n": batch.lines["parcel"].to_numpy(), "item": items, "unit": units})
    frame["quantity"] = amounts(batch.lines, "line.quantity")
    summed = frame[frame["item"] != ""].groupby(["n", "item", "unit"], sort=True)["quantity"].sum()
    found: dict[int, list[tuple[str, str, str, int]]] = {}
    for (n, item, unit), quantity in zip(summed.index.tolist(), summed.tolist(), strict=True):
        found.setdefault(n, []).append((ems_no, item, unit, quantity))
    return found


def _tell(
    tx: Connection, shipment_id: int, batch: Batch, refusals: Sequence[Refusal], position: Mapping[int, int]
) -> None:
    """Write the refusals as faults; what was told of these parcels before is no longer current."""
    orders = texts(batch.parcels, "order.order_no").tolist()
    old = update(fault).where(fault.c.shipment_id == shipment_id, fault.c.stage == STAGE, fault.c.current)
    tx.execute(old.where(bulk.among(tx, fault.c.order_no, orders)).values(current=False))
    by_code: dict[str, list[Refusal]] = {}
    for refusal in refusals:
        by_code.setdefault(tables.refusal(refusal.key.book, refusal.reason), []).append(refusal)
    told = [_told(batch, code, of, position) for code, of in by_code.items()]
    ledger_faults.add_faults(tx, shipment_id, faults.together(told))


def _told(batch: Batch, code: str, refusals: Sequence[Refusal], position: Mapping[int, int]) -> pd.DataFrame:
    """Refusals of one kind as faults of their parcels."""
    at = np.array([position[refusal.parcel] for refusal in refusals], dtype=np.int64)
    values, others = zip(*map(_said, refusals), strict=True)
    told = tell(batch, code, at, "order.order_no", values, others)
    return told.assign(field=faults.table()[code].field, stage=STAGE)


def _said(refusal: Refusal) -> tuple[str, str]:
    """A refusal's two values: what would be used and how much there is, or what is missing of which item."""
    asked, used, there = refusal.asked, refusal.used, refusal.there
    if refusal.reason == reserving.UNOPENED:
        return (refusal.key.item or plain(asked)), refusal.key.holder
    if refusal.reason == reserving.UNIT:
        return refusal.key.item, refusal.unit
    if refusal.key.book == QUOTA:
        return plain(used + asked), plain(there)
    if refusal.key.book == GUARANTEE:
        return plain(asked), plain(there - used)
    return refusal.key.item, f"{plain(asked)} > {plain(there - used)}"


@writes
def settle(tx: Connection, shipment_id: int, states: Mapping[int, str], at: datetime) -> dict[str, int]:
    """Bring the books to what parcels' states say (seq -> state). Returns how many entries of each kind were made.

    Released: quota and stock are taken, the guarantee waits for the tax bill. Rejected, cancelled, returned, excluded:
    everything comes back, unless an application said how much. Nothing happens a second time.
    """
    actions = {seq: tables.action(state) for seq, state in states.items()}
    wanted = {seq: action for seq, action in actions.items() if action != "keep"}
    if not wanted:
        return {}
    query = select(parcel.c.seq, parcel.c.id).where(parcel.c.shipment_id == shipment_id)
    by_id = {row.id: wanted[row.seq] for row in tx.execute(query).all() if row.seq in wanted}
    return moving.settle(tx, shipment_id, by_id, tables.table("books")["take"], at)


@writes
def give_back(
    tx: Connection, parcel_ids: Sequence[int], application: str, amounts: Mapping[tuple[int, str, str], int] | None,
    at: datetime,
) -> list[Cut]:  # fmt: skip
    """What an accepted cancel or return gives back, once for each `application` (its id); None gives back everything.

    `amounts`: (parcel id, book, item) -> scaled amount, as returned_amounts makes them. Returns what was cut.
    """
    return moving.give_back(tx, parcel_ids, application, amounts, at)


@writes
def take_again(tx: Connection, parcel_ids: Sequence[int], application: str, at: datetime) -> int:
    """Undo what an application (its id) gave back, where it is not granted after all. Returns how many entries."""
    return restoring.take_again(tx, parcel_ids, application, at)


@writes
def settle_bills(tx: Connection, bills: Mapping[int, tuple[str, int]], status: str, at: datetime) -> list[int]:
    """What tax bills (parcel id -> number, tax in all) of one status do to the guarantee: 2 settles, 3 gives back.

    Returns the parcels of which the guarantee book knows nothing.
    """
    action = tables.bill_action(status)
    if action == "take":
        return moving.settle_bills(tx, GUARANTEE, bills, at)
    if action == "give_back":
        for ident, (number, _) in bills.items():
            moving.void(tx, GUARANTEE, ident, number, at)
    return []


def refusals() -> set[str]:
    """The fault codes of parcels that a book held back."""
    return {tables.refusal(book, reason) for book in _OVER for reason in ("short", "unopened", "unit")
            if reason in tables.table("books")["books"][book]}  # fmt: skip


@writes
def try_again(tx: Connection, shipment_id: int) -> set[int]:
    """Put the parcels that a book held back to ready: after a top-up, an arrival or a return. Returns their seqs."""
    codes = refusals()
    waiting = {r.seq for r in parcels.listing(tx, shipment_id) if r.state == "held" and r.reason in codes}
    parcels.set_parcel_states(tx, shipment_id, dict.fromkeys(waiting, ("ready", "")))
    return waiting
