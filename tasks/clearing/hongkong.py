"""Hong Kong beside China: what the table of steps asks for next, prepared and stored (hk.md sections 2 and 3)."""

from __future__ import annotations

import hashlib

import numpy as np

from adapters.ledger import events, preparing, sources
from adapters.ledger.conversions import Conversion, replace_conversions
from adapters.ledger.faults import replace_faults
from mappings import faults
from mappings.errors import DataFault
from tasks import hongkong
from tasks.clearing import batches
from tasks.clearing.declaring import load_batch, part_of
from tasks.clearing.documents import Document
from tasks.clearing.standing import HK, Standing
from tasks.hongkong import Filed, Filing
from tasks.hongkong.record import bundling
from tasks.office import Office
from tasks.submission.seal import seal_messages

STAGE = "hong_kong"
ACI, BUNDLE = "HKRoadACI", "HKRoadBundle"
CONTENTS = 5000  # loads of which a process knows what Hong Kong would be told
_contents: dict[tuple[str | None, bytes], str] = {}  # by digests of the batch and of the numbers of the parcels that go


def _stage(attempt: int) -> str:
    return f"hk:{attempt}"


def _filed(office: Office, standing: Standing, kind: str, documents: list[Document]) -> list[Filed]:
    def digest(attempt: int) -> str:
        return (sources.load_snapshot(office.ledger, standing.id, _stage(attempt)) or b"").decode()

    return [Filed(d.app_type, d.state, digest(d.attempt) if kind == ACI else "") for d in documents]


def ccrn(standing: Standing) -> str:
    """The consignment's CCRN, the latest one given ('' before)."""
    return next((d.pre_no for d in reversed(standing.filed(ACI)) if d.pre_no), "")


def _bundles(standing: Standing, number: str) -> list[Document]:
    return [d for d in standing.filed(BUNDLE) if d.business_key.startswith(f"BND|{number}|")]


def _content(office: Office, standing: Standing) -> str:
    """The identity of what Hong Kong would be told of the load now; '' where nothing is loaded.

    Pulse and board look at many trucks in turn, again and again: a batch is read once for each load of it.
    """
    load = standing.loaded()
    numbers = hashlib.sha256(np.sort(np.fromiter(load, np.int64, len(load))).tobytes()).digest()
    digest = batches.batch_digest(office.ledger, standing.id)
    found = _contents.get((digest, numbers))
    if found is None:
        digest, whole = batches.load_with_digest(office.ledger, standing.id)
        batch = part_of(whole, load)
        found = hongkong.content_digest(batch) if len(batch.parcels) else ""
        if len(_contents) >= CONTENTS:
            _contents.clear()
        _contents[digest, numbers] = found
    return found


def next_step(office: Office, standing: Standing) -> str:
    """What Hong Kong needs now, one of tasks.hongkong.STEPS."""
    number = ccrn(standing)
    bundles = _bundles(standing, number) if number else []
    same = not bundles or bundles[-1].business_key == hongkong.bundle_key(standing.truck, number)
    return hongkong.next_step(
        _filed(office, standing, ACI, standing.filed(ACI)),
        _filed(office, standing, BUNDLE, bundles),
        _content(office, standing),
        standing.truck.planned.crossing,
        standing.now,
        same,
    )


def _filing(office: Office, standing: Standing, step: str) -> Filing:
    truck, number, ids = standing.truck, ccrn(standing), office.identities
    batch = part_of(load_batch(office.ledger, standing.id), standing.loaded())
    aci, bundle = (1 + len(standing.filed(kind)) for kind in (ACI, BUNDLE))
    if step == "lodge":
        return hongkong.lodge(batch, standing.now, ids, aci)
    if step == "amend":
        return hongkong.amend(batch, number, standing.now, ids, aci)
    if step == "cancel":
        return hongkong.cancel(truck, number, ids, aci)
    if step == "unbundle":
        vehicle = _bundles(standing, number)[-1].business_key.split("|")[2]
        return Filing([hongkong.unbundle(truck, number, ids, bundle, vehicle)], bundling(truck, BUNDLE))
    return Filing([hongkong.bundle(truck, number, ids, bundle)], bundling(truck, BUNDLE))


def _note(office: Office, standing: Standing, fault: DataFault) -> None:
    """What Hong Kong could not be told: faults of the truck, which a person mends by a new truck file."""
    rows = [row for row in fault.faults if isinstance(row, dict)]
    with office.ledger.begin() as tx:
        replace_faults(tx, standing.id, STAGE, faults.frame(rows))
        events.record(tx, standing.id, "hong_kong_faults", detail={"faults": len(rows)}, once=True)


def anything_to_do(office: Office, standing: Standing) -> bool:
    """Whether Hong Kong, or a person, is to be told something now."""
    step = next_step(office, standing)
    return step not in ("wait", "done") and not _waits_for_load(standing, step)


def _waits_for_load(standing: Standing, step: str) -> bool:
    return step in ("bundle", "rebundle") and not standing.fact("load_settled")


def prepare(office: Office, standing: Standing) -> int:
    """Prepare what Hong Kong needs now; a bundling waits until the load is settled. Returns how many messages."""
    step = next_step(office, standing)
    if step == "alarm_late":
        events.record(office.ledger, standing.id, "hong_kong_late", once=True)
    if step in ("wait", "done", "alarm_late"):
        return 0
    if _waits_for_load(standing, step):
        return 0
    try:
        filing = _filing(office, standing, step)
    except DataFault as fault:
        _note(office, standing, fault)
        return 0
    outgoing = seal_messages(filing.messages, standing.truck, office.authority(HK), office.keys)
    attempt = filing.messages[0].documents[0].attempt
    with office.ledger.begin() as tx:
        added = preparing.add_messages(tx, standing.id, outgoing)
        replace_faults(tx, standing.id, STAGE, faults.frame([]))
        if filing.digest:
            sources.save_snapshot(tx, standing.id, _stage(attempt), filing.digest.encode())
        if filing.conversion:
            replace_conversions(
                tx,
                standing.id,
                HK,
                filing.messages[0].type,
                [Conversion(**{k: row[k] for k in Conversion._fields}) for row in filing.conversion],
            )
        events.record(tx, standing.id, f"hong_kong_{step}")
    return len(added.message_ids)
