"""The truck from the truck company's record: one nested value per field, checked by the canonical model."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from stdnum.cn import uscc

from mappings import codes
from mappings.canonical.model import Truck
from mappings.profiles import Field, Profile
from tasks.capture import structured
from tasks.capture.document import Document
from tasks.capture.extract import _tabular
from tasks.capture.paths import at
from tasks.capture.recognise import Fit

_TIMES = ("planned.arrival_at_yard", "planned.departure", "planned.crossing")


def _put(target: dict[str, Any], path: str, value: Any) -> None:
    *above, last = path.split(".")
    for part in above:
        target = target.setdefault(part, {})
    target[last] = value


def _text(one: Field, raw: Any, empty: frozenset[str]) -> str:
    text = " ".join(str(raw if raw is not None else "").split())
    text = one.aliases.get(codes.folded(text), text)
    text = "" if codes.folded(text) in empty else text
    text = text or one.default or ""
    return codes.crosswalk(one.codes).get(text, text) if one.codes else text


def _time(text: str, formats: tuple[str, ...], zone: str) -> Any:
    for form in formats or ("iso",):
        try:
            made = datetime.fromisoformat(text) if form == "iso" else datetime.strptime(text, form)  # noqa: DTZ007 zone below
        except ValueError:
            continue
        return made if made.tzinfo else made.replace(tzinfo=ZoneInfo(zone))
    return text  # the model says what is wrong with it


def _from_record(document: Document, profile: Profile) -> tuple[dict[str, Any], int]:
    records = structured.read(document, profile.source)
    record = records.items[0] if records.items else {}
    made: dict[str, Any] = {}
    for path, one in profile.tables["truck"].fields.items():
        short = path.removeprefix("truck.")
        if one.subtree:
            found = at(record, one.subtree)
            if isinstance(found, dict):
                _put(made, short, found)
            continue
        raw = one.constant if one.constant is not None else _first(record, one)
        _keep(made, short, _text(one, raw, profile.empty))
    return made, len(records.items)


def _first(record: Any, one: Field) -> Any:
    found = (at(record, path) for path in one.sources)
    return next((value for value in found if value not in (None, "")), None)


def _keep(made: dict[str, Any], short: str, text: str) -> None:
    if text:
        _put(made, short, text)


def _from_row(document: Document, fit: Fit) -> tuple[dict[str, Any], int]:
    tables, _, count = _tabular(document, fit)
    raw = next(t for t in tables if t.table == "truck")
    made: dict[str, Any] = {}
    for path, one in raw.fields.items():
        value = one.constant if one.constant is not None else raw.data[path].iloc[0] if len(raw.data) else ""
        _keep(made, path.removeprefix("truck."), _text(one, value, raw.empty))
    return made, count


def read(document: Document, fit: Fit) -> tuple[Truck | None, list[dict[str, Any]], int]:
    """The truck, its faults (TRK-001 a field, PTY-001 a company code), and how many records the file has."""
    tabular = fit.profile.source.type in ("csv", "xlsx")
    made, count = _from_row(document, fit) if tabular else _from_record(document, fit.profile)
    _set_times(made, fit.profile)
    try:
        truck = Truck.model_validate(made)
    except ValidationError as error:
        return None, [_fault(fit.profile, e) for e in error.errors()], count
    return truck, party_faults(truck), count


def _set_times(made: dict[str, Any], profile: Profile) -> None:
    fields = profile.tables["truck"].fields
    for path in _TIMES:
        text = at(made, path)
        one = fields.get(f"truck.{path}") or fields.get("truck.planned")
        if isinstance(text, str) and text:
            _put(made, path, _time(text, one.formats if one else (), one.timezone if one else profile.timezone))


def _fault(profile: Profile, error: Any) -> dict[str, Any]:
    path = "truck." + ".".join(str(part) for part in error["loc"])
    one = profile.tables["truck"].fields.get(path)
    value = "" if isinstance(error["input"], dict) else str(error["input"])
    return {
        "code": "TRK-001", "field": path, "value": value, "other_value": error["msg"], "row": 1,
        "column": one.heading if one else path.removeprefix("truck."),
    }  # fmt: skip


def party_faults(truck: Truck) -> list[dict[str, Any]]:
    """A warning for each 18-character company code that does not hold its check digit (GB 32100)."""
    return [
        {"code": "PTY-001", "field": f"truck.parties.{role}.code", "value": party.code, "row": 1,
         "column": f"parties.{role}.code"}
        for role, party in truck.parties.items()
        if party.code and len(party.code) == 18 and not uscc.is_valid(party.code)
    ]  # fmt: skip
