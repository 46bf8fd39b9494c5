"""The dated parameters of imports (parameters.yaml): what holds on a day in Beijing, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

from mappings import clock, yamls
from mappings.canonical.columns import scaled
from mappings.errors import ConfigurationError

_FILE = Path(__file__).parent / "parameters.yaml"


@lru_cache
def table() -> dict[str, Any]:
    """All parameters by name: zh, en and their dated values."""
    found: dict[str, Any] = yamls.load(_FILE.read_bytes())
    return found


def beijing(at: datetime) -> date:
    """The day in Beijing at an aware time: it says which limits hold and in which year a purchase counts."""
    return at.astimezone(clock.CHINA).date()


def today() -> date:
    """The day in Beijing on this process's clock."""
    return beijing(clock.now())


def in_force(values: Iterable[Mapping[str, Any]], day: date) -> Mapping[str, Any] | None:
    """The entry that holds on a day, or None before the first."""
    begun = [value for value in values if value["from"] <= day]
    return max(begun, key=lambda value: value["from"]) if begun else None


def entry(name: str, day: date) -> Mapping[str, Any]:
    """A parameter's entry on a day: value, reference, unverified. Raises ConfigurationError before its first."""
    if name not in table():
        known = ", ".join(table())
        raise ConfigurationError(f"There is no import parameter {name!r} 没有该进口参数; known 已有: {known}")
    found = in_force(table()[name]["values"], day)
    if found is None:
        raise ConfigurationError(f"The import parameter {name!r} has no value on {day} 该日期没有此参数 ({_FILE.name})")
    return found


def value(name: str, day: date) -> Any:
    """A parameter's value on a day, as the file writes it."""
    return entry(name, day)["value"]


def money(name: str, day: date) -> int:
    """A parameter of yuan as a scaled integer."""
    return scaled(Decimal(value(name, day)))


def share(name: str, day: date) -> Fraction:
    """A share as an exact ratio."""
    return Fraction(value(name, day))


def unverified() -> list[tuple[str, date, str]]:
    """What nobody could check: name, since when, and where it is from."""
    return [
        (name, one["from"], one["reference"])
        for name, known in table().items()
        for one in known["values"]
        if one.get("unverified")
    ]
