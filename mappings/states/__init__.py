"""States of documents as each authority's states.yaml gives them: rank, what is final, what may follow.

The tables decide what a receipt does: later and higher moves a document on, lower is late, and a receipt that
contradicts a final state is a visible conflict.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

from mappings.engine.spec import MAPPINGS
from mappings.errors import ConfigurationError


@dataclass(frozen=True)
class State:
    """One state of one document type. `may_follow_final` names the states that may still come after it, if final."""

    state: str
    rank: int
    final: bool
    zh: str
    en: str
    wait: str = ""
    statuses: tuple[str, ...] = ()
    may_follow_final: frozenset[str] = frozenset()


def _state(name: str, raw: dict[str, Any], after: dict[str, list[str]]) -> State:
    statuses = raw.get("status", ())
    return State(
        state=name,
        rank=raw["rank"],
        final=bool(raw.get("final", False)),
        zh=raw["zh"],
        en=raw["en"],
        wait=raw.get("wait", ""),
        statuses=(statuses,) if isinstance(statuses, str) else tuple(statuses),
        may_follow_final=frozenset(after.get(name, ())),
    )


@lru_cache
def document_states(authority: str) -> dict[str, dict[str, State]]:
    """Every state by document type and name."""
    path = MAPPINGS / authority / "states.yaml"
    if not path.is_file():
        raise ConfigurationError(f"{authority} has no states: mappings/{authority}/states.yaml is missing")
    tables = yaml.safe_load(path.read_text(encoding="utf-8"))
    found = {}
    for kind, table in tables.items():
        if "states" in table:
            finals = {s for s, raw in table["states"].items() if raw.get("final")}
            after = table.get("after_final") or {s: n for s, n in table.get("next", {}).items() if s in finals}
            found[kind] = {name: _state(name, raw, after) for name, raw in table["states"].items()}
    return found


@lru_cache
def rank_table(authority: str) -> dict[tuple[str, str], State]:
    """The state that a return status brings a document type into; status "negative" stands for any below 0."""
    return {
        (kind, status): state
        for kind, states in document_states(authority).items()
        for state in states.values()
        for status in state.statuses
    }


def state_of(authority: str, kind: str, status: str) -> State | None:
    """The state for a document type and return status; None for a status that the table does not know."""
    table = rank_table(authority)
    found = table.get((kind, status))
    if found is None and status.startswith("-"):
        found = table.get((kind, "negative"))
    return found
