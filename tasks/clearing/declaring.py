"""Declaring parcels: which documents each needs now, in which attempt, and preparing them in one transaction.

What may follow what (new, change, cancel, declare anew) is the table `follow` of the procedure's table of parcels.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import orjson
import pandas as pd

from adapters.ledger import parcels, preparing, sources
from adapters.ledger.conversions import Conversion, replace_conversions
from mappings import clock
from mappings.applications import MAY, rules
from mappings.canonical.batch import Batch
from mappings.canonical.digests import column_hashes, mixed
from mappings.engine import spec
from tasks.clearing import identity
from tasks.clearing.batches import load_batch
from tasks.clearing.documents import Document
from tasks.clearing.settling import BY_CHANGE, WAITS
from tasks.clearing.standing import Standing
from tasks.conversion.declare import declarations
from tasks.conversion.messages import Making
from tasks.conversion.record import conversion_record
from tasks.imports import company_rates, is_import, reserve
from tasks.office import Office
from tasks.submission.seal import seal_messages

DIGESTS = "digests"
_CONTENT = ("order.", "buyer.", "payment.", "waybill.", "parcel.")


@dataclass(frozen=True)
class Plan:
    """What one message type of one parcel needs: nothing, a new document, a change, or first a cancel."""

    action: str  # none | new | change | cancel
    attempt: int = 1


def _among(batch: Batch, seqs: set[int]) -> np.ndarray:
    return batch.parcels["parcel.seq"].isin(seqs).to_numpy()


def part_of(batch: Batch, seqs: set[int]) -> Batch:
    """The parcels of these numbers."""
    return batch.select(_among(batch, seqs))


class Digests:
    """Digests of what each message type says of the chosen parcels of a batch; every column is hashed once."""

    def __init__(self, batch: Batch, chosen: np.ndarray | None = None) -> None:
        self._batch, self._chosen = batch, np.ones(len(batch.parcels), bool) if chosen is None else chosen

    def of(self, message_type: str) -> list[str]:
        """One digest a parcel over all that a message type says of it."""
        wanted = sorted({item.source for _, item in spec.load(message_type).walk() if item.source})
        heads = [c for c in wanted if c in self._batch.parcels and c.startswith(_CONTENT)]
        hashes = self._combined(self._batch.parcels, heads)
        names = [c for c in wanted if c in self._batch.lines]
        if names:
            lines = mixed(self._combined(self._batch.lines, names))
            np.add.at(hashes, self._batch.lines["parcel"].to_numpy(), lines)
        return [f"{value:016x}" for value in hashes[self._chosen].tolist()]

    def _combined(self, frame: pd.DataFrame, names: list[str]) -> np.ndarray:
        """The hashes of several columns as one; which column a value stands in counts."""
        hashes = np.zeros(len(frame), dtype=np.uint64)
        for name in names:
            hashes += self._batch.once(("hashes", name), partial(column_hashes, frame[name], name))
        return hashes


def content_digests(batch: Batch, message_type: str) -> list[str]:
    """One digest a parcel over all that a message type says of it."""
    return Digests(batch).of(message_type)


def plan(message_type: str, latest: Document | None, changed: bool, table: dict[str, Any]) -> Plan:
    """What to do for one document of a ready parcel, by the procedure's table of parcels."""
    if latest is None:
        return Plan(table["follow"][message_type]["none"])
    situation = "dead" if latest.state in table["dead"] else ("done" if latest.state in table["done"] else "open")
    action = table["follow"][message_type][situation]
    if situation != "dead" and not changed:
        return Plan("none", latest.attempt)
    return Plan(action, latest.attempt + 1)


def plans(
    standing: Standing, seqs: list[int], message_type: str, before: dict[str, str], digests: list[str]
) -> list[Plan]:
    """The plan of every parcel, in order; `digests` are those of its content, `before` those last declared."""
    known, table = standing.documents.get(message_type, {}), standing.table
    first = plan(message_type, None, True, table)
    return [
        plan(message_type, known[seq], before.get(str(seq)) != digest, table) if seq in known else first
        for seq, digest in zip(seqs, digests, strict=True)
    ]


def prepare_declarations(office: Office, standing: Standing) -> int:
    """Prepare the documents of every ready parcel: signed, stored, claimable. Returns how many messages."""
    with office.ledger.begin() as tx:
        ready = standing.in_state("ready") - identity.hold_declared_meanwhile(tx, standing.id)
    whole = load_batch(office.ledger, standing.id)
    batch = part_of(whole, ready)
    if not len(batch.parcels):
        return 0
    digests, types = _digests(office, standing.id), standing.procedure.parcel_types
    seqs, content = batch.parcels["parcel.seq"].tolist(), Digests(whole, _among(whole, ready))
    now = {kind: content.of(kind) for kind in types}
    planned = {kind: plans(standing, seqs, kind, digests.get(kind, {}), now[kind]) for kind in types}
    planned = _beyond(planned, seqs, parcels.attempts_elsewhere(office.ledger, standing.id, seqs))
    blocked = {i for kind in types for i, p in enumerate(planned[kind]) if p.action == "cancel"}
    freed = blocked & _unanswered(standing, seqs)
    planned = _beside(planned, seqs, blocked, freed, standing)
    refused = _reserve(office, standing.id, batch, blocked - freed)
    if len(blocked - freed) + len(refused) < len(seqs):
        office.ensure_keys(standing.truck)
    made = []
    for kinds, chosen in _alike(planned, refused.keys()):
        made += declarations(batch.select(chosen), _making(office, kinds, planned, chosen), kinds)
        for kind in kinds:
            said = digests.setdefault(kind, {})
            said.update((str(seqs[i]), now[kind][i]) for i in np.flatnonzero(chosen).tolist())
    sealed = seal_messages(made, standing.truck, office.authority(standing.procedure.authority), office.keys)
    outgoing = preparing.ready(office.ledger, sealed)
    told = conversion_record(part_of(whole, ready | {seq for seq in standing.leads if seq is not None}))
    states = {seq: (WAITS, BY_CHANGE) if i in blocked else ("declared", "")
              for i, seq in enumerate(seqs) if i not in refused}  # fmt: skip
    with office.ledger.begin() as tx:
        added = preparing.add_messages(tx, standing.id, outgoing)
        sources.save_snapshot(tx, standing.id, DIGESTS, orjson.dumps(digests, option=orjson.OPT_SORT_KEYS))
        parcels.set_parcel_states(tx, standing.id, states)
        for kind, rows in told.items():
            replace_conversions(
                tx, standing.id, standing.procedure.authority, kind, [Conversion(**row) for row in rows]
            )
    return len(added.message_ids)


