"""Accounts under lock: opened, counted and written back with the entries that explain them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, and_, case, func, or_, select

from adapters.ledger import bulk
from adapters.ledger.tables import book_account, book_entry

BACK, RESTORED = ("freed", "returned"), "restored"
_ACCOUNT = ("book", "holder", "item", "unit", "opened_at")
_ENTRY = (
    "account_id", "parcel_id", "shipment_id", "kind", "round", "application", "total", "reserved", "taken",
    "reference", "once", "at",
)  # fmt: skip


class Key(NamedTuple):
    """An account's name: the book, whose it is (a pseudonym, a company, an account book), and the year or item."""

    book: str
    holder: str
    item: str = ""


@dataclass
class Account:
    """An account as it stands in this transaction."""

    id: int
    key: Key
    unit: str
    total: int
    reserved: int
    taken: int

    def free(self, limit: int | None = None) -> int:
        """What can still be reserved: of the limit where one is given, else of the total."""
        return (self.total if limit is None else limit) - self.reserved - self.taken


class Entry(NamedTuple):
    """What is to be changed: signed changes of total, reserved and taken."""

    account: int
    kind: str
    total: int = 0
    reserved: int = 0
    taken: int = 0
    parcel: int | None = None
    shipment: int | None = None
    round: int = 0
    application: str = ""
    reference: str = ""

    @property
    def once(self) -> str:
        """The entry's name within its account: the same one goes in once."""
        return f"{self.parcel or ''}|{self.round}|{self.kind}|{self.application}"


class Held(NamedTuple):
    """What a parcel holds of an account; `applied`: of its latest round some went back by an application."""

    book: str
    item: str
    reserved: int = 0
    taken: int = 0
    round: int = -1
    applied: bool = False

    @property
    def all(self) -> int:
        """What there is to give back."""
        return self.reserved + self.taken


Holds = dict[int, dict[int, Held]]  # parcel -> account -> what it holds


@dataclass
class Locked:
    """Accounts that no other transaction changes until this one ends; `post` counts, `write` stores."""

    tx: Connection
    accounts: dict[int, Account]
    entries: list[Entry] = field(default_factory=list)

    def post(self, entry: Entry) -> None:
        """Count an entry in its account; it is stored by `write`."""
        account = self.accounts[entry.account]
        account.total += entry.total
        account.reserved += entry.reserved
        account.taken += entry.taken
        self.entries.append(entry)

    def write(self, at: datetime) -> int:
        """Store all entries and the accounts that they changed. Returns how many entries."""
        rows = [
            (e.account, e.parcel, e.shipment, e.kind, e.round, e.application, e.total, e.reserved, e.taken,
             e.reference, e.once, at)
            for e in self.entries
        ]  # fmt: skip
        bulk.insert(self.tx, book_entry, _ENTRY, rows)
        changed = [self.accounts[n] for n in sorted({e.account for e in self.entries})]
        values = [(a.id, a.total, a.reserved, a.taken) for a in changed]
        bulk.update(self.tx, book_account, ("id", "total", "reserved", "taken"), values)
        self.entries = []
        return len(rows)


def open_accounts(tx: Connection, units: dict[Key, str], at: datetime) -> None:
    """Make the accounts that are not there yet, in the order of their names (so that two workers never cross)."""
    rows = [(*key, units[key], at) for key in sorted(units)]
    bulk.insert(tx, book_account, _ACCOUNT, rows, ignore=True)


def find(tx: Connection, keys: Iterable[Key]) -> dict[Key, int]:
    """The ids of the accounts of these names, where there are such."""
    wanted = set(keys)
    found: dict[Key, int] = {}
    c = book_account.c
    for book in sorted({key.book for key in wanted}):
        holders = sorted({key.holder for key in wanted if key.book == book})
        query = select(c.id, c.holder, c.item).where(c.book == book, bulk.among(tx, c.holder, holders))
        found |= {Key(book, holder, item): ident for ident, holder, item in tx.execute(query).all()}
    return {key: ident for key, ident in found.items() if key in wanted}


def lock(tx: Connection, ids: Iterable[int]) -> Locked:
    """These accounts, locked in the order of their numbers (on SQLite a writer is alone anyway)."""
    c = book_account.c
    query = select(c.id, c.book, c.holder, c.item, c.unit, c.total, c.reserved, c.taken)
    query = query.where(bulk.among(tx, c.id, sorted(set(ids)))).order_by(c.id).with_for_update()
    rows = tx.execute(query).all()
    return Locked(tx, {r[0]: Account(r[0], Key(r[1], r[2], r[3]), r[4], r[5], r[6], r[7]) for r in rows})


