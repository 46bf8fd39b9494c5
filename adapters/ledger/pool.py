"""The pool: files that belong to no single truck (a day's orders, payments, goods), kept row by row under their key.

The rows of an order that stand together are one row here, sealed. Sent again unchanged they only get a newer
`last_file_id`; changed, they are new rows. The newest file that says anything of a key holds. What a file says takes
effect at once, when all of it has been read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, and_, delete, exists, func, insert, or_, select, text, update

from adapters.ledger import bulk, raws
from adapters.ledger.ledger import alone, reads, writes
from adapters.ledger.tables import parcel, pool_file, pool_piece, pool_row, pool_seen, raw, shipment
from mappings import clock

ORDER, ITEM = "order", "item"
READING, READ, REFUSED = "reading", "read", "refused"
CLOSED = "closed"
_LOCK = "pool"
_COLUMNS = ("pool_file_id", "last_file_id", "platform_code", "keyed_by", "key", "digest", "rows")


class Entry(NamedTuple):
    """Rows of one key that stand together: `rows` is [place, [[row number, record], ...]]."""

    keyed_by: str
    key: str
    digest: str
    rows: list[Any]


class Said(NamedTuple):
    """What a file of the pool says of a key; `rows` as an entry has them."""

    pool_file_id: int
    last_file_id: int
    key: str
    rows: list[Any]


@writes
def open_file(tx: Connection, name: str, sha256: str, size: int, platform_code: str) -> tuple[Row[Any], bool]:
    """The file of these bytes, and whether it is new; one that was refused begins anew."""
    alone(tx, f"{_LOCK} {sha256} {platform_code}")
    same = (pool_file.c.sha256 == sha256) & (pool_file.c.platform_code == platform_code)
    found = tx.execute(select(pool_file).where(same)).first()
    if found is not None and found.state != REFUSED:
        return found, False
    values = {
        "name": name,
        "size": size,
        "state": READING,
        "done": [0, 0],
        "rows": 0,
        "at": clock.now(),
        "faults": None,
    }
    if found is not None:
        tx.execute(update(pool_file).where(same).values(**values))
    else:
        tx.execute(insert(pool_file).values(sha256=sha256, platform_code=platform_code, **values))
    return tx.execute(select(pool_file).where(same)).one(), True


@writes
def keep_piece(tx: Connection, file_id: int, number: int, name: str, body: bytes) -> None:
    """One piece of the file's bytes, raw; a piece that is there stays."""
    mine = (pool_piece.c.pool_file_id == file_id) & (pool_piece.c.number == number)
    if tx.execute(select(pool_piece.c.id).where(mine)).first() is None:
        raw_id = raws.store_raw(tx, raws.IN, "files", "pool", name, body)
        raws.mark_read(tx, raw_id)
        tx.execute(insert(pool_piece).values(pool_file_id=file_id, number=number, raw_id=raw_id))


@reads
def piece(tx: Connection, file_id: int, number: int) -> bytes:
    """A piece of the file's bytes; b"" after the last."""
    mine = (pool_piece.c.pool_file_id == file_id) & (pool_piece.c.number == number)
    raw_id = tx.execute(select(pool_piece.c.raw_id).where(mine)).scalar()
    return b"" if raw_id is None else raws.body(tx, raw_id)


@writes
def describe(tx: Connection, file_id: int, **values: Any) -> None:
    """What was found out about a file: kind, profile, sender, layout, state, faults."""
    tx.execute(update(pool_file).where(pool_file.c.id == file_id).values(**values))


@reads
def file(tx: Connection, file_id: int) -> Row[Any]:
    """One file."""
    return tx.execute(select(pool_file).where(pool_file.c.id == file_id)).one()


@reads
def files(tx: Connection) -> list[Row[Any]]:
    """All files, oldest first."""
    return list(tx.execute(select(pool_file).order_by(pool_file.c.id)).all())


@reads
def newest(tx: Connection) -> int:
    """The number of the last change of the pool's contents; 0 where it was never used."""
    return int(tx.execute(select(func.count()).where(pool_file.c.state == READ)).scalar_one())


