"""An authority's own code lists (mappings/<authority>/codes/*.csv) and their way from and to canonical codes.

A list's head lines (#) give title, version, agency and source. `canonical` is the WCO, ISO or UN code, `fit` says
whether it is exact or the nearest; an authority's code without an equal is written "CN:nnn" in the canonical model.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from mappings.engine.spec import MAPPINGS
from mappings.errors import ConfigurationError


@dataclass(frozen=True)
class Code:
    """One row of a code list."""

    code: str
    name_en: str
    name_zh: str
    canonical: str
    fit: str
    valid_from: str
    valid_to: str

    def valid(self, day: date | None) -> bool:
        """Whether it may be used on `day` (any day if None)."""
        text = day.isoformat() if day else ""
        return not text or ((not self.valid_from or self.valid_from <= text) and text <= (self.valid_to or "9999"))


@dataclass(frozen=True)
class CodeList:
    """A code list of one authority."""

    name: str
    head: dict[str, str]
    codes: dict[str, Code]

    def outward(self, canonical: str, day: date | None = None) -> Code | None:
        """The authority's code for a canonical one, exact before nearest; None where it has none."""
        if canonical.startswith("CN:"):
            return self.codes.get(canonical[3:])
        found = self._by_canonical.get(canonical, []) if self.translates else [self.codes.get(canonical)]
        return next((c for c in found if c is not None and c.valid(day)), None)

    def inward(self, code: str) -> str:
        """The canonical code for an authority's one; "CN:nnn" where it has no exact equal, '' where unknown.

        A list without canonical codes gives its own, as `outward` takes them.
        """
        found = self.codes.get(code)
        if found is None:
            return ""
        if not self.translates:
            return code
        return found.canonical if found.fit == "exact" else f"CN:{code}"

    @property
    def translates(self) -> bool:
        """Whether the list has canonical codes at all."""
        return "canonical" in self.head

    @property
    def _by_canonical(self) -> dict[str, list[Code]]:
        return _reverse(self)

    def __hash__(self) -> int:
        return hash(self.name)


@lru_cache
def _reverse(code_list: CodeList) -> dict[str, list[Code]]:
    found: dict[str, list[Code]] = {}
    for code in sorted(code_list.codes.values(), key=lambda c: c.fit != "exact"):
        if code.canonical:
            found.setdefault(code.canonical, []).append(code)
    return found


@lru_cache
def load(authority: str, name: str) -> CodeList:
    """The code list `name` of an authority. Raises ConfigurationError where there is none."""
    path = MAPPINGS / authority / "codes" / f"{name}.csv"
    if not path.is_file():
        raise ConfigurationError(
            f"{authority} has no code list {name!r}: mappings/{authority}/codes/{name}.csv is missing"
        )
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = [line[1:].strip() for line in lines if line.startswith("#")]
    head = {k.strip(): v.strip() for k, _, v in (c.partition(":") for c in comments)}
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return CodeList(f"{authority}.{name}", head, {r["code"]: Code(**r) for r in rows})
