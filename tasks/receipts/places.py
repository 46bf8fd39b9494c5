"""Where a parcel's field came from in the sender's files, for what an authority said against it.

The truck is loaded when the first place is asked for: most settlements have nothing to explain.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adapters.ledger import Ledger, sources
from mappings.canonical.batch import Batch
from mappings.canonical.columns import scaled
from tasks.matching.locate import lines_of, locate

SNAPSHOT = "batch"
PLACE = ("file", "sheet", "row", "column")


class Places:
    """The places of one shipment's fields, from the truck as it was matched last."""

    def __init__(self, ledger: Ledger, shipment_id: int, profiles_from: Path | None = None) -> None:
        self.ledger, self.shipment_id, self.profiles_from = ledger, shipment_id, profiles_from

    @cached_property
    def batch(self) -> Batch | None:
        """The matched truck, None when none is kept."""
        body = sources.load_snapshot(self.ledger, self.shipment_id, SNAPSHOT)
        return Batch.from_bytes(body) if body else None

    def __call__(self, seq: int, field: str, value: str) -> dict[str, Any]:
        """File, sheet, row and column of parcel `seq`'s field; of several goods lines the one that has `value`."""
        if self.batch is None:
            return {}
        found = locate(self.batch, seq, field, line_of(self.batch, seq, field, value), self.profiles_from)
        return {name: found[name] for name in PLACE} if found["file"] else {}


def line_of(batch: Batch, seq: int, field: str, value: str) -> int:
    """The number of the goods line whose `field` has this value, 1 when none has or the field is no line's."""
    if not field.startswith("line.") or field not in batch.lines:
        return 1
    mine = lines_of(batch, seq)
    same = np.flatnonzero(_equal(batch.lines[field].iloc[mine], value).to_numpy())
    return int(batch.lines["line.gnum"].iloc[mine.start + int(same[0])]) if same.size else 1


def _equal(column: pd.Series, value: str) -> pd.Series:
    if not pd.api.types.is_integer_dtype(column.dtype):
        return column == value
    try:
        return (column == scaled(Decimal(value.replace(",", "")))).fillna(False)
    except InvalidOperation:
        return pd.Series(False, index=column.index)
