"""Quality and match rules as data, and what the target messages ask of a field.

Lengths, what is mandatory and how many lines a document takes are read from the message files: they are written once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made_by
from functools import lru_cache
from pathlib import Path
from typing import Any

from mappings import codes, faults, procedures, regimes, yamls
from mappings.errors import ConfigurationError

_HERE = Path(__file__).parent
CHECKS = ("positive", "not_negative", "matches", "exactly")
AUTHORITY = "cn_ecommerce"


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
class Equal:
    """Two values of an order's documents that must be the same; `left` is the one that is blamed."""

    code: str
    left: str
    right: str
    authority_code: str = ""
    zh: str = ""
    en: str = ""


@dataclass(frozen=True)
class Asked:
    """What a direction and regime asks besides quality.yaml and match.yaml (import.yaml; nothing more of an export)."""

    targets: Mapping[str, Target]
    imports: bool = False
    rules: tuple[Rule, ...] = ()
    missing: Mapping[str, str] = made_by(default_factory=dict)
    gift: bool = False
    payment_missing: str = ""
    max_lines: int = 0
    fill: Mapping[str, str] = made_by(default_factory=dict)
    equal: tuple[Equal, ...] = ()


@dataclass(frozen=True)
class Match:
    """The compiled match.yaml."""

    payment_missing_holds: bool
    tolerance: str
    max_lines: int
    fill: Mapping[str, str]
    companies: Mapping[str, str]
    inventory_equal: tuple[str, ...]
    authority_codes: Mapping[str, str]


def _yaml(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yamls.load(path.read_bytes())
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


def _targets(authority: str, messages: Sequence[str], needs: Sequence[str] = ()) -> dict[str, Target]:
    found: dict[str, Target] = {}
    for name in messages:
        for segment, content in _message(authority, name)["segments"].items():
            for field in content.get("fields", []):
                path = field.get("from", "")
                # a coded field's length is that of the authority's code, not of ours
                length = 0 if field.get("code") else _length(str(field.get("type", "")))
                required = (field.get("use") == "M" or path in needs) and "default" not in field
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


def _rules(content: Sequence[dict[str, Any]], file: str) -> tuple[Rule, ...]:
    rules = tuple(Rule(**rule) for rule in content)
    for rule in rules:
        if rule.check not in CHECKS or rule.code not in faults.table():
            raise ConfigurationError(f"{file}: unknown check or fault in {rule}")
    return rules


@lru_cache
def quality() -> Quality:
    """The quality rules. Raises ConfigurationError for a rule with an unknown check or fault."""
    content = _yaml(_HERE / "quality.yaml")
    return Quality(
        targets=_targets(**content["targets"]),
        identifiers=frozenset(content["identifiers"]),
        squeeze=content["squeeze"],
        codes=content["codes"],
        missing=content["missing"],
        unknown=content["unknown"],
        gift=content["zero_price_line"]["choice"] == "declare",
        rules=_rules(content["rules"], "quality.yaml"),
        pieces={**_pieces("unit"), **content["pieces"]},
    )


def _most(message: str, segment: str) -> int:
    """The most rows that a message file gives a segment."""
    return int(str(_message(AUTHORITY, message)["segments"][segment]["occurs"]).rpartition("..")[2])


@lru_cache
def asked(direction: str, regime: str) -> Asked:
    """What a direction and regime asks. Raises ConfigurationError for an import rule with an unknown check or fault."""
    types = procedures.load(direction, regime).parcel_types
    targets = _targets(AUTHORITY, types, regimes.load(direction, regime).needs)
    if direction != "import":
        return Asked(targets)
    content = _yaml(_HERE / "import.yaml")
    equal = tuple(Equal(**rule) for rule in content["equal"])
    unknown = [rule.code for rule in equal if rule.code not in faults.table()]
    if unknown:
        raise ConfigurationError(f"import.yaml: there is no fault {', '.join(unknown)}")
    settings = {key: entry["choice"] for key, entry in content["settings"].items()}
    return Asked(
        targets=targets,
        imports=True,
        rules=_rules(content["rules"], "import.yaml"),
        missing=content["missing"],
        gift=settings["zero_price_line"] == "declare",
        payment_missing=settings["payment_missing"],
        max_lines=_most(**content["max_lines"]),
        fill=content["fill"],
        equal=equal,
    )


@lru_cache
def match() -> Match:
    """The match rules. Raises ConfigurationError for a rule with an unknown fault."""
    content = _yaml(_HERE / "match.yaml")
    unknown = [rule["code"] for rule in content["rules"] if rule["code"] not in faults.table()]
    if unknown:
        raise ConfigurationError(f"match.yaml: there is no fault {', '.join(unknown)}")
    settings = {key: entry["choice"] for key, entry in content["settings"].items()}
    return Match(
        payment_missing_holds=bool(settings["payment_missing_holds"]),
        tolerance=str(settings["tolerance"]),
        max_lines=_most(**content["max_lines"]),
        fill=content["fill"],
        companies=content["companies"],
        inventory_equal=tuple(content["inventory_equal"]),
        authority_codes={r["code"]: r["authority_code"] for r in content["rules"] if "authority_code" in r},
    )
