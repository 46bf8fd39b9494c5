"""How large a unit of work may be: dated settings (bounds.yaml, the user's own before the shipped one)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from mappings import yamls
from mappings.errors import ConfigurationError

_FILE = "bounds.yaml"


@lru_cache(maxsize=8)
def _read(path: Path, _stamp: int) -> Mapping[str, Any]:
    content: Mapping[str, Any] = yamls.load(path.read_bytes()) or {}
    return content


def _in_force(name: str, day: date, extra: Path | None) -> Mapping[str, Any]:
    for folder in [*([extra] if extra else []), Path(__file__).parent]:
        path = folder / _FILE
        rules = _read(path, path.stat().st_mtime_ns).get(name, []) if path.is_file() else []
        begun = [rule for rule in rules if rule["since"] <= day]
        if rules:  # on a day before the first entry that one holds: a bound there is always
            found: Mapping[str, Any] = (
                max(begun, key=lambda rule: rule["since"]) if begun else min(rules, key=lambda rule: rule["since"])
            )
            return found
    raise ConfigurationError(f"{_FILE}: there is no {name} 缺少该项设置")


def parcels_per_truck(day: date, extra: Path | None = None) -> int:
    """How many parcels one truck may have at the most on a day. Raises ConfigurationError."""
    return int(_in_force("parcels_per_truck", day, extra)["most"])


def pool(day: date, extra: Path | None = None) -> Mapping[str, Any]:
    """The bounds of reading files into the pool: rows_at_once, piece_bytes, whole_bytes, faults_kept."""
    return _in_force("pool", day, extra)
