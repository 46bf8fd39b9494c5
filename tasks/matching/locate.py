"""From a parcel's canonical field back to the cell of the sender's file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mappings import profiles
from mappings.canonical.batch import Batch
from tasks.cleaning.blame import texts

_SUPPLIED = ("hs_code", "goods_name", "unit", "unit1", "unit2", "goods_model", "bar_code", "net_weight", "origin")


def locate(batch: Batch, seq: int, path: str, gnum: int = 0, profiles_from: Path | None = None) -> dict[str, str | int]:
    """Where parcel `seq`'s field came from: value, file, sheet, row, column ('' and 0 when it is nobody's cell)."""
    table, _, short = path.partition(".")
    frame, at = (batch.parcels, parcel_at(batch, seq)) if table != "line" else (batch.lines, _line_at(batch, seq, gnum))
    if at is None or path not in frame:
        return {"value": "", "file": "", "sheet": "", "row": 0, "column": ""}

    def cell(name: str, missing: Any = "") -> Any:
        return frame[name].iloc[at] if name in frame else missing  # never a row: a truck has a hundred columns

    column = profiles.heading(str(cell(f"{table}.profile")), path, profiles_from)
    if not column and table == "line" and short in _SUPPLIED and cell("goods.row"):
        table = "goods"
        column = profiles.heading(str(cell("goods.profile")), f"goods.{short}", profiles_from)
    return {
        "value": texts(frame[path].iloc[at : at + 1])[0], "file": str(cell(f"{table}.file")),
        "sheet": str(cell(f"{table}.sheet")), "row": int(cell(f"{table}.row", 0)), "column": column,
    }  # fmt: skip


def parcel_at(batch: Batch, seq: int) -> int | None:
    """The row of parcel `seq`, None where there is none."""
    found = np.flatnonzero(batch.parcels["parcel.seq"].to_numpy() == seq)
    return int(found[0]) if found.size else None


def lines_of(batch: Batch, seq: int) -> slice:
    """The rows of its goods lines: they are beside each other."""
    at = parcel_at(batch, seq)
    first, end = np.searchsorted(batch.lines["parcel"].to_numpy(), [-1, -1] if at is None else [at, at + 1])
    return slice(int(first), int(end))


def _line_at(batch: Batch, seq: int, gnum: int) -> int | None:
    mine = lines_of(batch, seq)
    found = np.flatnonzero(batch.lines["line.gnum"].iloc[mine].to_numpy() == max(gnum, 1))
    return mine.start + int(found[0]) if found.size else None
