"""Taking again what an application gave back that turns out not to be granted after all.

Customs holds goods, quota and guarantee of such a parcel as if nobody had asked; so the books do, also where the room
has gone to another parcel meanwhile. What a parcel holds is then what it would hold had the refusal been heard first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from adapters.ledger.books import accounts
from adapters.ledger.books.accounts import BACK, RESTORED, Entry, Step
from adapters.ledger.books.moving import VOID, begin
from adapters.ledger.ledger import writes


@writes
def take_again(tx: Connection, parcels: Sequence[int], application: str, at: datetime) -> int:
    """Undo what an application gave back of these parcels. Returns how many entries; a repeated call makes none.

    A parcel that was declared anew since holds what its new declaration needs, and nothing of the old one.
    """
    locked, holds, shipment_of = begin(tx, parcels)
    for (parcel, account), entries in accounts.steps(tx, parcels).items():
        mine = [step for step in entries if step.of(application)]
        if not mine or mine[-1].kind == RESTORED:
            continue
        number = mine[-1].round
        later = [step for step in entries if step.id > mine[-1].id and step.round == number]
        anew = holds[parcel][account].round > number
        reserved, taken = (0, 0) if anew else _amounts(mine, later)
        times = sum(step.kind == RESTORED for step in mine)
        name = accounts.named(application, times)
        locked.post(Entry(account, RESTORED, 0, reserved, taken, parcel, shipment_of[parcel], number, name))
    return locked.write(at)


def _amounts(mine: Sequence[Step], later: Sequence[Step]) -> tuple[int, int]:
    """What comes back as reserved and as taken, seen from what happened to the rest since.

    Where all was given back later, this too would have been. A bill settles a whole reservation; a release takes it.
    """
    reserved, taken = -sum(step.reserved for step in mine), -sum(step.taken for step in mine)
    if any(step.kind in BACK and (not step.application or step.application.startswith(VOID)) for step in later):
        return 0, 0
    settled = [step for step in later if step.kind == "taken"]
    if any(step.application for step in settled):
        return 0, taken
    return (0, reserved + taken) if settled else (reserved, taken)
