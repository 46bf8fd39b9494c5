"""Which messages of a shipment a partner sends itself: of those we prepare none, and wait for none.

A message type's own mode, the dated table `partners` (both in roles.yaml) and the truck's companies (`sends_itself`)
say it; any of them is enough.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any

from mappings import clock, procedures, yamls
from mappings.canonical.model import Truck
from mappings.engine.spec import MAPPINGS
from mappings.errors import ConfigurationError

AUTHORITY = "cn_ecommerce"
MODES = ("we_send", "partner_sends")


@lru_cache
def roles() -> dict[str, Any]:
    """Who says what to whom (mappings/cn_ecommerce/roles.yaml). Raises ConfigurationError for a mode that is none."""
    table: dict[str, Any] = yamls.load((MAPPINGS / AUTHORITY / "roles.yaml").read_text(encoding="utf-8"))
    for kind, entry in table["messages"].items():
        if entry["mode"] not in MODES or (entry["says"] == "inventory" and entry["mode"] != "we_send"):
            raise ConfigurationError(f"roles.yaml: {kind} cannot have the mode {entry['mode']} 报送方式有误")
    return table


def theirs(truck: Truck) -> frozenset[str]:
    """The message types that a partner sends itself in this shipment."""
    table = roles()
    day = truck.planned.departure.astimezone(clock.CHINA).date()
    known = table["messages"].items()
    return frozenset(
        kind for kind, entry in known if kind in _sent(truck) and _partner(truck, entry, table["partners"], day)
    )


def _sent(truck: Truck) -> frozenset[str]:
    """The message types that the truck's procedure has, whoever sends them."""
    steps = procedures.load(truck.direction, truck.regime).steps
    return frozenset(kind for step in steps for kind in step.sends)


def _partner(truck: Truck, entry: dict[str, Any], partners: list[dict[str, Any]], day: date) -> bool:
    if entry["mode"] == "partner_sends":
        return True
    party = truck.parties.get(entry["role"])
    if party is None:
        return False
    agreed = (row for row in partners if row["role"] == entry["role"] and row["code"] == party.code)
    standing = {said for row in agreed if _holds(row, day) for said in row["says"]}
    return entry["says"] in {*party.sends_itself, *standing}


def _holds(row: dict[str, Any], day: date) -> bool:
    return bool(row["since"] <= day <= row.get("until", date.max))


def signers(truck: Truck) -> set[str]:
    """The roles whose keys sign something of this shipment."""
    others = theirs(truck)
    ours = _sent(truck) - others
    return {entry["role"] for kind, entry in roles()["messages"].items() if kind in ours}
