"""The sandbox's data: message table, life cycles and settings, each read once from its YAML file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_HERE = Path(__file__).parent
Names = Sequence[str]


def _yaml(name: str) -> dict[str, Any]:
    return yaml.safe_load((_HERE / name).read_text(encoding="utf-8"))


@cache
def profile() -> dict[str, Any]:
    """The settings of profile.yaml."""
    return _yaml("profile.yaml")


@cache
def cycle() -> dict[str, Any]:
    """The life cycles of lifecycle.yaml."""
    return _yaml("lifecycle.yaml")


@dataclass(frozen=True)
class Receipt:
    """How a receipt of one type looks."""

    type: str
    element: str
    fields: Names


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
    numbers: dict[str, Any] = field(default_factory=dict)


@cache
def declared() -> dict[str, Declared]:
    """Every message type that this customs takes, by root name."""
    table = _yaml("messages.yaml")
    table.pop("namespace")
    return {name: Declared(type=name, receipt=Receipt(**row.pop("receipt")), **row) for name, row in table.items()}


@cache
def namespace() -> str:
    """The namespace of all CEB messages."""
    return str(_yaml("messages.yaml")["namespace"])
