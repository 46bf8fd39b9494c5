"""Quality and match rules as data, and what the target messages ask of a field.

Lengths, what is mandatory and how many lines a document takes are read from the message files: they are written once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from mappings import codes, faults
from mappings.errors import ConfigurationError

_HERE = Path(__file__).parent
CHECKS = ("positive", "not_negative", "matches")


@dataclass(frozen=True)
class Rule:
    """A check of one field; `check` names a function in tasks.cleaning.checks."""

    code: str
    field: str
    check: str
    pattern: str = ""
    unless: str = ""  # no second fault where this field has one already

    @property
    def table(self) -> str:
        """The canonical table that the field belongs to."""
        return self.field.split(".", 1)[0]


@dataclass(frozen=True)
class Target:
    """What the target messages ask of a field: whether one needs it, the shortest length, and who says so."""

    required: bool
    length: int
    says: str


@dataclass(frozen=True)
class Quality:
    """The compiled quality.yaml."""

    targets: Mapping[str, Target]
    identifiers: frozenset[str]
    squeeze: Mapping[str, str]
    codes: Mapping[str, str]
    missing: Mapping[str, str]
    unknown: Mapping[str, str]
    gift: bool
    rules: tuple[Rule, ...]
    pieces: Mapping[str, int]


@dataclass(frozen=True)
class Match:
    """The compiled match.yaml."""

    payment_missing_holds: bool
    tolerance: str
    max_lines: int
    fill: Mapping[str, str]
    companies: Mapping[str, str]
    authority_codes: Mapping[str, str]


def _yaml(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.load(path.read_bytes(), yaml.CSafeLoader)
    return content


@lru_cache
def _message(authority: str, name: str) -> dict[str, Any]:
    path = _HERE.parent / authority / "messages" / f"{name.removesuffix('Message')}.yaml"
    if not path.is_file():
        raise ConfigurationError(f"There is no message file for {name}")
    return _yaml(path)


def _length(kind: str) -> int:
    found = re.fullmatch(r"C(\.\.)?(\d+)", kind)
    return int(found.group(2)) if found else 0


def _targets(authority: str, messages: list[str]) -> dict[str, Target]:
    found: dict[str, Target] = {}
    for name in messages:
        for segment, content in _message(authority, name)["segments"].items():
            for field in content.get("fields", []):
                path = field.get("from", "")
                # a coded field's length is that of the authority's code, not of ours
                length = 0 if field.get("code") else _length(str(field.get("type", "")))
                required = field.get("use") == "M" and "default" not in field
                says = f"{name}/{segment}.{field['tag']}"
                found[path] = _both(found.get(path), Target(required, length, says))
    found.pop("", None)
    return found


def _both(one: Target | None, other: Target) -> Target:
    if one is None:
        return other
    shorter = min((t for t in (one, other) if t.length), key=lambda t: t.length, default=one)
    return Target(one.required or other.required, shorter.length, shorter.says)


@lru_cache
def _pieces(content: str) -> dict[str, int]:
    counted = {row["code"]: row for row in codes.table("cn_ecommerce/unit")}
    return {f"CN:{code}": 1 for code, row in counted.items() if row["canonical"] == "H87" and row["fit"] != "exact"}


@lru_cache
def quality() -> Quality:
    """The quality rules. Raises ConfigurationError for a rule with an unknown check or fault."""
    content = _yaml(_HERE / "quality.yaml")
    rules = tuple(Rule(**rule) for rule in content["rules"])
    for rule in rules:
        if rule.check not in CHECKS or rule.code not in faults.table():
            raise ConfigurationError(f"quality.yaml: unknown check or fault in {rule}")
    return Quality(
        targets=_targets(**content["targets"]),
        identifiers=frozenset(content["identifiers"]),
        squeeze=content["squeeze"],
        codes=content["codes"],
        missing=content["missing"],
        unknown=content["unknown"],
        gift=content["zero_price_line"]["choice"] == "declare",
        rules=rules,
        pieces={**_pieces("unit"), **content["pieces"]},
    )


@lru_cache
def match() -> Match:
    """The match rules. Raises ConfigurationError for a rule with an unknown fault."""
    content = _yaml(_HERE / "match.yaml")
    unknown = [rule["code"] for rule in content["rules"] if rule["code"] not in faults.table()]
    if unknown:
        raise ConfigurationError(f"match.yaml: there is no fault {', '.join(unknown)}")
    where, authority = content["max_lines"], _yaml(_HERE / "quality.yaml")["targets"]["authority"]
    occurs = str(_message(authority, where["message"])["segments"][where["segment"]]["occurs"])
    settings = {key: entry["choice"] for key, entry in content["settings"].items()}
    return Match(
        payment_missing_holds=bool(settings["payment_missing_holds"]),
        tolerance=str(settings["tolerance"]),
        max_lines=int(occurs.rpartition("..")[2]),
        fill=content["fill"],
        companies=content["companies"],
        authority_codes={r["code"]: r["authority_code"] for r in content["rules"] if "authority_code" in r},
    )
