"""The rules of the road cargo system (hk.md 2 and 3), each giving an error code of codes/error.csv."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime

from adapters.sandbox.hk_customs import settings
from adapters.sandbox.hk_customs.reading import Arrived
from adapters.sandbox.hk_customs.store import Row
from mappings.engine import schema
from mappings.hk_road.tables import HONG_KONG, limit

NEW, AMEND, CANCEL = "9", "5", "1"
BUNDLE, UNBUNDLE = "9", "1"
AWAY = ("at_control_point", "inspection", "released", "detained", "crossed")


def _filled(path: str) -> Callable[[Arrived], bool]:
    return lambda arrived: bool(arrived.values.get(path))


def _count(arrived: Arrived) -> bool:
    text = arrived.values.get("Packaging/QuantityQuantity", "")
    return len(text) <= 8 and text.isascii() and text.isdigit() and int(text) > 0


def arrival(arrived: Arrived) -> date | None:
    """The expected arrival date, None where there is none."""
    text = arrived.values.get("Consignment/ArrivalDateTime", "")
    try:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=HONG_KONG).date()
    except ValueError:
        return None


MANDATORY: dict[str, Callable[[Arrived], bool]] = {  # the eight items [S01]
    "HKR001": _count,
    "HKR002": _filled("Packaging/Description"),
    "HKR003": _filled("Commodity/Description"),
    "HKR004": _filled("Consignor/Name"),
    "HKR005": _filled("Consignor/Line"),
    "HKR006": _filled("Consignee/Name"),
    "HKR007": _filled("Consignee/Line"),
    "HKR008": lambda arrived: arrival(arrived) is not None,
}


def items(arrived: Arrived, now: datetime) -> list[str]:
    """Errors of the eight items and of the window."""
    errors = [code for code, holds in MANDATORY.items() if not holds(arrived)]
    expected, today = arrival(arrived), now.astimezone(HONG_KONG).date()
    if expected is None:
        return errors
    if expected < today:
        errors.append("HKR011")
    elif expected - limit("aci_earliest", today) > today:
        errors.append("HKR010")
    return errors


def shape(arrived: Arrived) -> list[str]:
    """Whether the message follows its schema (asked when nothing else is wrong)."""
    return [] if schema.validator(arrived.type, True).validate(arrived.reading.root) else ["HKR050"]


def aci(arrived: Arrived, standing: Row | None, bundled: str, known: bool, now: datetime) -> list[str]:
    """Errors of a lodging, amendment or cancellation.

    `standing` is the consignment with its CCRN, `bundled` the state of its bundle, `known` whether another message had
    the same reference before.
    """
    if arrived.function not in (NEW, AMEND, CANCEL):
        return ["HKR040"]
    errors = ["HKR020"] if known else []
    if arrived.function != NEW:
        errors += _standing(standing, bundled)
    if arrived.function != CANCEL:
        errors += items(arrived, now)
    return errors or shape(arrived)


def _standing(standing: Row | None, bundled: str) -> list[str]:
    if standing is None or standing["state"] == "cancelled":
        return ["HKR021"]
    if bundled in (*AWAY, "repatriated"):
        return ["HKR033"]
    return ["HKR022"] if bundled == "bundled" else []


def bundle(arrived: Arrived, standing: Row | None, current: Row | None, known: bool) -> list[str]:
    """Errors of a bundling or unbundling; `current` is the consignment's latest bundle."""
    if arrived.function not in (BUNDLE, UNBUNDLE):
        return ["HKR040"]
    errors = ["HKR020"] if known else []
    if not re.fullmatch(settings.profile()["vehicle"], arrived.vehicle):
        errors.append("HKR030")
    if standing is None or standing["state"] == "cancelled":
        return [*errors, "HKR021"]
    state, vehicle = (current["state"], current["vehicle"]) if current else ("", "")
    if state in AWAY or state == "repatriated":
        errors.append("HKR033")
    elif arrived.function == BUNDLE and state == "bundled":
        errors.append("HKR031")
    elif arrived.function == UNBUNDLE and (state != "bundled" or vehicle != arrived.vehicle):
        errors.append("HKR032")
    return errors or shape(arrived)
