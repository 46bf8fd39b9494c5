"""The sandbox's data: message table, life cycles and settings, each read once from its YAML file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any

from mappings import clock, yamls
from mappings.errors import DataFault

_HERE = Path(__file__).parent
Names = Sequence[str]
_MESSAGES = ("messages.yaml", "messages_import.yaml", "messages_applications.yaml")


def read(name: str) -> dict[str, Any]:
    """A file of the sandbox's own data."""
    text = (_HERE / name).read_text(encoding="utf-8")
    found: dict[str, Any] = yamls.load(text)
    return found


@cache
def profile() -> dict[str, Any]:
    """The settings of profile.yaml."""
    return read("profile.yaml")


def receiver(type_: str) -> str:
    """Customs' own DXP id for a message type: imports have one, exports (and what is no known type) another."""
    own = profile()
    return str(own["receivers"]["import" if type_ in own["import_types"] else "export"])


def change(given: dict[str, Any]) -> None:
    """Change settings of profile.yaml while this process runs; within a group only what is named. Raises DataFault."""
    own = profile()
    for name, value in given.items():
        if name not in own or not isinstance(value, type(own[name])):
            raise DataFault(f"{name} is no setting, or {value!r} no value of its kind 没有该设置或值的类型不符")
        if isinstance(value, dict) and not set(value) <= set(own[name]):
            raise DataFault(f"{name} takes {sorted(own[name])} 仅可设置所列各项")
    for name, value in given.items():
        own[name] = {**own[name], **value} if isinstance(value, dict) else value


def restore() -> None:
    """The settings as their file has them."""
    profile().clear()
    profile().update(read("profile.yaml"))


@cache
def cycle() -> dict[str, Any]:
    """The life cycles of lifecycle.yaml."""
    return read("lifecycle.yaml")


@cache
def places(type_: str, *names: str) -> tuple[int, ...]:
    """Where these fields stand in a line of this type."""
    return tuple(declared()[type_].lines.index(name) for name in names)


@cache
def picked(type_: str, *names: str) -> Callable[[Sequence[str]], Sequence[str]]:
    """What takes these fields out of a line of this type."""
    found = places(type_, *names)
    return itemgetter(*found) if len(found) > 1 else lambda line: [line[place] for place in found]


@cache
def tolerance(name: str) -> Decimal:
    """A tolerance of profile.yaml."""
    return Decimal(profile()[name])


@cache
def rules() -> dict[str, Any]:
    """The fixed values and regimes of rules.yaml."""
    return read("rules.yaml")


def dated(name: str, day: date | None = None) -> dict[str, Any]:
    """The row of a dated setting of profile.yaml in force on a day in China (today); the first before all dates."""
    wanted = (day or clock.now().astimezone(clock.CHINA).date()).isoformat()
    rows = sorted(profile()[name], key=lambda row: row["since"])
    found: dict[str, Any] = next((row for row in reversed(rows) if row["since"] <= wanted), rows[0])
    return found


@cache
def over(status: str) -> bool:
    """Whether a document of this status counts no more, so that its key may be declared anew."""
    return status in cycle()["dead"] or status.startswith("-")


@cache
def ring(type_: str) -> dict[str, Any]:
    """The documents that belong together with one of this type, {} for none."""
    return next((row for row in cycle()["rings"].values() if type_ in row.values()), {})


@cache
def inventories() -> tuple[str, ...]:
    """The inventory types, exports and imports."""
    return tuple(row["inventory"] for row in cycle()["rings"].values())


@dataclass(frozen=True)
class Receipt:
    """How a receipt of one type looks."""

    type: str
    element: str
    fields: Names
    optional: Names = ()  # left out where they are empty


@dataclass(frozen=True)
class Declared:
    """How a declared message type is read, keyed and answered."""

    type: str
    name: str
    document: str
    columns: Names
    key: Names
    order_ref: Names
    waybill_ref: Names
    codes: dict[str, str]
    receipt: Receipt
    head: str = ""
    list: str = ""
    lines: Names = ()
    group: Names = ()
    owner: str = ""
    effect: str = ""
    prefix: str = "ceb:"  # of the receipt's elements; import receipts come without (receipts.md, section 1)
    needed: Names = ()  # without these no receipt could name the document
    names: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, Any] = field(default_factory=dict)


@cache
def declared() -> dict[str, Declared]:
    """Every message type that this customs takes, by root name."""
    table: dict[str, Any] = {}
    for file in _MESSAGES:
        table |= read(file)
    table.pop("namespace")
    return {name: Declared(type=name, receipt=Receipt(**row.pop("receipt")), **row) for name, row in table.items()}


@cache
def namespace() -> str:
    """The namespace of all CEB messages."""
    return str(read("messages.yaml")["namespace"])
