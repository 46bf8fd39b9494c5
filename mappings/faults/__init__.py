"""Faults: what is wrong with a value, where it stands, what to do about it and who has to.

Every *.yaml beside this file adds kinds of faults; a code is stable and given once. Texts are Chinese and English and
may use {value}, {other_value}, {field_zh}, {field_en} and the other columns of a fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from mappings import yamls
from mappings.errors import ConfigurationError

_HERE = Path(__file__).parent
COLUMNS = (
    "order_no", "waybill_no", "code", "severity", "field", "value", "other_value",
    "file", "sheet", "row", "column", "other_place", "stage",
)  # fmt: skip
SEVERITIES = ("error", "warning", "info")
OWNERS = ("platform", "seller", "payment_company", "carrier", "agent", "truck", "customs", "yard")
_TEXTS = ("message_zh", "message_en", "remedy_zh", "remedy_en")


@dataclass(frozen=True)
class FaultKind:
    """One kind of fault; `order` is its place in the table: the first error of a parcel gives its reason."""

    code: str
    severity: str
    owner: str
    field: str
    message_zh: str
    message_en: str
    remedy_zh: str
    remedy_en: str
    order: int


def _kind(code: str, entry: Mapping[str, Any], order: int, file: str) -> FaultKind:
    try:
        texts = {name: str(entry[name]) for name in _TEXTS}
        kind = FaultKind(code, entry["severity"], entry["owner"], entry.get("field", ""), order=order, **texts)
    except KeyError as error:
        raise ConfigurationError(f"{file}: the fault {code} lacks {error}") from error
    if kind.severity not in SEVERITIES or kind.owner not in OWNERS:
        raise ConfigurationError(f"{file}: the fault {code} has an unknown severity or owner")
    return kind


@lru_cache
def table() -> dict[str, FaultKind]:
    """All kinds of faults by code. Raises ConfigurationError when a code is given twice."""
    kinds: dict[str, FaultKind] = {}
    for file in sorted(_HERE.glob("*.yaml"), key=lambda f: (f.name != "faults.yaml", f.name)):
        if file.name == "fields.yaml":
            continue
        for code, entry in (yamls.load(file.read_bytes()) or {}).items():
            if code in kinds:
                raise ConfigurationError(f"{file.name}: the fault {code} is there already")
            kinds[code] = _kind(code, entry, len(kinds), file.name)
    return kinds


@lru_cache
def field_names() -> dict[str, dict[str, str]]:
    """What people call a canonical field: path -> {zh, en}."""
    names: dict[str, dict[str, str]] = yamls.load((_HERE / "fields.yaml").read_text(encoding="utf-8"))
    return names


class _Lenient(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return ""


def explain(row: Mapping[str, Any]) -> dict[str, str]:
    """A fault's texts with its values filled in, and its owner: message_zh, message_en, remedy_zh, remedy_en, owner."""
    kind = table().get(str(row.get("code", "")))
    if kind is None:
        raise ConfigurationError(f"There is no fault {row.get('code')!r} in the table")
    path = str(row.get("field") or kind.field)
    named = field_names().get(path, {})
    values = _Lenient(row)
    values.update(field_zh=named.get("zh", path), field_en=named.get("en", path))
    filled = {name: getattr(kind, name).format_map(values) for name in _TEXTS}
    return {**filled, "owner": kind.owner}


@lru_cache
def _none() -> pd.DataFrame:
    """A table of no faults, which most files have: it takes milliseconds to make."""
    made = pd.DataFrame({name: [] for name in COLUMNS if name != "row"}, dtype="str")
    made.insert(COLUMNS.index("row"), "row", pd.Series([], dtype="int64"))
    return made


def frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Faults as a table of COLUMNS; what a row leaves out is '' (row: 0), its severity the table's."""
    rows = list(rows)
    if not rows:
        return _none().copy()
    kinds = table()
    filled = [{"severity": kinds[r["code"]].severity, "field": kinds[r["code"]].field, **r} for r in rows]
    made = pd.DataFrame({name: [r.get(name, "") for r in filled] for name in COLUMNS if name != "row"}, dtype="str")
    made.insert(COLUMNS.index("row"), "row", pd.Series([int(r.get("row") or 0) for r in filled], dtype="int64"))
    return made


def together(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Several tables of faults as one."""
    some = [f for f in frames if len(f)]
    return pd.concat(some, ignore_index=True) if some else frame([])
