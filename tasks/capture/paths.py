"""The values that a profile's paths name in JSON and XML records ("consignee.name", "payments.0.amount")."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd


def at(value: Any, path: str) -> Any:
    """What stands at a dotted path ("consignee.name", "payments.0.amount"); None when nothing does."""
    for part in path.split(".") if path else []:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit():
            value = value[int(part)] if int(part) < len(value) else None
        else:
            return None
    return value


def _deep(values: list[Any], path: str) -> list[Any]:
    """What stands at a dotted path in each value: step by step over all, so that the path is cut once."""
    for part in path.split("."):
        if not part.isdigit():
            values = [v.get(part) if isinstance(v, dict) else None for v in values]
        else:
            values = [at(v, part) for v in values]
    return values


def paths(items: list[Any], rows: str = "") -> set[str]:
    """All paths that occur in some records, those inside the list at `rows` with its path before them."""
    found: set[str] = set()
    for item in items:
        found.update(_paths(item, ""))
        for element in _inner(item, rows) if rows else []:
            found.update(_paths(element, f"{rows}."))
    return found


def _paths(value: Any, prefix: str) -> Iterator[str]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield f"{prefix}{key}"
        yield from _paths(inner, f"{prefix}{key}.")


def _inner(item: Any, rows: str) -> list[Any]:
    found = at(item, rows)
    return found if isinstance(found, list) else [] if found in (None, "") else [found]


def exploded(items: list[Any], numbers: np.ndarray, rows: str) -> tuple[list[tuple[Any, Any]], np.ndarray]:
    """Pairs (record, element of the list at `rows`) and their record numbers; without `rows` the records alone."""
    if not rows:
        return [(item, None) for item in items], numbers
    pairs, owners = [], []
    for item, number in zip(items, numbers.tolist(), strict=True):
        for element in _inner(item, rows):
            pairs.append((item, element))
            owners.append(number)
    return pairs, np.array(owners, dtype=np.int64)


def column(pairs: list[tuple[Any, Any]], path: str, rows: str) -> pd.Series:
    """The texts at a path, one a pair; a path that starts with `rows` is looked up in the element."""
    inner = path[len(rows) + 1 :] if rows and path.startswith(f"{rows}.") else ""
    which, wanted = (1, inner) if inner else (0, path)
    if rows and path == rows:
        values = [p[1] for p in pairs]
    elif "." not in wanted:
        values = [p[which].get(wanted) if isinstance(p[which], dict) else None for p in pairs]
    else:
        values = _deep([p[which] for p in pairs], wanted)
    return pd.Series([v if type(v) is str else _text(v) for v in values], dtype="str")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return _text(value.get("#text"))
    return " ".join(_text(v) for v in value) if isinstance(value, list) else str(value)
