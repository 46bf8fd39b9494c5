"""What a rejection's text says, in our terms: fault code, canonical field, the values that customs compared.

The patterns, codes and segment names are data: mappings/<authority>/receipts.yaml (reference receipts.md, section 4).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mappings import faults, yamls
from mappings.engine import codes, spec
from mappings.engine.spec import MAPPINGS
from mappings.errors import ConfigurationError

_NO_CELL = ("document", "party", "truck", "message", "list", "event")


@dataclass(frozen=True)
class Reason:
    """One reason of a rejection: `field` is a canonical path, `info` the authority's own words."""

    code: str
    field: str
    info: str
    value: str = ""
    other_value: str = ""


@lru_cache
def table(authority: str) -> dict[str, Any]:
    """mappings/<authority>/receipts.yaml."""
    found: dict[str, Any] = yamls.load((MAPPINGS / authority / "receipts.yaml").read_text("utf-8"))
    return found


@lru_cache
def _pattern(authority: str, name: str) -> re.Pattern[str]:
    return re.compile(table(authority)["patterns"][name])


def reasons(authority: str, status: str, info: str, declared: str = "") -> list[Reason]:
    """Every reason in a rejection's text; one at least. A code that no table names keeps the authority's words.

    `declared` is the type of the rejected document: a segment's name means another message in an import.
    """
    found = table(authority)["faults"]
    verdicts = [v for v in _pattern(authority, "verdict").finditer(info) if v["code"] not in found["not_faults"]]
    ends = [v.start() for v in verdicts[1:]] + [len(info)] * bool(verdicts)
    made = [
        _reason(
            authority,
            _of(authority, found["verdicts"].get(v["code"]) or of_status(authority, status), declared),
            _text(v),
            info[v.start() : e],
            declared,
        )
        for v, e in zip(verdicts, ends, strict=True)
    ]
    said = f"[{status}] {info or _listed(authority, status)}"
    return made or [_reason(authority, _of(authority, of_status(authority, status), declared), said, info, declared)]


def _of(authority: str, code: str, declared: str) -> str:
    """A general fault as one of the rejected type: what is refused to an application is no rejected declaration."""
    found = table(authority)["faults"]
    return str(found.get("general_of", {}).get(declared, code)) if code in found.get("general", ()) else code


def _text(verdict: re.Match[str]) -> str:
    return f"[{verdict['code']}] {verdict['text']}"


def of_status(authority: str, status: str) -> str:
    """The fault code for a status, by its own row, by its first digits, or the one for what no table names."""
    found = table(authority)["faults"]
    prefixes = (code for start, code in found["prefixes"].items() if status.startswith(start))
    return str(found["statuses"].get(status) or next(prefixes, found["unnamed"]))


def _listed(authority: str, status: str) -> str:
    """What the authority's code lists say of a status that came without a text."""
    for name in ("ceb_error", "return_status"):
        row = _codes(authority, name).get(status)
        if row is not None:
            return " / ".join(text for text in (row.name_zh, row.name_en) if text)
    return status


def _codes(authority: str, name: str) -> dict[str, codes.Code]:
    try:
        return codes.load(authority, name).codes
    except ConfigurationError:
        return {}


def _reason(authority: str, code: str, info: str, text: str, declared: str) -> Reason:
    pairs = [(canonical(authority, m["segment"], m["field"], declared), m["value"].strip()) for m in
             _pattern(authority, "compared").finditer(text)]  # fmt: skip
    limit = _pattern(authority, "limit").search(text)
    if limit:
        pairs = [("", limit["value"]), ("", limit["other"])]
    own = faults.table()[code].field
    pairs.sort(key=lambda pair: pair[0] != own)  # what the fault is about comes first
    field = next((path for path, _ in pairs if path), "") or own
    values = [value for _, value in pairs] + ["", ""]
    return Reason(code, field, info, values[0], values[1])


@lru_cache
def canonical(authority: str, segment: str, field: str, declared: str = "") -> str:
    """The canonical path that an authority's Segment.field speaks of, '' where there is none."""
    names, field = table(authority), field.split("+", maxsplit=1)[0]
    other = names.get("import_segments", {})
    if declared in other.get("of", ()) and (path := _source(other["segments"], segment, field)):
        return path
    return names["fields"].get(f"{segment}.{field}") or _source(names["segments"], segment, field)


def _source(segments: dict[str, list[str]], segment: str, field: str) -> str:
    """Where a message takes that field from, '' where no sender's file has it."""
    if segment not in segments:
        return ""
    message_type, place = segments[segment]
    found = spec.load(message_type).find(field, place)
    source = found[1].source if found else ""
    return "" if source.split(".")[0] in _NO_CELL else source
