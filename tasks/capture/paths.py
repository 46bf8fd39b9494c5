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


def every(values: list[Any], path: str) -> list[Any]:
    """All that stands at a dotted path below some values: lists on the way are entered, "*" means every entry.

    An entry of a mapping that "*" names has its key as "@key".
    """
    for part in path.split(".") if path else []:
        values = [inner for value in values for inner in _entries(value, part)]
    return [one for value in values for one in (value if isinstance(value, list) else [value]) if one not in (None, "")]


def _entries(value: Any, part: str) -> list[Any]:
    if isinstance(value, list) and part.isdigit():
        return value[int(part) : int(part) + 1]
    if isinstance(value, list) and part != "*":
        return [inner for one in value for inner in _entries(one, part)]
    if part == "*" and isinstance(value, dict):
        return [{**v, "@key": k} if isinstance(v, dict) else v for k, v in value.items()]
    found = value.get(part) if isinstance(value, dict) else value if part == "*" else None
    return [] if found in (None, "") else [found]


def paths(items: list[Any], rows: str = "") -> set[str]:
    """All paths that occur in some records, those inside the list at `rows` with its path before them."""
    found: set[str] = set()
    for item in items:
        found.update(_paths(item, ""))
        for chain in _chains(item, rows) if rows else []:
            for prefix, value in zip(_prefixes(rows)[1:], chain[1:], strict=True):
                found.update(_paths(value, prefix))
    return found


def _paths(value: Any, prefix: str) -> Iterator[str]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield f"{prefix}{key}"
        yield from _paths(inner, f"{prefix}{key}.")


def _prefixes(rows: str) -> list[str]:
    parts = rows.split(".") if rows else []
    return ["", *(".".join(parts[: n + 1]) + "." for n in range(len(parts)))]


def _chains(item: Any, rows: str) -> list[tuple[Any, ...]]:
    """The record with each element of the list at `rows`, and what stands on the way: one value a step of the path."""
    chains: list[tuple[Any, ...]] = [(item,)]
    for part in rows.split("."):
        chains = [(*chain, inner) for chain in chains for inner in every([chain[-1]], part)]
    return chains


def exploded(items: list[Any], numbers: np.ndarray, rows: str) -> tuple[list[tuple[Any, ...]], np.ndarray]:
    """Each record with the elements of the list at `rows` (lists on the way entered) and their record numbers."""
    if not rows:
        return [(item,) for item in items], numbers
    pairs, owners = list[tuple[Any, ...]](), []
    for item, number in zip(items, numbers.tolist(), strict=True):
        chains = _chains(item, rows)
        pairs += chains
        owners += [number] * len(chains)
    return pairs, np.array(owners, dtype=np.int64)


def column(pairs: list[tuple[Any, ...]], path: str, rows: str) -> pd.Series:
    """The texts at a path, one a row; a path that starts with `rows` (or a part of it) is looked up in that element."""
    prefixes = _prefixes(rows)
    which = max(n for n, prefix in enumerate(prefixes) if path.startswith(prefix))
    wanted = path[len(prefixes[which]) :]
    if rows and path == rows:
        values = [p[-1] for p in pairs]
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
