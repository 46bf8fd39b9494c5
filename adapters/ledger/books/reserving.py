"""Reserving for the parcels of a truck: all that a parcel needs of every book, or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from adapters.ledger import shipments
from adapters.ledger.books import accounts
from adapters.ledger.books.accounts import Account, Entry, Held, Key, Locked
from adapters.ledger.ledger import writes

SHORT, UNOPENED, UNIT = "short", "unopened", "unit"


class Want(NamedTuple):
    """What a parcel needs of an account. With a `limit` the account is opened by need and counts up to it."""

    parcel: int
    key: Key
    unit: str
    amount: int
    limit: int | None = None


class Refusal(NamedTuple):
    """Why a parcel got nothing: what it asked of which account, what of it was in use, and how much there is."""

    parcel: int
    key: Key
    reason: str
    asked: int
    used: int
    there: int
    unit: str = ""


@dataclass
class _Need:
    unit: str
    limit: int | None
    amount: int = 0


@writes
def reserve(tx: Connection, shipment_id: int, wants: Sequence[Want], at: datetime) -> list[Refusal]:
    """Reserve for each parcel in the order given. Returns one refusal for every parcel that got nothing.

    A parcel that holds just what it needs, or whose goods are out, keeps what it holds; one that holds something else
    gives that back first. Call it once a transaction for one shipment; other shipments may do the same meanwhile.
    """
    shipments.lock(tx, shipment_id)
    parcels = _by_parcel(wants)
    limited = {want.key: want.unit for want in wants if want.limit is not None}
    before = accounts.held(tx, parcels=list(parcels))
    known = accounts.find(tx, {want.key for want in wants})
    accounts.open_accounts(tx, {key: unit for key, unit in limited.items() if key not in known}, at)
    known |= accounts.find(tx, limited.keys() - known.keys())
    locked = accounts.lock(tx, {*known.values(), *(n for of in before.values() for n in of)})
    open_ = [p for p, needs in parcels.items() if not _holds_it(needs, known, before.get(p, {}), locked)]
    for parcel in open_:
        _free(locked, shipment_id, parcel, before.get(parcel, {}))
    refusals = []
    for parcel in open_:
        number = 1 + max((h.round for h in before.get(parcel, {}).values()), default=0)
        refused = _one(locked, shipment_id, parcel, parcels[parcel], known, number)
        refusals += [refused] if refused else []
    locked.write(at)
    return refusals


def _by_parcel(wants: Iterable[Want]) -> dict[int, dict[Key, _Need]]:
    """What each parcel needs of each account, in order; of one account, summed."""
    found: dict[int, dict[Key, _Need]] = {}
    for want in wants:
        need = found.setdefault(want.parcel, {}).setdefault(want.key, _Need(want.unit, want.limit))
        need.amount += want.amount
        if need.unit != want.unit:
            need.unit = f"{need.unit} + {want.unit}"  # no account counts in two units: it is refused
    return found


def _holds_it(needs: Mapping[Key, _Need], known: Mapping[Key, int], holds: Mapping[int, Held], locked: Locked) -> bool:
    """Whether a parcel holds just what it needs, or its goods are out (then a bill, cancel or return changes it)."""
    if any(h.taken for h in holds.values()):
        return True
    wanted = {known.get(key, -1): (need.unit, need.amount) for key, need in needs.items() if need.amount}
    return {n: (locked.accounts[n].unit, h.reserved) for n, h in holds.items() if h.reserved} == wanted


def _free(locked: Locked, shipment_id: int, parcel: int, holds: Mapping[int, Held]) -> None:
    """Give back what no longer holds, before anything is counted: else a repeated call could end otherwise."""
    for account, has in holds.items():
        if has.reserved:
            entry = Entry(account, "freed", parcel=parcel, shipment=shipment_id, round=has.round)
            locked.post(entry._replace(reserved=-has.reserved))


def _one(
    locked: Locked, shipment_id: int, parcel: int, needs: Mapping[Key, _Need], known: Mapping[Key, int], number: int
) -> Refusal | None:
    """Reserve all that a parcel needs, or say what it lacks. `number` is its round."""
    for key, need in needs.items():
        refused = _refusal(parcel, key, need, locked.accounts.get(known.get(key, -1)))
        if refused:
            return refused
    for key, need in needs.items():
        if need.amount:
            entry = Entry(known[key], "reserved", parcel=parcel, shipment=shipment_id, round=number)
            locked.post(entry._replace(reserved=need.amount))
    return None


def _refusal(parcel: int, key: Key, need: _Need, account: Account | None) -> Refusal | None:
    if account is None:
        return Refusal(parcel, key, UNOPENED, need.amount, 0, 0, need.unit)
    there = account.total if need.limit is None else need.limit
    used = account.reserved + account.taken
    if account.unit != need.unit:
        return Refusal(parcel, key, UNIT, need.amount, used, there, account.unit)
    if need.amount > account.free(need.limit):
        return Refusal(parcel, key, SHORT, need.amount, used, there, account.unit)
    return None
