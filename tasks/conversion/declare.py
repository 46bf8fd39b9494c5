"""Parcel documents of China's e-commerce: order, payment, waybill, inventory (303, 403, 505, 603; 311, 411, 511, 621).

All come from the same columns. Which types declare a parcel is in the procedure's file, what they are made of
in mappings/cn_ecommerce/messages, who sends them in roles.yaml. At most 100 documents a message (xsd 202205).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import Any

import numpy as np

from mappings import procedures
from mappings.canonical.batch import Batch
from mappings.canonical.model import Truck
from mappings.engine import spec, writer
from mappings.engine.rows import Rows, Value, texts
from mappings.engine.spec import Field
from tasks.conversion import sources
from tasks.conversion.messages import Framed, Making, OutDocument, OutMessage
from tasks.conversion.partners import AUTHORITY, roles, theirs

COP_NO = "document.cop_no"
PARCEL_TYPES = procedures.load("export", "9610").parcel_types  # of the truck that the first release knew


def parcel_types(truck: Truck) -> tuple[str, ...]:
    """The message types that declare a parcel of this truck, in order (mappings/procedures)."""
    return procedures.load(truck.direction, truck.regime).parcel_types


def reports(truck: Truck) -> tuple[str, ...]:
    """The types that tell of single parcels after they are declared: what steps send besides parcels and lists."""
    procedure = procedures.load(truck.direction, truck.regime)
    sent = [kind for step in procedure.steps for kind in step.sends]
    others = {*procedure.parcel_types, *procedure.lists}
    return tuple(kind for kind in sent if kind in roles()["messages"] and kind not in others)


def owner_of(truck: Truck, message_type: str) -> str:
    """The role that sends a type: the first of the table that can (a foreign platform has no code to send under)."""
    entry = roles()["messages"][message_type]
    able = (role for role in (entry["role"], *entry.get("or", ())) if (party := truck.parties.get(role)) and party.code)
    return next((role for role in able if truck.parties[role].dxp_id), str(entry["role"]))


def cop_room(message_type: str) -> int:
    """How long the start of a type's copNo may be, by the length that its file gives the field."""
    found = spec.load(message_type).find("copNo")
    return sources.COP_NO_BODY if found is None or (found[1].length or 30) >= 30 else sources.COP_NO_SHORT


def wanted(batch: Batch, message_type: str) -> np.ndarray:
    """Which parcels have such a document of ours: those with the value that it needs, none where a partner sends it."""
    if message_type in theirs(batch.truck):
        return np.zeros(len(batch.parcels), dtype=bool)
    needs = roles()["messages"][message_type].get("needs")
    if not needs:
        return np.ones(len(batch.parcels), dtype=bool)
    return batch.parcels[needs].notna().to_numpy()


@dataclass(frozen=True)
class Part:
    """The parcels of a batch that have documents of one type; several types may share one."""

    chosen: np.ndarray  # bool, one a parcel of the whole batch
    master_waybill: str
    seqs: np.ndarray
    parcels: Rows
    lines: Rows


def _part(batch: Batch, chosen: np.ndarray) -> Part:
    some = batch if chosen.all() else batch.select(chosen)
    seqs = some.parcels["parcel.seq"].to_numpy()
    return Part(chosen, batch.truck.master_waybill, seqs, sources.parcel_rows(some), sources.line_rows(some))


def parts(batch: Batch, types: tuple[str, ...]) -> Iterator[tuple[str, Part]]:
    """For each message type the parcels that have such a document."""
    for message_type in types:
        chosen = wanted(batch, message_type)
        yield message_type, batch.once(("part", chosen.tobytes()), partial(_part, batch, chosen))


def document_values(part: Part, message_type: str, making: Making) -> dict[str, Value]:
    """The document.* values of the chosen parcels: guid, kind of application, time, our number."""
    count, chosen = part.parcels.count, part.chosen
    ones = np.ones(len(chosen), dtype=int)
    attempts = making.attempts.get(message_type, ones)[chosen]
    app_types = making.app_types.get(message_type, ones)[chosen]
    values: dict[str, Value] = {
        "document.guid": making.identities.guids(count),
        "document.app_type": [str(a) for a in app_types.tolist()],
        "document.app_time": making.at,
        "document.attempt": attempts.tolist(),
    }
    if COP_NO in roles()["messages"][message_type]["key"]:
        values[COP_NO] = sources.cop_numbers(part.master_waybill, part.seqs, attempts, cop_room(message_type))
    return values


def rows_of(part: Part, message_type: str, values: dict[str, Value]) -> tuple[Rows, dict[str, Rows]]:
    """The head rows and the repeated rows of a parcel document."""
    listed = roles()["messages"][message_type].get("list")
    return part.parcels.adding(values), ({listed: part.lines} if listed else {})


def business_keys(message_type: str, rows: Rows) -> list[str]:
    """The business key of every document, as its receipt gives it back."""
    message = spec.load(message_type)
    columns = []
    for path in roles()["messages"][message_type]["key"]:
        column = texts(message, Field(path, "C", None, False, None, "O", source=path), rows)
        columns.append(repeat(column, rows.count) if isinstance(column, str) else column)
    return list(map("|".join, zip(*columns, strict=True)))


def _documents(part: Part, message_type: str, values: dict[str, Any], rows: Rows) -> list[OutDocument]:
    own = (values[f"document.{name}"] for name in ("attempt", "app_type"))
    keys = business_keys(message_type, rows)
    return list(map(OutDocument, values["document.guid"], keys, part.seqs.tolist(), *own))


def _messages(batch: Batch, part: Part, message_type: str, making: Making) -> list[OutMessage]:
    if not part.parcels.count:
        return []
    values = document_values(part, message_type, making)
    rows, lists = rows_of(part, message_type, values)
    owner = owner_of(batch.truck, message_type)
    size = min(making.batch_of, spec.load(message_type).most_documents)
    guids = making.identities.guids(-(-rows.count // size))
    sender = sources.sender_values(batch.truck, owner)
    written = writer.write(message_type, rows, lists, sender, guids, size)
    documents = _documents(part, message_type, values, rows)
    first = making.first_seq.get(message_type, 1)
    return [
        OutMessage(AUTHORITY, message_type, first + n, w.guid, w.body, owner, documents[w.start : w.stop], Framed.of(w))
        for n, w in enumerate(written)
    ]


def declarations(batch: Batch, making: Making, types: tuple[str, ...] = ()) -> list[OutMessage]:
    """The messages of `types` (left out: those that declare) for every parcel of `batch` (give it `batch.ready()`)."""
    types = types or parcel_types(batch.truck)
    return [message for kind, part in parts(batch, types) for message in _messages(batch, part, kind, making)]
