"""States of documents as each authority's states.yaml gives them: rank, what is final, what may follow.

The tables decide what a receipt does: later and higher moves a document on, lower is late, and a receipt that
contradicts a final state is a visible conflict.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mappings import yamls
from mappings.engine.spec import MAPPINGS
from mappings.errors import ConfigurationError

NEGATIVE = "negative"


@dataclass(frozen=True)
class State:
    """One state of one document type. `follow` are the return statuses that may come after it although it is final."""

    state: str
    rank: int
    final: bool
    zh: str
    en: str
    wait: str = ""
    statuses: tuple[str, ...] = ()
    follow: frozenset[str] = frozenset()


class RankTable(dict[tuple[str, str], State]):
    """State by (document type, return status); a status below 0 that has no row of its own is read as "negative"."""

    def __missing__(self, key: tuple[str, str]) -> State:
        kind, status = key
        if status.startswith("-"):
            return self[kind, NEGATIVE]
        raise KeyError(key)

    def get(self, key: tuple[str, str], default: Any = None) -> Any:
        """The state, or `default` for a status that the table does not know."""
        try:
            return self[key]
        except KeyError:
            return default


def _statuses(raw: dict[str, Any]) -> tuple[str, ...]:
    statuses = raw.get("status", ())
    return (statuses,) if isinstance(statuses, str) else tuple(statuses)


def _state(name: str, raw: dict[str, Any], after: dict[str, list[str]], table: dict[str, Any]) -> State:
    following = (_statuses(table[state]) for state in after.get(name, ()))
    return State(
        state=name,
        rank=raw["rank"],
        final=bool(raw.get("final", False)),
        zh=raw["zh"],
        en=raw["en"],
        wait=raw.get("wait", ""),
        statuses=_statuses(raw),
        follow=frozenset(status for statuses in following for status in statuses),
    )


@lru_cache
def document_states(authority: str) -> dict[str, dict[str, State]]:
    """Every state by document type and name."""
    path = MAPPINGS / authority / "states.yaml"
    if not path.is_file():
        raise ConfigurationError(f"{authority} has no states: mappings/{authority}/states.yaml is missing")
    tables = yamls.load(path.read_text(encoding="utf-8"))
    found = {}
    for kind, table in tables.items():
        if "states" in table:
            finals = {s for s, raw in table["states"].items() if raw.get("final")}
            after = table.get("after_final") or {s: n for s, n in table.get("next", {}).items() if s in finals}
            found[kind] = {name: _state(name, raw, after, table["states"]) for name, raw in table["states"].items()}
    return found


@lru_cache
def rank_table(authority: str) -> RankTable:
    """The state that a return status brings a document type into."""
    table = RankTable()
    for kind, states in document_states(authority).items():
        for state in states.values():
            table.update({(kind, status): state for status in state.statuses})
    return table