def _unanswered(standing: Standing, seqs: list[int]) -> set[int]:
    """The positions of parcels whose inventory customs cannot be asked to cancel yet: it has no number."""
    cancel = rules()["cancel", standing.truck.direction]
    leads = ((i, standing.leads.get(seq)) for i, seq in enumerate(seqs))
    return {i for i, lead in leads if lead is not None and cancel.verdict(lead.state) != MAY}


def _beside(
    planned: dict[str, list[Plan]], seqs: list[int], blocked: set[int], freed: set[int], standing: Standing
) -> dict[str, list[Plan]]:
    """The plans, and of parcels that wait for a cancel (`blocked`) nothing but what the cancel waits for.

    An inventory that is only received can be neither cancelled nor declared anew (receipts.md 2). Customs matches it
    when the last of its order, payment and waybill is there: one that was turned down goes out anew, and the inventory
    gets its number, and can be cancelled, or is rejected, and can be declared anew.
    """
    nothing, dead = Plan("none"), standing.table["dead"]
    for kind, those in planned.items():
        known = standing.documents.get(kind, {})
        planned[kind] = [
            p if i not in blocked or (i in freed and seqs[i] in known and known[seqs[i]].state in dead) else nothing
            for i, p in enumerate(those)
        ]
    return planned


def _reserve(office: Office, shipment_id: int, batch: Batch, blocked: set[int]) -> dict[int, str]:
    """Reserve of the books what an import's parcels need, and hold those that a book refuses, in one transaction.

    Returns the refused ones (position -> fault code). It comes before the messages are stored: a process that dies in
    between leaves ready parcels with what they reserved, and the next run finds that they hold it.
    """
    if not is_import(batch):
        return {}
    at = {seq: n for n, seq in enumerate(batch.parcels["parcel.seq"].tolist())}
    wanted = part_of(batch, {seq for seq, n in at.items() if n not in blocked})
    with office.ledger.begin() as tx:
        refused = reserve(tx, shipment_id, wanted, clock.now(), company_rates(office.home))
        parcels.set_parcel_states(tx, shipment_id, {seq: ("held", code) for seq, code in refused.items()})
    return {at[seq]: code for seq, code in refused.items()}


def _beyond(
    planned: dict[str, list[Plan]], seqs: list[int], elsewhere: dict[tuple[str, int], int]
) -> dict[str, list[Plan]]:
    """The plans, their attempts after those that another truck made of the same parcel before it lost it."""
    for kind, those in planned.items() if elsewhere else ():
        used = [elsewhere.get((kind, seq), 0) for seq in seqs]
        planned[kind] = [replace(p, attempt=max(p.attempt, n + 1)) for p, n in zip(those, used, strict=True)]
    return planned


def _alike(planned: dict[str, list[Plan]], refused: Collection[int]) -> list[tuple[tuple[str, ...], np.ndarray]]:
    """Message types by the parcels that need such a document: types with the same parcels share their columns."""
    groups: dict[bytes, tuple[list[str], np.ndarray]] = {}
    for kind, those in planned.items():
        chosen = np.array([p.action in ("new", "change") and i not in refused for i, p in enumerate(those)])
        if chosen.any():
            groups.setdefault(chosen.tobytes(), ([], chosen))[0].append(kind)
    return [(tuple(kinds), chosen) for kinds, chosen in groups.values()]


def _making(office: Office, kinds: tuple[str, ...], planned: dict[str, list[Plan]], chosen: np.ndarray) -> Making:
    kept = {kind: [planned[kind][i] for i in np.flatnonzero(chosen).tolist()] for kind in kinds}
    return Making(
        office.identities,
        clock.now(),
        attempts={kind: np.array([p.attempt for p in those]) for kind, those in kept.items()},
        app_types={kind: np.array([2 if p.action == "change" else 1 for p in those]) for kind, those in kept.items()},
    )


def _digests(office: Office, shipment_id: int) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = orjson.loads(sources.load_snapshot(office.ledger, shipment_id, DIGESTS) or b"{}")
    return found


def declare_again(office: Office, standing: Standing, seqs: set[int]) -> set[int]:
    """Rejected (or cancelled) parcels that are to be declared anew as they are. Returns which."""
    chosen = standing.in_state("rejected", "cancelled") & seqs
    parcels.set_parcel_states(office.ledger, standing.id, dict.fromkeys(chosen, ("ready", "")))
    return chosen
