"""The senders' files of a shipment, and its snapshots between two stages."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, Row, Select, func, insert, select

from adapters.ledger.ledger import reads, writes
from adapters.ledger.shipments import lock
from adapters.ledger.tables import snapshot, source_file
from adapters.ledger.touches import touch
from mappings import clock


@writes
def add_source(
    tx: Connection,
    shipment_id: int,
    name: str,
    sha256: str,
    kind: str = "",
    profile: str = "",
    sender: str = "",
    rows: int = 0,
    raw_id: int | None = None,
) -> tuple[int, bool]:
    """A file that was captured: its version, and whether it is new.

    The same bytes as the latest file of that name are the same version; going back to an older one is a new version.
    """
    lock(tx, shipment_id)
    mine = (source_file.c.shipment_id == shipment_id) & (source_file.c.kind == kind) & (source_file.c.sender == sender)
    last = tx.execute(select(func.max(source_file.c.version)).where(mine)).scalar() or 0
    named = select(source_file.c.version, source_file.c.sha256).where(mine, source_file.c.name == name)
    latest = tx.execute(named.order_by(source_file.c.version.desc()).limit(1)).first()
    if latest is not None and latest.sha256 == sha256:
        return latest.version, False
    values = {
        "shipment_id": shipment_id,
        "raw_id": raw_id,
        "name": name,
        "kind": kind,
        "profile": profile,
        "sender": sender,
        "rows": rows,
        "version": last + 1,
        "sha256": sha256,
        "at": clock.now(),
    }
    tx.execute(insert(source_file).values(values))
    touch(tx, [shipment_id])
    return last + 1, True


@reads
def sources(tx: Connection, shipment_id: int) -> list[Row[Any]]:
    """The files of a shipment in the order they came."""
    return list(tx.execute(select(source_file).where(source_file.c.shipment_id == shipment_id).order_by("id")).all())


@reads
def most_rows(tx: Connection, shipment_id: int, senders: Sequence[str]) -> int:
    """The rows of the longest file of these senders: how many parcels a shipment may have before it is worked up."""
    mine = (source_file.c.shipment_id == shipment_id) & source_file.c.sender.in_(senders)
    return int(tx.execute(select(func.max(source_file.c.rows)).where(mine)).scalar() or 0)


@writes
def save_snapshot(tx: Connection, shipment_id: int, stage: str, body: bytes, sha256: str = "") -> int:
    """Keep what a stage made, with its hash (theirs, where it is known).

    Returns the version; the same bytes as the latest version make no new one.
    """
    lock(tx, shipment_id)
    digest = sha256 or hashlib.sha256(body).hexdigest()
    last = tx.execute(_latest(shipment_id, stage, snapshot.c.version, snapshot.c.sha256)).first()
    if last is not None and last.sha256 == digest:
        return last.version
    version = last.version + 1 if last else 1
    values = {"shipment_id": shipment_id, "stage": stage, "version": version, "body": body}
    tx.execute(insert(snapshot).values(**values, sha256=digest, at=clock.now()))
    return version


@reads
def load_snapshot(tx: Connection, shipment_id: int, stage: str, version: int | None = None) -> bytes | None:
    """What a stage made, its latest version unless one is named, or None."""
    query = _latest(shipment_id, stage, snapshot.c.body)
    return tx.execute(query if version is None else query.where(snapshot.c.version == version)).scalar()


@reads
def snapshot_digest(tx: Connection, shipment_id: int, stage: str) -> str | None:
    """The SHA-256 of a stage's latest version, or None."""
    return tx.execute(_latest(shipment_id, stage, snapshot.c.sha256)).scalar()


@reads
def latest_snapshot(tx: Connection, shipment_id: int, stage: str) -> tuple[str, bytes] | None:
    """The SHA-256 and the bytes of a stage's latest version, of one and the same, or None."""
    row = tx.execute(_latest(shipment_id, stage, snapshot.c.sha256, snapshot.c.body)).first()
    return None if row is None else (row.sha256, row.body)


def _latest(shipment_id: int, stage: str, *columns: Column[Any]) -> Select[Any]:
    """These columns of a stage's latest version."""
    mine = (snapshot.c.shipment_id == shipment_id) & (snapshot.c.stage == stage)
    return select(*columns).where(mine).order_by(snapshot.c.version.desc()).limit(1)