@writes
def add(tx: Connection, file_id: int, platform_code: str, entries: Sequence[Entry], done: Sequence[int]) -> int:
    """Entries of a file that is being read, and how far it is. Returns how many of them were there unchanged."""
    known = _known(tx, file_id, platform_code, entries)
    fresh, again = [], []
    for entry in entries:
        same = known.get((entry.keyed_by, entry.key, entry.digest))
        if same:
            again.append((file_id, same.pop()))
        else:
            fresh.append((file_id, file_id, platform_code, *entry))
    bulk.insert(tx, pool_row, _COLUMNS, fresh)
    bulk.insert(tx, pool_seen, ("pool_file_id", "pool_row_id"), again)
    change = {"done": list(done), "rows": pool_file.c.rows + sum(len(e.rows[1]) for e in entries)}
    tx.execute(update(pool_file).where(pool_file.c.id == file_id).values(**change))
    return len(again)


def _known(
    tx: Connection, file_id: int, platform_code: str, entries: Sequence[Entry]
) -> dict[tuple[str, str, str], list[int]]:
    """Rows of earlier files with the same keys that this file has not said again yet, by key and digest."""
    c = pool_row.c
    seen = exists().where(pool_seen.c.pool_file_id == file_id, pool_seen.c.pool_row_id == c.id)
    query = select(c.id, c.keyed_by, c.key, c.digest).where(bulk.among(tx, c.key, {entry.key for entry in entries}))
    query = query.where(c.platform_code == platform_code, c.last_file_id != file_id, ~seen)
    found: dict[tuple[str, str, str], list[int]] = {}
    for row in tx.execute(query.order_by(c.id.desc())).all():
        found.setdefault((row.keyed_by, row.key, row.digest), []).append(row.id)
    return found


@writes
def publish(tx: Connection, file_id: int, faults: Any) -> list[int]:
    """The whole file has been read: what it says holds from now on. Returns the open shipments that it concerns."""
    alone(tx, _LOCK)
    back = _back(tx, file_id)
    again = select(pool_seen.c.pool_row_id).where(pool_seen.c.pool_file_id == file_id)
    tx.execute(update(pool_row).where(pool_row.c.id.in_(again)).values(last_file_id=file_id))
    tx.execute(delete(pool_seen).where(pool_seen.c.pool_file_id == file_id))
    now = clock.now()
    tx.execute(
        update(pool_file).where(pool_file.c.id == file_id).values(state=READ, faults=faults, read_at=now)
    )  # fmt: skip
    return _concerned(tx, file_id, back)


def _back(tx: Connection, file_id: int) -> list[int]:
    """Rows said again unchanged of which a file of the same kind had said otherwise meanwhile."""
    other, theirs, mine = pool_row.alias("other"), pool_file.alias("theirs"), pool_file.alias("mine")
    newer = exists().where(
        other.c.key == pool_row.c.key, other.c.keyed_by == pool_row.c.keyed_by,
        other.c.platform_code == pool_row.c.platform_code, other.c.last_file_id > pool_row.c.last_file_id,
        theirs.c.id == other.c.pool_file_id, mine.c.id == file_id, theirs.c.kind == mine.c.kind,
    )  # fmt: skip
    query = select(pool_row.c.id).join(pool_seen, pool_seen.c.pool_row_id == pool_row.c.id)
    return list(tx.execute(query.where(pool_seen.c.pool_file_id == file_id, newer)).scalars())


