"""Shipments: declaration agent + master waybill is the identity (DESIGN, "Identity"); states, hold, approval."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Row, Transaction, or_, select, update

from adapters.ledger.bulk import insert_once
from adapters.ledger.events import record
from adapters.ledger.ledger import reads, writes
from adapters.ledger.tables import shipment
from mappings import clock
from mappings.errors import ConfigurationError

CLOSED = "closed"
_locks: WeakKeyDictionary[Transaction, set[int]] = WeakKeyDictionary()  # the shipments that a transaction has locked


@writes
def open_shipment(
    tx: Connection,
    agent_code: str,
    master_waybill: str,
    truck: dict[str, Any],
    label: str = "",
    regime: str = "",
    corridor: str = "",
    source: str = "",
    state: str = "captured",
    actor: str = "tongguan",
) -> tuple[int, bool]:
    """The id of this identity's shipment, and whether it was made just now; one that is there stays as it is.

    `truck` is the canonical truck as JSON values, `label` its plate.
    """
    now = clock.now()
    values = {
        "agent_code": agent_code,
        "master_waybill": master_waybill,
        "truck": truck,
        "label": label,
        "regime": regime,
        "corridor": corridor,
        "source": source,
        "state": state,
        "created_at": now,
        "updated_at": now,
    }
    made = insert_once(tx, shipment, values)
    if made is not None:
        record(tx, made, state, actor=actor, detail={"master_waybill": master_waybill, "label": label})
        return made, True
    same = (shipment.c.agent_code == agent_code) & (shipment.c.master_waybill == master_waybill)
    return tx.execute(select(shipment.c.id).where(same)).scalar_one(), False


@reads
def get(tx: Connection, shipment_id: int) -> Row[Any]:
    """The shipment's row. Raises ConfigurationError when there is none."""
    row = tx.execute(select(shipment).where(shipment.c.id == shipment_id)).first()
    if row is None:
        raise ConfigurationError(f"没有编号为 {shipment_id} 的货运。There is no shipment {shipment_id}.")
    return row


@reads
def newer(tx: Connection, row: Row[Any]) -> Row[Any]:
    """The shipment's row as it is now: this one, where nobody has changed it since it was read."""
    version = tx.execute(select(shipment.c.version).where(shipment.c.id == row.id)).scalar()
    return row if version == row.version else get(tx, row.id)


@reads
def find(tx: Connection, reference: str) -> Row[Any] | None:
    """The shipment with this id, master waybill or plate (the newest one of a plate), or None."""
    same = or_(shipment.c.master_waybill == reference, shipment.c.label == reference)
    if reference.isascii() and reference.isdigit() and len(reference) < 18:
        same = or_(same, shipment.c.id == int(reference))
    exact = (shipment.c.master_waybill == reference).desc()
    return tx.execute(select(shipment).where(same).order_by(exact, shipment.c.id.desc()).limit(1)).first()


@reads
def listing(tx: Connection, states: tuple[str, ...] = (), but: tuple[str, ...] = ()) -> list[Row[Any]]:
    """All shipments, oldest first; only those in `states` when given, and never those in `but`."""
    query = select(shipment).order_by(shipment.c.id)
    if states:
        query = query.where(shipment.c.state.in_(states))
    return list(tx.execute(query.where(shipment.c.state.not_in(but))).all())


def lock(tx: Connection, shipment_id: int) -> None:
    """Let no other transaction prepare anything of this shipment until this one ends; once a transaction is enough."""
    transaction = tx.get_transaction()
    held = set[int]() if transaction is None else _locks.setdefault(transaction, set())
    if shipment_id not in held:
        _change(tx, shipment_id, shipment.c.id == shipment_id, {})
        held.add(shipment_id)


@writes
def set_state(
    tx: Connection, shipment_id: int, state: str, actor: str = "tongguan", detail: dict[str, Any] | None = None,
    said: str = "",
) -> bool:  # fmt: skip
    """Put the shipment into `state` and write the event; False, and nothing written, when it is in it already.

    `said` is what the change says of itself (touches.BY).
    """
    values: dict[str, Any] = {"state": state, "previous_state": shipment.c.state}
    if state == CLOSED:
        values["closed_at"] = clock.now()
    if not _change(tx, shipment_id, shipment.c.state != state, values):
        return False
    return record(tx, shipment_id, state, actor=actor, detail=detail, said=said)


@writes
def set_truck(tx: Connection, shipment_id: int, truck: dict[str, Any], label: str, actor: str = "tongguan") -> None:
    """Replace the truck (a corrected file)."""
    _change(tx, shipment_id, shipment.c.id == shipment_id, {"truck": truck, "label": label})
    record(tx, shipment_id, "truck-corrected", actor=actor, detail={"label": label})


@writes
def hold(tx: Connection, shipment_id: int, reason: str, actor: str) -> bool:
    """Hold the truck between two stages; False when it is held already."""
    held = _change(tx, shipment_id, ~shipment.c.held, {"held": True, "held_reason": reason})
    return held and record(tx, shipment_id, "held", actor=actor, detail={"reason": reason})


@writes
def resume(tx: Connection, shipment_id: int, actor: str) -> bool:
    """Let a held truck go on; False when it is not held."""
    freed = _change(tx, shipment_id, shipment.c.held, {"held": False, "held_reason": ""})
    return freed and record(tx, shipment_id, "resumed", actor=actor)


@writes
def approve(tx: Connection, shipment_id: int, actor: str) -> bool:
    """Note who approved the declaration (a legal act) and when; False when that was done already."""
    values = {"approved_at": clock.now(), "approved_by": actor}
    done = _change(tx, shipment_id, shipment.c.approved_at.is_(None), values)
    return done and record(tx, shipment_id, "approved", actor=actor)


@writes
def withdraw_approval(tx: Connection, shipment_id: int, actor: str, reason: str = "") -> bool:
    """Take the approval back, because what was approved has changed; False when there was none."""
    values = {"approved_at": None, "approved_by": ""}
    done = _change(tx, shipment_id, shipment.c.approved_at.is_not(None), values)
    return done and record(tx, shipment_id, "approval-withdrawn", actor=actor, detail={"reason": reason})


def _change(tx: Connection, shipment_id: int, when: Any, values: dict[str, Any]) -> bool:
    """Compare and set: change the shipment only while `when` holds."""
    values = {**values, "updated_at": clock.now(), "version": shipment.c.version + 1}
    done = tx.execute(update(shipment).where(shipment.c.id == shipment_id, when).values(values)).rowcount == 1
    if not done:
        get(tx, shipment_id)  # a shipment that does not exist is an error, not a "nothing to do"
    return done
