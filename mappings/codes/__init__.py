"""Code lists as CSV and the look-ups over them: ISO 3166-1, ISO 4217, UN/ECE Rec 20, and what people write instead.

A list's head lines (#) give title, version, agency and source. Customs' own code tables belong to their authority
(mappings/<authority>/codes) and are read from there by the same `table`.
"""

from __future__ import annotations

import csv
import unicodedata
from functools import lru_cache
from pathlib import Path

from mappings.errors import ConfigurationError

_HERE = Path(__file__).parent
_MAPPINGS = _HERE.parent


def path(name: str) -> Path:
    """Where a list lies: "country" is ours, "cn_ecommerce/unit" an authority's. Raises ConfigurationError."""
    owner, _, short = name.rpartition("/")
    file = (_MAPPINGS / owner / "codes" if owner else _HERE) / f"{short}.csv"
    if not file.is_file() or ".." in name:
        raise ConfigurationError(f"There is no code list {name!r} ({file.name})")
    return file


@lru_cache
def table(name: str) -> tuple[dict[str, str], ...]:
    """The rows of a code list, in the order of the file."""
    lines = path(name).read_text(encoding="utf-8").splitlines()
    return tuple(csv.DictReader(line for line in lines if not line.startswith("#")))


@lru_cache
def about(name: str) -> dict[str, str]:
    """The head lines of a code list: title, version, agency, source."""
    lines = path(name).read_text(encoding="utf-8").splitlines()
    heads = (line[1:].partition(":") for line in lines if line.startswith("#"))
    return {key.strip(): value.strip() for key, _, value in heads}


def folded(text: str) -> str:
    """A name as look-ups compare it: width, case and spacing do not matter."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def heading(text: str) -> str:
    """A heading as profiles compare it: width, case, spaces and line breaks do not matter."""
    return folded(text).replace(" ", "")


def _names(name: str, columns: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for column in columns:
        for row in table(name):
            if row[column]:
                found.setdefault(folded(row[column]), row["code"])
    return found


@lru_cache
def _index(kind: str) -> dict[str, str]:
    columns = {
        "country": ("code", "alpha3", "name_en", "name_zh", "name_zh_hant"),
        "currency": ("code", "name_zh", "name_zh_hant", "name_en"),
    }
    official = _names(kind, columns[kind]) if kind in columns else {}
    return {**official, **_names(f"{kind}_alias", ("alias",)), **_canonical(kind)}


def _canonical(kind: str) -> dict[str, str]:
    if kind != "unit":
        return {}
    codes = {row["code"] for row in table("unit_alias")} | {row["code"] for row in table("mass")}
    return {folded(code): code for code in codes}


def lookup(kind: str, text: str) -> str:
    """The canonical code of a "country", "currency" or "unit", given by code or by name; '' when unknown."""
    return _index(kind).get(folded(text), "")


def country(text: str) -> str:
    """ISO 3166-1 alpha-2 of a code or name (English, Chinese simplified or traditional, usual other names), or ''."""
    return lookup("country", text)


def currency(text: str) -> str:
    """ISO 4217 of a code, name or sign, or ''."""
    return lookup("currency", text)


def unit(text: str) -> str:
    """UN/ECE Rec 20 of a unit (or CN:nnn where Rec 20 has no exact equal), by customs code or name, or ''."""
    return lookup("unit", text)


@lru_cache
def minor_digits(code: str) -> int:
    """How many decimals a currency's minor unit has: GBP 2, JPY 0. Raises ConfigurationError."""
    for row in table("currency"):
        if row["code"] == code and row["minor_digits"].isdigit():
            return int(row["minor_digits"])
    raise ConfigurationError(f"No minor unit is known for the currency {code!r}")


@lru_cache
def kilograms(code: str) -> str:
    """How many kilograms a unit of mass (Rec 20) is, as plain decimal text; '' when it is no unit of mass."""
    return {row["code"]: row["kilograms"] for row in table("mass")}.get(code, "")


@lru_cache
def crosswalk(name: str) -> dict[str, str]:
    """An authority's code -> canonical code, where the list says that they have an equal."""
    return {row["code"]: row["canonical"] for row in table(name) if row["canonical"]}
