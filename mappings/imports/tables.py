"""The small tables of this folder, read once: rules of identity, books, tax bill, stock file."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from mappings import yamls
from mappings.errors import ConfigurationError
from mappings.rules import Rule

_HERE = Path(__file__).parent
ACTIONS = ("keep", "take", "give_back", "give_back_rest")


@lru_cache
def table(name: str) -> dict[str, Any]:
    """The YAML table `name`."""
    found: dict[str, Any] = yamls.load((_HERE / f"{name}.yaml").read_bytes())
    return found


@lru_cache
def identity_rules() -> tuple[Rule, ...]:
    """The checks of people's and companies' numbers."""
    return tuple(Rule(**rule) for rule in table("identity")["rules"])


def action(state: str) -> str:
    """What a parcel's state does to the books. Raises ConfigurationError for a state that the table does not know."""
    found: str | None = table("books")["states"].get(state)
    if found is None:
        raise ConfigurationError(
            f"mappings/imports/books.yaml does not know the parcel state {state!r} 该状态未登记: say under `states` "
            "whether it keeps, takes or gives back what the parcel holds"
        )
    return found


def bill_action(status: str) -> str:
    """What a tax bill's status does to the guarantee. Raises ConfigurationError."""
    found: str | None = table("books")["bills"].get(status)
    if found is None:
        raise ConfigurationError(f"A tax bill has no status {status!r} 税单没有该状态 (1, 2, 3)")
    return found


def refusal(book: str, reason: str) -> str:
    """The fault code of a parcel that a book refuses (short, unopened, unit)."""
    return str(table("books")["books"][book][reason])
