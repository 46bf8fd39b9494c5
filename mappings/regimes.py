"""What differs in an authority's messages by direction and regime, as a table (mappings/cn_ecommerce/regimes.yaml)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from mappings import yamls
from mappings.engine.spec import MAPPINGS
from mappings.errors import Unsupported


@dataclass(frozen=True)
class Regime:
    """One kind of crossing; the words are explained at the head of the table."""

    values: Mapping[str, str]
    takes: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    without: frozenset[str] = frozenset()
    instead: Mapping[str, str] = field(default_factory=dict)
    party: Mapping[str, str] = field(default_factory=dict)


@lru_cache
def _table(authority: str) -> dict[str, Any]:
    content: dict[str, Any] = yamls.load((MAPPINGS / authority / "regimes.yaml").read_text(encoding="utf-8"))
    return content


@lru_cache
def load(direction: str, regime: str, authority: str = "cn_ecommerce") -> Regime:
    """What the authority's messages need of a direction and regime. Raises Unsupported where nothing is written."""
    found = _table(authority).get(direction, {}).get(regime)
    if found is None:
        raise Unsupported(f"{authority}: nothing is known of {direction} {regime} 尚无该监管方式的对照")
    return Regime(
        values=found["values"],
        takes=found.get("takes", {}),
        needs=tuple(found.get("needs", ())),
        without=frozenset(found.get("without", ())),
        instead=found.get("instead", {}),
        party=found.get("party", {}),
    )
