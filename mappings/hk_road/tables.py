"""The tables of this folder, read once: dated limits, description rule, conversion, states, next steps, pointers.

Facts: reference/hk_macao/hk.md, sections 2 and 3. Everything here is data; no number of Hong Kong stands in code.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from mappings import yamls
from mappings.errors import ConfigurationError

HONG_KONG = ZoneInfo("Asia/Hong_Kong")
_HERE = Path(__file__).parent
_UNITS = ("days", "minutes", "seconds")


@lru_cache
def table(name: str) -> dict[str, Any]:
    """The YAML table `name` of this folder. Raises ConfigurationError where there is none."""
    path = _HERE / f"{name}.yaml"
    if not path.is_file():
        raise ConfigurationError(f"Hong Kong has no table {name!r} 香港没有该表: mappings/hk_road/{name}.yaml")
    found: dict[str, Any] = yamls.load(path.read_bytes())
    return found


def limit(name: str, day: date) -> timedelta:
    """The time limit `name` (deadlines.yaml) that is in force on `day`. Raises ConfigurationError before its first."""
    held = [v for v in table("deadlines")[name]["values"] if v["from"] <= day]
    if not held:
        raise ConfigurationError(f"Hong Kong has no limit {name!r} on {day} 该日期没有此时限")
    last = max(held, key=lambda v: v["from"])
    return timedelta(**{unit: last[unit] for unit in _UNITS if unit in last})


def pointer(path: str) -> dict[str, str]:
    """The WCO error pointer (section, tag, element) of a canonical path."""
    found: dict[str, str] = table("pointers").get(path, table("pointers")["hk.message"])
    return found


def field_at(section: str, tag: str) -> str:
    """The canonical path that a WCO error pointer means, '' where we know none."""
    return next((p for p, at in table("pointers").items() if (at["section"], at["tag"]) == (section, tag)), "")
