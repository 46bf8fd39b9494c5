"""What becomes of a reservation: taken, settled by a tax bill, or given back, whole or in part. Each once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from adapters.ledger import bulk, shipments
from adapters.ledger.books import accounts
from adapters.ledger.books.accounts import Entry, Held, Holds, Key, Locked
from adapters.ledger.ledger import writes
from adapters.ledger.tables import parcel as parcel_table

TAKE, GIVE_BACK, REST = "take", "give_back", "give_back_rest"
VOID = "void "


class Cut(NamedTuple):
    """More was to be given back than the parcel holds: what was asked and what came back."""

    parcel: int
    key: Key
    asked: int
    given: int


@writes
def settle(
    tx: Connection, shipment_id: int, actions: Mapping[int, str], books: Iterable[str], at: datetime
) -> dict[str, int]:
    """Do to each parcel of a shipment what its action says (take: only in `books`). Returns entries by kind.

    Looks first without a lock: a repeated call that finds nothing to do writes nothing and keeps nobody waiting.
    """
    taking = frozenset(books)
    if not list(_due(accounts.held(tx, shipment_id), actions, taking)):
        return {}
    shipments.lock(tx, shipment_id)
    holds = accounts.held(tx, shipment_id)
    locked = accounts.lock(tx, {n for of in holds.values() for n in of})
    for parcel, account, has in _due(holds, actions, taking):
        entry = Entry(account, "taken", parcel=parcel, shipment=shipment_id, round=has.round)
        if actions[parcel] == TAKE:
            locked.post(entry._replace(reserved=-has.reserved, taken=has.reserved))
        else:
            _back(locked, entry, has, has.all)
    done = Counter(made.kind for made in locked.entries)
    locked.write(at)
    return dict(done)


def _due(holds: Holds, actions: Mapping[int, str], taking: frozenset[str]) -> Iterator[tuple[int, int, Held]]:
    """What there is to move: parcel, account and what the parcel holds of it."""
    for parcel, action in actions.items():
        of = holds.get(parcel, {})
        if action == REST and any(has.applied for has in of.values()):
            continue
        for account, has in of.items():
            if (action == TAKE and has.reserved and has.book in taking) or (action in (GIVE_BACK, REST) and has.all):
                yield parcel, account, has


def _back(locked: Locked, entry: Entry, has: Held, amount: int) -> int:
    """Give back up to `amount`: first of what is taken, then of what is reserved. Returns how much."""
    returned = min(max(has.taken, 0), amount)
    freed = min(max(has.reserved, 0), amount - returned)
    if returned:
        locked.post(entry._replace(kind="returned", taken=-returned))
    if freed:
        locked.post(entry._replace(kind="freed", reserved=-freed))
    return returned + freed


@writes
def give_back(
    tx: Connection, parcels: Sequence[int], application: str, amounts: Mapping[tuple[int, str, str], int] | None,
    at: datetime,
) -> list[Cut]:  # fmt: skip
    """Give back what an application says of each (parcel, book, item), or with None all that the parcels hold.

    For quota and guarantee the item is ''. An application counts once, until it is undone (`restoring`). Returns what
    was cut because the parcel holds less; quota goes back to the year that it was taken of.
    """
    locked, holds, shipment_of = begin(tx, parcels)
    before = accounts.applied(tx, parcels, application) if application else {}
    cuts: list[Cut] = []
    for parcel, account, key, asked in _asked(holds, amounts):
        if account is None:
            cuts.append(Cut(parcel, key, asked, 0))
            continue
        stands, times = before.get((parcel, account), (False, 0))
        if not stands:
            has = holds[parcel][account]
            name = accounts.named(application, times)
            entry = Entry(account, "", 0, 0, 0, parcel, shipment_of[parcel], has.round, name)
            given = _back(locked, entry, has, asked)
            cuts += [Cut(parcel, locked.accounts[account].key, asked, given)] if given < asked else []
    locked.write(at)
    return cuts


def _asked(
    holds: Holds, amounts: Mapping[tuple[int, str, str], int] | None
) -> Iterator[tuple[int, int | None, Key, int]]:
    """Parcel, account (None: it never had one), the account's name as asked, and how much is to come back."""
    if amounts is None:
        for parcel, of in holds.items():
            yield from ((parcel, n, Key(has.book, "", has.item), has.all) for n, has in of.items() if has.all)
        return
    for (parcel, book, item), asked in amounts.items():
        mine = {n: h for n, h in holds.get(parcel, {}).items() if h.book == book and (not item or h.item == item)}
        best = max(mine, key=lambda n: (mine[n].all > 0, mine[n].round), default=None)
        yield parcel, best, Key(book, "", item), asked


@writes
def settle_bills(tx: Connection, book: str, bills: Mapping[int, tuple[str, int]], at: datetime) -> list[int]:
    """Take what summed tax bills say: parcel -> (bill's number, amount); the rest of the reservation is freed.

    A bill counts once. Returns the parcels that never reserved anything in the book: the bill has no account there.
    """
    parcels = list(bills)
    locked, holds, shipment_of = begin(tx, parcels)
    done = accounts.bills(tx, parcels)
    unknown = []
    for parcel, (number, amount) in bills.items():
        mine = {n: has for n, has in holds.get(parcel, {}).items() if has.book == book}
        if not mine:
            unknown.append(parcel)
            continue
        account = max(mine, key=lambda n: (mine[n].reserved > 0, mine[n].round))
        if (parcel, account, number) in done:
            continue
        has = mine[account]
        entry = Entry(account, "taken", parcel=parcel, shipment=shipment_of[parcel], round=has.round)
        locked.post(entry._replace(application=number, reserved=-has.reserved, taken=amount))
    locked.write(at)
    return unknown


@writes
def void(tx: Connection, book: str, parcel: int, number: str, at: datetime) -> int:
    """Give back what a bill took or would have taken of a parcel. Returns how much; a void counts once."""
    locked, holds, shipment_of = begin(tx, [parcel])
    application = f"{VOID}{number}"
    done = accounts.applied(tx, [parcel], application)
    given = 0
    for account, has in holds.get(parcel, {}).items():
        if has.book == book and (parcel, account) not in done:
            entry = Entry(account, "", 0, 0, 0, parcel, shipment_of[parcel], has.round, application)
            freed = _back(locked, entry, has, has.all)
            if not freed:
                locked.post(
                    entry._replace(kind="freed")
                )  # nothing to give back: noted, so that it counts once all the same
            given += freed
    locked.write(at)
    return given


def begin(tx: Connection, parcels: Sequence[int]) -> tuple[Locked, Holds, dict[int, int]]:
    """Lock the parcels' shipments and accounts, each in the order of their numbers, and see what the parcels hold."""
    c = parcel_table.c
    rows = tx.execute(select(c.id, c.shipment_id).where(bulk.among(tx, c.id, parcels)))
    shipment_of = {row.id: row.shipment_id for row in rows}
    for shipment in sorted(set(shipment_of.values())):
        shipments.lock(tx, shipment)
    holds = accounts.held(tx, parcels=parcels)
    return accounts.lock(tx, {n for of in holds.values() for n in of}), holds, shipment_of