def _concerned(tx: Connection, file_id: int, back: Sequence[int]) -> list[int]:
    """Open shipments with an order that the file is the first to say, or says otherwise; for goods, any that wait."""
    theirs = and_(
        or_(pool_row.c.pool_file_id == file_id, bulk.among(tx, pool_row.c.id, back)),
        pool_row.c.keyed_by == ORDER, pool_row.c.key == parcel.c.order_no,
        or_(pool_row.c.platform_code == "", pool_row.c.platform_code == parcel.c.platform_code),
    )  # fmt: skip
    by_order = select(parcel.c.shipment_id).where(exists().where(theirs))
    goods = exists().where(pool_row.c.pool_file_id == file_id, pool_row.c.keyed_by == ITEM)
    by_item = select(parcel.c.shipment_id).where(parcel.c.state == "held", goods)
    query = select(shipment.c.id).where(shipment.c.state != CLOSED)
    query = query.where(or_(shipment.c.id.in_(by_order), shipment.c.id.in_(by_item)))
    return list(tx.execute(query.order_by(shipment.c.id)).scalars())


@writes
def refuse(tx: Connection, file_id: int, faults: Any) -> None:
    """The file cannot be read to its end: nothing of it is kept but its bytes and why."""
    tx.execute(delete(pool_seen).where(pool_seen.c.pool_file_id == file_id))
    tx.execute(delete(pool_row).where(pool_row.c.pool_file_id == file_id))
    tx.execute(update(pool_file).where(pool_file.c.id == file_id).values(state=REFUSED, faults=faults))


@reads
def rows_of(tx: Connection, keyed_by: str, keys: Iterable[str], platform_code: str) -> list[Said]:
    """What the pool says of these keys, oldest last_file first."""
    c = pool_row.c
    query = select(c.pool_file_id, c.last_file_id, c.key, bulk.as_stored(c.rows))
    query = query.join(pool_file, pool_file.c.id == c.last_file_id)
    query = query.where(pool_file.c.state == READ, c.keyed_by == keyed_by, bulk.among(tx, c.key, keys))
    query = query.where(c.platform_code.in_(("", platform_code)))
    found = tx.execute(query.order_by(c.last_file_id, c.id)).all()
    opened = bulk.opened(tx, c.rows, [row[3] for row in found])
    return [Said(row[0], row[1], row[2], rows) for row, rows in zip(found, opened, strict=True)]


@writes
def still(tx: Connection, newest_then: int) -> bool:
    """Whether nothing was published since; until the end of this transaction nothing will be."""
    if tx.dialect.name == "postgresql":
        tx.execute(
            text("SELECT pg_advisory_xact_lock_shared(hashtextextended(:name, 0))"), {"name": f"tongguan {_LOCK}"}
        )
    return newest(tx) == newest_then


@writes
def forget(tx: Connection, orders: Iterable[str]) -> int:
    """Erase what the pool holds of these orders. Returns how many rows went."""
    theirs = bulk.among(tx, pool_row.c.key, orders) & (pool_row.c.keyed_by == ORDER)
    tx.execute(delete(pool_seen).where(pool_seen.c.pool_row_id.in_(select(pool_row.c.id).where(theirs))))
    return tx.execute(delete(pool_row).where(theirs)).rowcount


@writes
def forget_old(tx: Connection, before: datetime) -> int:
    """Erase all rows that no file since `before` has said, and the bytes of older files. Returns how many raws went."""
    old = select(pool_file.c.id).where(pool_file.c.read_at < before, pool_file.c.state == READ)
    gone = select(pool_row.c.id).where(pool_row.c.last_file_id.in_(old))
    tx.execute(delete(pool_seen).where(pool_seen.c.pool_row_id.in_(gone)))
    tx.execute(delete(pool_row).where(pool_row.c.last_file_id.in_(old)))
    theirs = select(pool_piece.c.raw_id).where(pool_piece.c.pool_file_id.in_(old))
    bytes_of = update(raw).where(raw.c.id.in_(theirs), raw.c.erased_at.is_(None))
    return tx.execute(bytes_of.values(body=b"", state=raws.ERASED, erased_at=clock.now())).rowcount


@writes
def drop(tx: Connection, file_id: int) -> None:
    """The pieces of a file whose bytes changed while they were kept: the file begins anew with other bytes."""
    refuse(tx, file_id, None)
    tx.execute(delete(pool_piece).where(pool_piece.c.pool_file_id == file_id))
    tx.execute(delete(pool_file).where(pool_file.c.id == file_id))
