"""What capture hands on: the rows of every file as texts, each with the place it came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from mappings import faults
from mappings.canonical.model import Truck
from mappings.profiles import Charges, Field


@dataclass(frozen=True)
class SourceFile:
    """One file as it was received."""

    name: str
    kind: str
    profile: str
    sender: str
    rows: int
    sha256: str
    bytes: int


@dataclass(frozen=True)
class RawTable:
    """Rows of one canonical table from one file, still texts; `data` has canonical paths as columns.

    `rows` are the row numbers as the sender sees them: spreadsheet rows with the header counted, lines of JSON lines,
    records of JSON and XML.
    """

    table: str
    file: str
    sheet: str
    sender: str
    profile: str
    fields: dict[str, Field]
    data: pd.DataFrame
    rows: np.ndarray
    once_per: tuple[str, ...] = ()
    empty: frozenset[str] = frozenset({""})
    charges: Charges = field(default_factory=Charges)


@dataclass(frozen=True)
class Correction:
    """A person's new value for one canonical field of an order, its payment or its waybill, in canonical units."""

    order_no: str
    field: str
    value: str


@dataclass
class Captured:
    """A truck's files, read. `missing` names what a whole truck would still need."""

    truck: Truck | None = None
    tables: dict[str, list[RawTable]] = field(default_factory=dict)
    files: list[SourceFile] = field(default_factory=list)
    faults: pd.DataFrame = field(default_factory=lambda: faults.frame([]))
    missing: list[str] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether there is enough to prepare the truck."""
        return not self.missing


class Trouble(Exception):
    """A file cannot be used: carries the one fault that says why. Does not leave capture."""

    def __init__(self, code: str, value: str = "", other_value: str = "", row: int = 0) -> None:
        super().__init__(code)
        self.fault: dict[str, Any] = {"code": code, "value": value, "other_value": other_value, "row": row}
