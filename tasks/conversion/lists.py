"""Documents about the whole truck, split where too long.

Export: master and sub list (607), arrival (507), departure (509). Import: warehouse-in list (711).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from mappings import procedures
from mappings.canonical.batch import Batch
from mappings.canonical.model import Truck
from mappings.engine import fit, spec, writer
from mappings.engine.rows import Rows
from mappings.errors import DataFault
from mappings.identity import seeded
from tasks.conversion import sources
from tasks.conversion.declare import AUTHORITY, business_keys, cop_room, owner_of, roles
from tasks.conversion.fit import fault_of
from tasks.conversion.messages import Framed, Making, OutDocument, OutMessage
from tasks.conversion.partners import theirs

LIST_TYPES = procedures.load("export", "9610").lists  # of the truck that the first release knew
PART = "document.part"


def list_types(truck: Truck) -> tuple[str, ...]:
    """The types of documents about this truck that name parcels, in the order in which they are due."""
    return procedures.load(truck.direction, truck.regime).lists


def part_bounds(count: int) -> np.ndarray:
    """Offsets of the parts of a list of `count` parcels."""
    size = roles()["parcels_per_list"]["value"]
    return np.append(np.arange(0, count, size), count)


def _values(batch: Batch, message_type: str, making: Making, bounds: np.ndarray) -> dict[str, Any]:
    parts = len(bounds) - 1
    entry = roles()["messages"][message_type]
    number = (
        f"{sources.cop_stem(batch.truck.master_waybill, cop_room(message_type))}-{entry['code']}-{making.supplement}"
    )
    apart = PART in entry["key"] or parts == 1  # where nothing else tells parts apart, their numbers do
    weights = batch.parcels["waybill.gross_weight"].to_numpy(dtype=np.int64)
    return {
        "document.guid": making.identities.guids(parts),
        "document.app_type": "1",
        "document.app_time": making.at,
        "document.cop_no": number if apart else [f"{number}.{n}" for n in range(1, parts + 1)],
        "document.part_count": parts,
        "document.part": pd.Series(range(1, parts + 1)),
        "list.gross_weight": pd.Series(np.add.reduceat(weights, bounds[:-1]), dtype="Int64"),
    }


def _rows(
    batch: Batch, message_type: str, making: Making, bounds: np.ndarray, departed: datetime | None
) -> tuple[Rows, dict[str, Rows]]:
    values = sources.truck_values(batch.truck) | _values(batch, message_type, making, bounds)
    rows = Rows(values | {"event.departed": departed}, len(bounds) - 1)
    return rows, {roles()["messages"][message_type]["list"]: sources.list_rows(batch, bounds)}


def truck_faults(message_type: str, rows: Rows, lists: dict[str, Rows]) -> list[dict[str, object]]:
    """What keeps a list document from being written: values of the truck that its fields cannot take."""
    return [fault_of(message_type, misfit) for misfit in fit.misfits(spec.load(message_type), rows, lists)]


def faults_ahead(batch: Batch, making: Making) -> list[dict[str, object]]:
    """Faults that the truck's list documents would have, found while there is time to mend them."""
    ready = batch.ready()
    if not len(ready.parcels):
        return []
    trial, bounds, departed = replace(making, identities=seeded(0)), part_bounds(len(ready.parcels)), making.at
    ours = [kind for kind in list_types(batch.truck) if kind not in theirs(batch.truck)]
    found = [truck_faults(kind, *_rows(ready, kind, trial, bounds, departed)) for kind in ours]
    return [row for rows in found for row in rows]


def listing(batch: Batch, message_type: str, making: Making, departed: datetime | None = None) -> list[OutMessage]:
    """The messages of one list document over the parcels of `batch`, one message a part (msgSeqNo 1..msgCount).

    `departed` is when the truck left the country, for 509.
    """
    if not len(batch.parcels) or message_type in theirs(batch.truck):
        return []
    bounds = part_bounds(len(batch.parcels))
    rows, lists = _rows(batch, message_type, making, bounds, departed)
    found = truck_faults(message_type, rows, lists)
    if found:
        told = "; ".join(f"{row['field']} {row['value']!r}" for row in found)
        raise DataFault(
            f"{message_type} cannot be written, the truck's data has faults 运输单资料有误: {told}", list(found)
        )
    owner = owner_of(batch.truck, message_type)
    sender = sources.sender_values(batch.truck, owner)
    written = writer.write(message_type, rows, lists, sender, making.identities.guids(rows.count), batch_of=1)
    keys = business_keys(message_type, rows)
    seqs = np.split(batch.parcels["parcel.seq"].to_numpy(), bounds[1:-1])
    guids: Any = rows.values["document.guid"]
    documents = [
        OutDocument(guid, key, None, making.supplement, "1", tuple(part.tolist()))
        for guid, key, part in zip(guids, keys, seqs, strict=True)
    ]
    first = making.first_seq.get(message_type, 1)
    return [
        OutMessage(AUTHORITY, message_type, first + n, w.guid, w.body, owner, [documents[n]], Framed.of(w))
        for n, w in enumerate(written)
    ]