def held(tx: Connection, shipment_id: int | None = None, parcels: Sequence[int] = ()) -> Holds:
    """What parcels (a shipment's, or these) hold; accounts that they have given all back to are there with 0."""
    c, a = book_entry.c, book_account.c
    where = c.shipment_id == shipment_id if shipment_id is not None else bulk.among(tx, c.parcel_id, parcels)
    given, undone = (
        func.count(case((and_(c.kind.in_(kinds), c.application != ""), c.application)).distinct())
        for kinds in (BACK, (RESTORED,))
    )
    query = select(
        c.parcel_id, c.account_id, a.book, a.item, c.round, func.sum(c.reserved), func.sum(c.taken), given > undone
    )
    query = query.join(book_account, a.id == c.account_id).where(where, c.parcel_id.is_not(None))
    grouped = query.group_by(c.parcel_id, c.account_id, a.book, a.item, c.round)
    found: Holds = {}
    for parcel, account, book, item, number, reserved, taken, application in tx.execute(grouped).all():
        of = found.setdefault(parcel, {})
        before = of.get(account, Held(book, item))
        latest, applied = (number, bool(application)) if number > before.round else (before.round, before.applied)
        of[account] = Held(book, item, before.reserved + int(reserved), before.taken + int(taken), latest, applied)
    return found


class Step(NamedTuple):
    """An entry about a parcel and an account."""

    id: int
    parcel: int
    account: int
    kind: str
    round: int
    application: str
    reserved: int
    taken: int

    def of(self, application: str) -> bool:
        """Whether it is of this application (see `named`)."""
        return self.application == application or self.application.startswith(f"{application}.")


def named(application: str, times: int) -> str:
    """How an application's entries are called that was undone so many times before: each goes in once."""
    return f"{application}.{times}" if times else application


def steps(tx: Connection, parcels: Sequence[int]) -> dict[tuple[int, int], list[Step]]:
    """Every entry of these parcels, oldest first, by (parcel, account)."""
    c = book_entry.c
    query = select(c.id, c.parcel_id, c.account_id, c.kind, c.round, c.application, c.reserved, c.taken)
    found: dict[tuple[int, int], list[Step]] = {}
    for row in tx.execute(query.where(bulk.among(tx, c.parcel_id, parcels)).order_by(c.id)).all():
        step = Step._make(row)
        found.setdefault((step.parcel, step.account), []).append(step)
    return found


def applied(tx: Connection, parcels: Sequence[int], application: str) -> dict[tuple[int, int], tuple[bool, int]]:
    """Of an application, by (parcel, account): whether what it gave back holds, and how often it was undone."""
    found = {}
    for pair, entries in steps(tx, parcels).items():
        mine = [step for step in entries if step.of(application)]
        if mine:
            found[pair] = (mine[-1].kind != RESTORED, sum(step.kind == RESTORED for step in mine))
    return found


def bills(tx: Connection, parcels: Sequence[int]) -> set[tuple[int, int, str]]:
    """The (parcel, account, bill's number) that have been settled already."""
    c = book_entry.c
    query = select(c.parcel_id, c.account_id, c.application).where(bulk.among(tx, c.parcel_id, parcels))
    return {(r[0], r[1], r[2]) for r in tx.execute(query.where(c.kind == "taken", c.application != "")).all()}


def unbalanced(tx: Connection) -> list[tuple[Key, str]]:
    """Accounts that are not the sum of their entries, or of which more is free than there is: none, unless damaged."""
    a, e = book_account.c, book_entry.c
    sums = select(e.account_id, *(func.sum(e[n]).label(n) for n in ("total", "reserved", "taken")))
    s = sums.group_by(e.account_id).subquery()
    differs = or_(*(func.coalesce(s.c[n], 0) != a[n] for n in ("total", "reserved", "taken")))
    query = select(a.book, a.holder, a.item).outerjoin(s, s.c.account_id == a.id)
    wrong = [(Key(*row), "sum") for row in tx.execute(query.where(differs).order_by(a.id)).all()]
    negative = select(a.book, a.holder, a.item).where(or_(a.reserved < 0, a.taken < 0)).order_by(a.id)
    return wrong + [(Key(*row), "negative") for row in tx.execute(negative).all()]
