"""Under which addresses an authority is listened to: those of messages about which something is still to be heard.

This is asked every second, and most of what a ledger holds is closed and silent. What a closed shipment leaves to be
heard is therefore asked once, and again when that shipment changes; open ones are asked each time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from adapters.ledger import bulk
from adapters.ledger.applications import GRANTED
from adapters.ledger.ledger import Ledger
from adapters.ledger.tables import ENDED, OPEN, application, document, message, parcel, shipment
from mappings import clock, procedures

UNHEARD = ("declared", "reviewed", "inspection", "detained")
MARGIN = 120.0  # real seconds: no transaction lasts longer, so what changed before then was seen


@dataclass
class Listening:
    """What one process knows of closed shipments. A new one asks about all of them.

    `left`: those that left parcels behind which are not at their end. `after`: when the last one was closed, by
    authority, message type and sender, of those that procedures go on listening to for some days. `seen`: the version
    of each that changed lately (whatever becomes of a parcel makes another one).
    """

    seen: dict[int, int] = field(default_factory=dict)
    left: set[int] = field(default_factory=set)
    after: dict[tuple[str, str, str], datetime] = field(default_factory=dict)
    since: datetime | None = None

    def senders(self, ledger: Ledger) -> dict[str, list[str]]:
        """The addresses by authority, in order.

        A closed truck is listened to as long as a parcel that it left behind is not at its end, or a summary that was
        accepted waits for its result, and for as many days as its procedure says: an import's closures and tax bills
        come after its end.
        """
        with ledger.read() as tx:
            self._look(tx)
            heard = self.left | _summed(tx) | set(tx.execute(select(shipment.c.id).where(OPEN)).scalars().all())
            found = self._afterwards() | (_of(tx, heard) if heard else set())
        by_authority: dict[str, list[str]] = {}
        for authority, sender in sorted(found):
            by_authority.setdefault(authority, []).append(sender)
        return by_authority

    def _look(self, tx: Connection) -> None:
        """Asks about the closed shipments that have changed since last time, once about each version of them."""
        margin = timedelta(seconds=MARGIN / clock.clock().real_seconds(1.0))
        now = clock.now()
        query = select(shipment.c.id, shipment.c.version).where(ENDED)
        if self.since is not None:
            query = query.where(shipment.c.updated_at >= self.since)
        versions = dict(tx.execute(query).tuples().all())
        changed = {ident for ident, version in versions.items() if self.seen.get(ident) != version}
        if changed:
            self._ask(tx, changed)
        self.since, self.seen = now - margin, versions  # not before all is asked: a question may come to nothing

    def _ask(self, tx: Connection, changed: set[int]) -> None:
        """What these closed shipments, that have changed, have left."""
        waiting = select(parcel.c.shipment_id).distinct().where(
            bulk.among(tx, parcel.c.shipment_id, sorted(changed)), parcel.c.state.in_(UNHEARD)
        )  # fmt: skip
        left = set(tx.execute(waiting).scalars().all())
        self._note(tx, changed)
        self.left = (self.left - changed) | left

    def _note(self, tx: Connection, changed: set[int]) -> None:
        """What was sent of shipments that were closed just now."""
        kinds = {kind for _, sent in _listening() for kind in sent}
        if not (changed and kinds):
            return
        m, closed_at = message.c, func.max(shipment.c.closed_at)
        query = select(m.authority, m.type, m.sender_dxp, closed_at.label("closed_at")).join_from(message, shipment)
        mine = query.where(bulk.among(tx, m.shipment_id, sorted(changed)), m.type.in_(kinds), m.state != "prepared")
        for row in tx.execute(mine.group_by(m.authority, m.type, m.sender_dxp)).all():
            key = row.authority, row.type, row.sender_dxp
            if row.closed_at is not None:
                self.after[key] = max(self.after.get(key, row.closed_at), row.closed_at)

    def _afterwards(self) -> set[tuple[str, str]]:
        """The senders of what procedures go on listening to: a shipment may close before the last answer is there."""
        now = clock.now()
        return {
            (authority, sender)
            for days, sent in _listening()
            for (authority, kind, sender), closed_at in self.after.items()
            if kind in sent and closed_at > now - days
        }


def _listening() -> Iterable[tuple[timedelta, set[str]]]:
    """For each procedure that goes on listening: for how long, and to the answers to which messages."""
    for procedure in procedures.every():
        if days := procedure.value("listen_days", 0):
            yield timedelta(days=days), {kind for step in procedure.steps for kind in step.sends}


def _summed(tx: Connection) -> set[int]:
    """The shipments whose summary was accepted, and waits for its result."""
    query = select(application.c.shipment_id).join(document, application.c.document_id == document.c.id)
    return set(tx.execute(query.where(application.c.state == GRANTED, ~document.c.final)).scalars().all())


def _of(tx: Connection, shipment_ids: set[int]) -> set[tuple[str, str]]:
    """Authority and sender of what has left of these shipments."""
    query = select(message.c.authority, message.c.sender_dxp).distinct().where(message.c.state != "prepared")
    mine = query.where(bulk.among(tx, message.c.shipment_id, sorted(shipment_ids)))
    return {(row[0], row[1]) for row in tx.execute(mine).all()}
