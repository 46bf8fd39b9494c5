"""Parcel documents of China's e-commerce export: order, money received, waybill, inventory (303, 403, 505, 603).

All four come from the same columns; what they are made of is in mappings/cn_ecommerce/messages, who sends them in
roles.yaml. At most 100 documents a message (xsd 202205).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import repeat
from typing import Any

import numpy as np
import yaml

from mappings.canonical.batch import Batch
from mappings.engine import spec, writer
from mappings.engine.rows import Rows, Value, texts
from mappings.engine.spec import MAPPINGS, Field
from mappings.errors import Unsupported
from tasks.conversion import sources
from tasks.conversion.messages import Making, OutDocument, OutMessage

AUTHORITY = "cn_ecommerce"
COP_NO = "document.cop_no"
PARCEL_TYPES = ("CEB303Message", "CEB403Message", "CEB505Message", "CEB603Message")


@lru_cache
def roles() -> dict[str, Any]:
    """Who says what to whom (mappings/cn_ecommerce/roles.yaml). Raises Unsupported for a mode that is not kept yet."""
    table: dict[str, Any] = yaml.safe_load((MAPPINGS / AUTHORITY / "roles.yaml").read_text(encoding="utf-8"))
    others = [kind for kind, row in table["messages"].items() if row["mode"] != "we_send"]
    if others:
        raise Unsupported(f"Only mode we_send is kept yet, not that of {', '.join(others)} 目前仅支持由我方发送")
    return table


def wanted(batch: Batch, message_type: str) -> np.ndarray:
    """Which parcels have such a document: those with the value that it needs."""
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
        values[COP_NO] = sources.cop_numbers(part.master_waybill, part.seqs, attempts)
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
    owner = roles()["messages"][message_type]["role"]
    size = min(making.batch_of, spec.load(message_type).most_documents)
    guids = making.identities.guids(-(-rows.count // size))
    sender = sources.sender_values(batch.truck, owner)
    written = writer.write(message_type, rows, lists, sender, guids, size)
    documents = _documents(part, message_type, values, rows)
    first = making.first_seq.get(message_type, 1)
    return [
        OutMessage(AUTHORITY, message_type, first + n, w.guid, w.body, owner, documents[w.start : w.stop])
        for n, w in enumerate(written)
    ]


def declarations(batch: Batch, making: Making, types: tuple[str, ...] = PARCEL_TYPES) -> list[OutMessage]:
    """The messages that declare every parcel of `batch` (give it `batch.ready()`), type by type."""
    return [message for kind, part in parts(batch, types) for message in _messages(batch, part, kind, making)]
