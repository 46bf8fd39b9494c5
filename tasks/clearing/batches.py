"""The shipment's batch in the ledger; the last one that this process stored or loaded is not read out of it again."""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection

from adapters.ledger import sources
from adapters.ledger.ledger import reads
from mappings.canonical.batch import Batch
from mappings.errors import DataFault

BATCH = "batch"
_last: list[tuple[str, Batch]] = []  # at most one: the digest of its bytes, and the batch


def _remember(digest: str, batch: Batch) -> Batch:
    _last[:] = [(digest, batch)]
    return batch


def save_batch(tx: Connection, shipment_id: int, batch: Batch) -> None:
    """Keep the batch that a shipment's files were worked up to."""
    body = batch.to_bytes()
    digest = hashlib.sha256(body).hexdigest()
    sources.save_snapshot(tx, shipment_id, BATCH, body, digest)
    _remember(digest, batch)


@reads
def batch_digest(tx: Connection, shipment_id: int) -> str | None:
    """The digest of the shipment's latest batch, or None."""
    return sources.snapshot_digest(tx, shipment_id, BATCH)


@reads
def load_batch(tx: Connection, shipment_id: int) -> Batch:
    """The shipment's latest batch; nobody changes its frames. Raises DataFault where nothing was worked up yet."""
    return load_with_digest(tx, shipment_id)[1]


@reads
def load_with_digest(tx: Connection, shipment_id: int) -> tuple[str, Batch]:
    """The same, with its digest: of this batch, also where another one is stored meanwhile. Raises DataFault."""
    digest = batch_digest(tx, shipment_id)
    for last, batch in _last:
        if last == digest:
            return last, batch
    found = sources.latest_snapshot(tx, shipment_id, BATCH)
    if found is None:
        raise DataFault(f"Shipment {shipment_id} has no worked-up files yet 车次 {shipment_id} 尚无可用数据")
    digest, body = found
    return digest, _remember(digest, Batch.from_bytes(body))
