"""Raw first (DESIGN, promise 4): bytes in and out are stored before anything reads them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from itertools import accumulate
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from adapters.ledger import bulk
from adapters.ledger.ledger import Ledger, reads, writes
from adapters.ledger.tables import raw
from mappings import clock

IN, OUT = "in", "out"
ANSWER = "answer"  # the channel of what was said to a post at once; it was read before it could be kept
NEW, READ, PARKED, ERASED = "new", "read", "parked", "erased"
_COLUMNS = ("direction", "authority", "channel", "peer", "media_type", "sha256", "size", "body", "at", "state")
_SHA256 = _COLUMNS.index("sha256")
_STORE = insert(raw).returning(raw.c.id)  # statements that run for every message are put together once
_BODY = select(raw.c.body).where(raw.c.id == bindparam("b_id"))
_HEAD = [c for c in raw.c if c.name != "body"]


@writes
def store_raw(
    tx: Connection,
    direction: str,
    authority: str,
    channel: str,
    peer: str,
    body: bytes,
    shipment_id: int | None = None,
    media_type: str = "",
    sha256: str = "",
    state: str = "",
) -> int:
    """Store bytes with their hash (theirs, where it is known), compressed and sealed. Returns the id.

    What comes in waits as "new", unless another state is given.
    """
    values = {
        "direction": direction,
        "authority": authority,
        "channel": channel,
        "peer": peer,
        "media_type": media_type,
        "sha256": sha256 or hashlib.sha256(body).hexdigest(),
        "size": len(body),
        "body": body,
        "at": clock.now(),
        "shipment_id": shipment_id,
        "state": state or (NEW if direction == IN else READ),
    }
    return tx.execute(_STORE, values).scalar_one()


def store_new(
    where: Ledger | Connection,
    authority: str,
    channel: str,
    peer: str,
    bodies: Sequence[bytes],
    media_type: str = "",
    soon: bool = False,
) -> int:
    """Store what came in, each of it once, but what is there already (`seen`). Returns how many are new.

    What is not there yet is compressed and sealed before its transaction begins. `soon`: this process reads it.
    """
    vault = where.vault if isinstance(where, Ledger) else where.dialect.vault  # type: ignore[attr-defined]
    by_hash = {hashlib.sha256(body).hexdigest(): body for body in bodies}
    fresh = _unknown(where, authority, by_hash)
    now = clock.now()
    rows = [
        (IN, authority, channel, peer, media_type, digest, len(body), vault.ready(body, soon), now, NEW)
        for digest, body in ((digest, by_hash[digest]) for digest in fresh)
    ]
    return _store_unknown(where, authority, rows) if rows else 0


@writes
def _store_unknown(tx: Connection, authority: str, rows: Sequence[tuple[Any, ...]]) -> int:
    """Store those rows whose bytes nobody else has stored meanwhile."""
    still = set(_unknown(tx, authority, [row[_SHA256] for row in rows]))
    return bulk.insert(tx, raw, _COLUMNS, [row for row in rows if row[_SHA256] in still])


@reads
def _unknown(tx: Connection, authority: str, digests: Collection[str]) -> list[str]:
    """Those of these hashes whose bytes have not come in from an authority (but as an answer), in their order."""
    known = {row.sha256 for row in _of_bytes(tx, digests) if _came(row, authority)}
    return [digest for digest in digests if digest not in known]


def _of_bytes(tx: Connection, digests: Collection[str]) -> Sequence[Row[Any]]:
    """What there is with these hashes, whoever sent it, in order of coming.

    Who did is told by `_came`: asked in the same question, it has SQLite read all that ever came from an authority.
    """
    columns = (raw.c.id, raw.c.sha256, raw.c.authority, raw.c.direction, raw.c.channel)
    return tx.execute(select(*columns).where(bulk.among(tx, raw.c.sha256, digests)).order_by(raw.c.id)).all()


def _came(row: Row[Any], authority: str) -> bool:
    """Whether it came in from this authority, but as an answer."""
    return bool(row.authority == authority and row.direction == IN and row.channel != ANSWER)


@writes
def store_answer(tx: Connection, authority: str, peer: str, body: bytes, shipment_id: int) -> None:
    """Store what an authority answered to a message of a shipment; nothing reads it again."""
    if body:
        store_raw(tx, IN, authority, ANSWER, peer, body, shipment_id, state=READ)


@writes
def store_answers(tx: Connection, answers: Sequence[tuple[str, str, bytes, int]]) -> None:
    """The same of several: authority, peer, body, shipment."""
    now = clock.now()
    rows = [
        (IN, authority, ANSWER, peer, "", hashlib.sha256(body).hexdigest(), len(body), body, now, READ, shipment_id)
        for authority, peer, body, shipment_id in answers
        if body
    ]
    bulk.insert(tx, raw, (*_COLUMNS, "shipment_id"), rows)


@reads
def seen(tx: Connection, authority: str, body: bytes) -> int | None:
    """The id of the same bytes from the same authority that came in before (but as an answer), or None."""
    found = _of_bytes(tx, [hashlib.sha256(body).hexdigest()])
    return next((row.id for row in found if _came(row, authority)), None)


@reads
def body(tx: Connection, raw_id: int) -> bytes:
    """The bytes as they came or went; empty once they have been erased."""
    return tx.execute(_BODY, {"b_id": raw_id}).scalar_one()


@reads
def bodies(tx: Connection, raw_ids: Collection[int]) -> dict[int, bytes]:
    """The bytes of many, by id."""
    rows = tx.execute(select(raw.c.id, raw.c.body).where(bulk.among(tx, raw.c.id, raw_ids))).all()
    return {row[0]: row[1] for row in rows}


@reads
def head(tx: Connection, raw_id: int) -> Row[Any]:
    """Everything but the bytes."""
    return tx.execute(select(*_HEAD).where(raw.c.id == raw_id)).one()


@reads
def unread(tx: Connection, authority: str, limit: int = 1000, channel: str = "", most: int | None = None) -> list[int]:
    """The ids of what came in from an authority (by one channel alone) and nobody has read yet, in order of coming.

    `most`: only so many as have no more bytes together, but always the first.
    """
    return _incoming(tx, authority, NEW, limit, channel, most)


@reads
def still_unread(tx: Connection, raw_ids: Collection[int]) -> set[int]:
    """Those of these that nobody has read yet."""
    return set(tx.execute(select(raw.c.id).where(bulk.among(tx, raw.c.id, raw_ids), raw.c.state == NEW)).scalars())


@reads
def parked(tx: Connection, authority: str, limit: int = 1000) -> list[int]:
    """The ids of what came in from an authority and could not be read."""
    return _incoming(tx, authority, PARKED, limit)


@reads
def parked_heads(tx: Connection) -> list[Row[Any]]:
    """Everything but the bytes of what came in, from whomever, and could not be read; in order of coming."""
    mine = (raw.c.direction == IN) & (raw.c.state == PARKED)
    return list(tx.execute(select(*_HEAD).where(mine).order_by(raw.c.id)).all())


@writes
def mark_read(tx: Connection, raw_id: int, shipment_id: int | None = None) -> None:
    """It has been read; `shipment_id` where it concerns one shipment alone."""
    values: dict[str, Any] = {"state": READ, "reason": ""}
    if shipment_id is not None:
        values["shipment_id"] = shipment_id
    tx.execute(update(raw).where(raw.c.id == raw_id).values(values))


@writes
def mark_all_read(tx: Connection, raw_ids: Collection[int]) -> None:
    """They have been read; none of them concerns one shipment alone."""
    tx.execute(update(raw).where(bulk.among(tx, raw.c.id, raw_ids)).values(state=READ, reason=""))


@writes
def park(tx: Connection, raw_id: int, reason: str) -> None:
    """It cannot be read: kept, and out of the way."""
    tx.execute(update(raw).where(raw.c.id == raw_id).values(state=PARKED, reason=reason))


def _incoming(
    tx: Connection, authority: str, state: str, limit: int, channel: str = "", most: int | None = None
) -> list[int]:
    mine = (raw.c.authority == authority) & (raw.c.direction == IN) & (raw.c.state == state)
    mine = mine & (raw.c.channel == channel) if channel else mine
    rows = tx.execute(select(raw.c.id, raw.c.size).where(mine).order_by(raw.c.id).limit(limit)).all()
    sums = accumulate(size for _, size in rows)
    return [
        row[0] for n, (row, sum_) in enumerate(zip(rows, sums, strict=True)) if not n or most is None or sum_ <= most
    ]
