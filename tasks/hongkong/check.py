"""What keeps Hong Kong's messages from being made, found all at once: the eight items, the plate, the window."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from mappings import faults
from mappings.canonical.model import Truck
from mappings.engine.spec import load
from mappings.errors import DataFault
from mappings.hk_road.tables import HONG_KONG, limit, table
from tasks.hongkong.deadlines import deadlines
from tasks.hongkong.items import Items, lines, party

Fault = dict[str, Any]
_PLATE = re.compile(table("description")["plate"])
# item -> fault code, canonical path, element that limits its length
_ITEMS = {
    "package_description": ("HKA-002", "truck.package_kind", ""),
    "article_description": ("HKA-003", "line.hs_code", ""),
    "consignor_name": ("HKA-004", "party.seller.name", "Consignor/Name"),
    "consignor_address": ("HKA-005", "party.seller.address", "Consignor/Line"),
    "consignee_name": ("HKA-006", "party.hk_consignee.name", "Consignee/Name"),
    "consignee_address": ("HKA-007", "party.hk_consignee.address", "Consignee/Line"),
}
_LINES = 2


def item_faults(items: Items, truck: Truck) -> list[Fault]:
    """Every fault of the eight items and of who lodges them."""
    found = [] if items.packages > 0 else [_fault("HKA-001", "waybill.pieces", str(items.packages))]
    for name, (code, path, element) in _ITEMS.items():
        text = getattr(items, name)
        if not text.strip():
            found.append(_fault(code, path, ""))
        elif _too_long(text, element):
            found.append(_fault("HKA-009", path, text))
    if not party(truck, "hk_agent").name:
        found.append(_fault("HKA-011", "party.hk_agent.name", ""))
    return found


def plate_faults(plate: str) -> list[Fault]:
    """A missing or malformed Hong Kong registration mark."""
    return [] if _PLATE.fullmatch(plate) else [_fault("HKA-010", "truck.hk_plate", plate)]


def window_faults(truck: Truck, now: datetime, phases: Iterable[str] = ("early",)) -> list[Fault]:
    """The fault of a crossing that lies outside the window, for the phases asked about (early, late)."""
    crossing = truck.planned.crossing
    phase, day = deadlines(crossing).phase(now), crossing.date()
    kinds = {"early": ("HKA-012", "aci_earliest"), "late": ("HKA-013", "aci_latest")}
    if phase not in kinds or phase not in phases:
        return []
    code, name = kinds[phase]
    at = f"{crossing.astimezone(HONG_KONG):%Y-%m-%d %H:%M}"
    return [_fault(code, "truck.planned.crossing", at) | {"other_value": str(limit(name, day))}]


def refuse(found: list[Fault]) -> None:
    """Raises DataFault with all of the faults, if there are any."""
    if found:
        said = [faults.explain(f) for f in found]
        text = "; ".join(f"{s['message_zh']} / {s['message_en']}" for s in said)
        raise DataFault(text, list(found))


def _too_long(text: str, element: str) -> bool:
    if not element:
        return False
    segment, tag = element.split("/")
    found = load("HKRoadACI").find(tag, segment)
    most = found[1].length if found and found[1].length else len(text)
    if tag == "Line":
        split = lines(text)
        return len(split) > _LINES or any(len(line) > most for line in split)
    return len(text) > most


def _fault(code: str, path: str, value: str) -> Fault:
    return {"code": code, "field": path, "value": value, "stage": "convert"}
