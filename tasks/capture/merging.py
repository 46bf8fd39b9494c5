"""Several deliveries of a shipment's files as one: what comes later wins, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from mappings import faults
from tasks.capture.captured import Captured

_KEYS = {"goods": "goods.item_no"}  # of a table's rows; else the order's number


def merged(parts: Sequence[Captured]) -> Captured:
    """Several deliveries as one: the rows of a later one replace those of the same order (or item) before it."""
    if len(parts) == 1:
        return parts[0]
    whole = Captured(truck=next((p.truck for p in reversed(parts) if p.truck), None))
    for name in dict.fromkeys(name for part in parts for name in part.tables):
        key = _KEYS.get(name, f"{name}.order_no")
        newer: set[Any] = set()
        kept: list[Any] = []
        of_parts = [part.tables[name] for part in parts if name in part.tables]
        for number, tables in reversed(list(enumerate(of_parts))):
            kept[:0] = [_without(table, key, newer) for table in tables]
            if number:  # the oldest replaces nothing
                newer |= {value for table in tables if key in table.data for value in table.data[key].tolist()}
        whole.tables[name] = kept
    whole.corrections = [c for part in parts for c in part.corrections]
    whole.files = [f for part in parts for f in part.files]
    whole.missing = [name for name in parts[0].missing if all(name in part.missing for part in parts)]
    whole.faults = _all_faults(parts)
    return whole


def _all_faults(parts: Sequence[Captured]) -> pd.DataFrame:
    """The faults of every delivery; a kind of file is missing only where none has brought it."""
    if not any(len(part.faults) for part in parts):
        return faults.frame([])
    lacks = [part.faults["code"] == "CAP-002" for part in parts]
    never = set.intersection(*(set(p.faults["value"][lack]) for p, lack in zip(parts, lacks, strict=True)))
    missing = parts[0].faults[lacks[0] & parts[0].faults["value"].isin(never)]
    others = [part.faults[~lack] for part, lack in zip(parts, lacks, strict=True)]
    return pd.concat([missing, *others], ignore_index=True)


def _without(table: Any, key: str, newer: set[Any]) -> Any:
    if not newer or key not in table.data:
        return table
    keep = ~table.data[key].isin(newer).to_numpy()
    return replace(table, data=table.data[keep].reset_index(drop=True), rows=table.rows[keep])
