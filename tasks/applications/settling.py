"""What receipts make of applications, and these of their parcels: part of settling a shipment, in its transaction."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import Connection, Row

from adapters.ledger import applications as ledger
from adapters.ledger import parcels
from adapters.ledger.history import CANCEL, CANCELLED
from adapters.ledger.settling import Ranks, retell
from adapters.ledger.tables import DEAD
from mappings import states
from mappings.applications import Rule, rules
from tasks.applications.granting import ON_GRANTED, ON_UNDONE, Granted
from tasks.receipts.due import to_explain
from tasks.receipts.settle import proofs

AUTHORITY = "cn_ecommerce"
AGAIN, RETURN = "again", "return"
DECLARE_ANEW = "declare_anew"  # the reason of a cancelled parcel that the next run declares anew


def rule_of(kind: str, type_: str) -> Rule:
    """The rule by which an application was made."""
    return next(found for found in rules().values() if (found.kind, found.sends) == (kind, type_))


def settle(tx: Connection, shipment_id: int) -> int:
    """Bring the shipment's applications to what their documents say. Returns how many changed.

    A verdict that is heard late but was given first counts: it may refuse what was granted, or grant what was refused.
    """
    rows = ledger.listing(tx, shipment_id, states=(ledger.PREPARED, ledger.GRANTED, ledger.REFUSED))
    granted = [r for r in rows if r.state != ledger.GRANTED and r.document_state in rule_of(r.kind, r.type).granted]
    refused = [r for r in rows if r.state != ledger.REFUSED and r.document_state in DEAD]
    if granted:
        ledger.close(tx, [row.id for row in granted], ledger.GRANTED)
        _grant(tx, shipment_id, granted)
    if refused:
        ledger.close(tx, [row.id for row in refused], ledger.REFUSED)
        _put_back(tx, shipment_id, refused)
    return len(granted) + len(refused)


def _grant(tx: Connection, shipment_id: int, rows: list[Row[Any]]) -> None:
    gone = _retell(tx, shipment_id, [row for row in rows if row.kind == CANCEL])
    rows = [row for row in rows if row.kind != CANCEL or gone[row.about_id] == CANCELLED]
    cancels = [row for row in rows if row.kind == CANCEL]
    now = {row.seq: (CANCELLED, DECLARE_ANEW if row.after == AGAIN else "") for row in cancels}
    parcels.set_parcel_states(tx, shipment_id, now)
    quantities: dict[int, dict[int, int]] = {}
    for line in ledger.lines(tx, [row.id for row in rows]):
        quantities.setdefault(line.application_id, {})[line.gnum] = line.quantity
    told = [_told(shipment_id, row, quantities.get(row.id)) for row in rows]
    for call in ON_GRANTED:
        call(tx, told)


def _retell(tx: Connection, shipment_id: int, cancels: list[Row[Any]]) -> dict[int, str]:
    """The inventories of these cancels, made anew from all that customs said of both: each one's state by its id."""
    ranks, proved = cast(Ranks, states.rank_table(AUTHORITY)), cast(Ranks, proofs(AUTHORITY))
    if not cancels:
        return {}
    to_explain(tx, AUTHORITY, [shipment_id])
    return retell(tx, AUTHORITY, [row.about_id for row in cancels], ranks, proved)


def _put_back(tx: Connection, shipment_id: int, rows: list[Row[Any]]) -> None:
    """A parcel that waited for its cancel waits again; the others follow their documents.

    What had been granted, and of which an earlier verdict is heard only now, is undone: a cancel if nothing followed.
    """
    undone = [row for row in rows if row.state == ledger.GRANTED and row.kind in (CANCEL, RETURN)]
    _retell(tx, shipment_id, [row for row in undone if row.kind == CANCEL])
    now = parcels.parcel_states(tx, shipment_id)
    back = [row for row in undone if row.kind == RETURN or now[row.seq][0] == CANCELLED]
    waited = {
        row.seq: (row.was, row.was_reason) for row in [*rows, *back] if row.was == "waiting_cancel" or row in back
    }
    parcels.set_parcel_states(tx, shipment_id, waited)
    told = [_told(shipment_id, row) for row in back]
    for call in ON_UNDONE:
        call(tx, told)


def _told(shipment_id: int, row: Row[Any], quantities: dict[int, int] | None = None) -> Granted:
    return Granted(shipment_id, row.kind, row.id, row.parcel_id, row.seq, row.about_id, quantities or {})


def parcel_states(tx: Connection, shipment_id: int) -> dict[int, tuple[str, str]]:
    """The states that applications put their parcels in: while one is on its way, and after a granted return."""
    found: dict[int, tuple[str, str]] = {}
    for row in ledger.listing(tx, shipment_id, states=(*ledger.GOING, ledger.GRANTED)):
        moves = rule_of(row.kind, row.type).moves
        if row.state != ledger.GRANTED and "open" in moves:
            found[row.seq] = (moves["open"], "")
        elif row.state == ledger.GRANTED and row.kind == RETURN:
            found[row.seq] = (moves["whole" if row.detail.get("whole") else "granted"], "")
    return found
