"""Parcel documents of China's e-commerce export: order, money received, waybill, inventory (303, 403, 505, 603).

All four come from the same columns; what they are made of is in mappings/cn_ecommerce/messages, who sends them in
roles.yaml. At most 100 documents a message (xsd 202205).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import yaml

from mappings.canonical.batch import Batch
from mappings.engine import spec, writer
from mappings.engine.rows import Rows, Value, texts
from mappings.engine.spec import MAPPINGS, Field
from tasks.conversion import sources
from tasks.conversion.messages import Making, OutDocument, OutMessage

AUTHORITY = "cn_ecommerce"
PARCEL_TYPES = ("CEB303Message", "CEB403Message", "CEB505Message", "CEB603Message")


@lru_cache
def roles() -> dict[str, Any]:
    """Who says what to whom (mappings/cn_ecommerce/roles.yaml)."""
    return yaml.safe_load((MAPPINGS / AUTHORITY / "roles.yaml").read_text(encoding="utf-8"))


def wanted(batch: Batch, message_type: str) -> np.ndarray:
    """Which parcels have such a document: those with the value that it needs."""
    needs = roles()["messages"][message_type].get("needs")
    if not needs:
        return np.ones(len(batch.parcels), dtype=bool)
    return batch.parcels[needs].notna().to_numpy()


def document_values(batch: Batch, message_type: str, making: Making, chosen: np.ndarray) -> dict[str, Value]:
    """The document.* values of the chosen parcels: guid, kind of application, time, our number."""
    count = int(chosen.sum())
    ones = np.ones(len(chosen), dtype=int)
    attempts = making.attempts.get(message_type, ones)[chosen]
    app_types = making.app_types.get(message_type, ones)[chosen]
    seqs = batch.parcels["parcel.seq"].to_numpy()[chosen]
    return {
        "document.guid": making.identities.guids(count),
        "document.app_type": "1" if (app_types == 1).all() else [str(a) for a in app_types.tolist()],
        "document.app_time": making.at,
        "document.attempt": attempts,
        "document.cop_no": sources.cop_numbers(batch.truck.master_waybill, seqs, attempts),
    }


def rows_of(batch: Batch, message_type: str, values: dict[str, Value]) -> tuple[Rows, dict[str, Rows]]:
    """The head rows and the repeated rows of a parcel document."""
    listed = roles()["messages"][message_type].get("list")
    return sources.parcel_rows(batch, values), ({listed: sources.line_rows(batch)} if listed else {})


def business_keys(message_type: str, rows: Rows) -> list[str]:
    """The business key of every document, as its receipt gives it back."""
    message = spec.load(message_type)
    parts = []
    for path in roles()["messages"][message_type]["key"]:
        part = texts(message, Field(path, "C", None, False, None, "O", source=path), rows)
        parts.append([part] * rows.count if isinstance(part, str) else part)
    return ["|".join(key) for key in zip(*parts, strict=True)]


def _messages(batch: Batch, message_type: str, making: Making) -> list[OutMessage]:
    chosen = wanted(batch, message_type)
    part = batch if chosen.all() else batch.select(chosen)
    if not len(part.parcels):
        return []
    values = document_values(batch, message_type, making, chosen)
    rows, lists = rows_of(part, message_type, values)
    owner = roles()["messages"][message_type]["role"]
    guids = making.identities.guids(-(-rows.count // making.batch_of))
    sender = sources.sender_values(batch.truck, owner)
    written = writer.write(message_type, rows, lists, sender, guids, making.batch_of)
    attempts = pd.Series(values["document.attempt"]).tolist()
    app_types = values["document.app_type"] if isinstance(values["document.app_type"], list) else ["1"] * rows.count
    seqs = part.parcels["parcel.seq"].tolist()
    columns = (values["document.guid"], business_keys(message_type, rows), seqs, attempts, app_types)
    documents = list(map(OutDocument, *columns))  # type: ignore[call-overload]
    first = making.first_seq.get(message_type, 1)
    return [
        OutMessage(AUTHORITY, message_type, first + n, w.guid, w.body, owner, documents[w.start : w.stop])
        for n, w in enumerate(written)
    ]


def declarations(batch: Batch, making: Making, types: tuple[str, ...] = PARCEL_TYPES) -> list[OutMessage]:
    """The messages that declare every parcel of `batch` (give it `batch.ready()`), type by type."""
    return [message for kind in types for message in _messages(batch, kind, making)]
