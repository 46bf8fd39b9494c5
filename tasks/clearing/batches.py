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
def load_batch(tx: Connection, shipment_id: int) -> Batch:
    """The shipment's latest batch; nobody changes its frames. Raises DataFault where nothing was worked up yet."""
    digest = sources.snapshot_digest(tx, shipment_id, BATCH)
    known = next((batch for last, batch in _last if last == digest), None)
    if known is not None:
        return known
    body = sources.load_snapshot(tx, shipment_id, BATCH)
    if body is None or digest is None:
        raise DataFault(f"Shipment {shipment_id} has no worked-up files yet 车次 {shipment_id} 尚无可用数据")
    return _remember(digest, Batch.from_bytes(body))
