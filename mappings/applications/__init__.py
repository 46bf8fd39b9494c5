"""Applications: what may be asked for after a declaration (cancel, return, tally, summary), as tables.

One file a kind; in it, by direction, the inventory that it is about and the message that is sent (decision 0008).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from mappings import yamls
from mappings.errors import ConfigurationError, Unsupported

_HERE = Path(__file__).parent
MAY, DONE = "may", "done"


@dataclass(frozen=True)
class Rule:
    """One kind of application in one direction; `inventory` says by the inventory's state whether it may be asked."""

    kind: str
    direction: str
    zh: str
    en: str
    letter: str
    about: str
    sends: str
    checks: tuple[str, ...]
    granted: frozenset[str]
    moves: dict[str, str]
    ends: dict[str, str]
    inventory: dict[str, str]
    settings: dict[str, Any] = field(default_factory=dict)

    def verdict(self, state: str) -> str:
        """`may`, `done` (there is nothing left to ask for), or the code of the fault that says why not."""
        return self.inventory.get(state or "none", self.inventory.get("otherwise", "APP-010"))

    def value(self, setting: str, default: Any = None) -> Any:
        """A dated setting's value."""
        found = self.settings.get(setting, default)
        return found["value"] if isinstance(found, dict) and "value" in found else found


def _load(name: str) -> Any:
    return yamls.load((_HERE / f"{name}.yaml").read_text(encoding="utf-8"))


@lru_cache
def kinds() -> tuple[str, ...]:
    """Every kind of application, by name."""
    return tuple(sorted(p.stem for p in _HERE.glob("*.yaml") if "kind" in _load(p.stem)))


@lru_cache
def rules() -> dict[tuple[str, str], Rule]:
    """Every rule by (kind, direction)."""
    return {(rule.kind, rule.direction): rule for kind in kinds() for rule in _rules(_load(kind))}


def _rules(table: dict[str, Any]) -> list[Rule]:
    return [
        Rule(
            kind=table["kind"],
            direction=direction,
            zh=table["title"]["zh"],
            en=table["title"]["en"],
            letter=table["letter"],
            about=row["about"],
            sends=row["sends"],
            checks=tuple(row["checks"]),
            granted=frozenset(table["granted"]),
            moves=table["moves"],
            ends=table["ends"],
            inventory=table["inventory"],
            settings={**table, **row},
        )
        for direction, row in table["types"].items()
    ]


def rule(kind: str, direction: str) -> Rule:
    """The rule of a kind in a direction. Raises ConfigurationError for no kind, Unsupported for no such direction."""
    if kind not in kinds():
        raise ConfigurationError(f"No kind of application {kind!r} 没有该类申请; known 已有: {', '.join(kinds())}")
    found = rules().get((kind, direction))
    if found is None:
        raise Unsupported(f"There is no {kind} for an {direction} 该方向没有此类申请")
    return found


@lru_cache
def message_types() -> tuple[str, ...]:
    """The message types that applications send, in the order in which they are sent."""
    return tuple(dict.fromkeys(found.sends for found in rules().values()))


@lru_cache
def reasons() -> dict[str, dict[str, str]]:
    """Reasons to pick from: code -> {zh, en}."""
    found: dict[str, dict[str, str]] = _load("reasons")
    return found


def reason_text(given: str) -> str:
    """What the message says: a listed reason by its code or either text, else the words given."""
    text = given.strip()
    for code, row in reasons().items():
        if text.casefold() in (code, row["zh"], row["en"].casefold()):
            return row["zh"]
    return text


@lru_cache
def outcomes() -> dict[str, Any]:
    """What people call an application's state, and how runs about applications end."""
    found: dict[str, Any] = _load("outcomes")
    return found


@lru_cache
def headings() -> dict[str, list[str]]:
    """What people call the columns of a file of chosen parcels."""
    found: dict[str, list[str]] = _load("file")
    return found
