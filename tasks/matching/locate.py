"""From a parcel's canonical field back to the cell of the sender's file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from mappings import profiles
from mappings.canonical.batch import Batch
from tasks.cleaning.blame import texts

_PLACE = ("profile", "file", "sheet", "row")
_SUPPLIED = ("hs_code", "goods_name", "unit", "unit1", "unit2", "goods_model", "bar_code", "net_weight", "origin")


def locate(batch: Batch, seq: int, path: str, gnum: int = 0, profiles_from: Path | None = None) -> dict[str, str | int]:
    """Where parcel `seq`'s field came from: value, file, sheet, row, column ('' and 0 when it is nobody's cell)."""
    found = batch.parcels.index[batch.parcels["parcel.seq"] == seq]
    table, _, short = path.partition(".")
    frame: pd.DataFrame = batch.parcels
    which: Any = found
    if table == "line":
        frame = batch.lines
        which = frame["parcel"].isin(found) & (frame["line.gnum"] == max(gnum, 1))
    rows = frame.loc[which, _needed(frame, path, table)]  # a truck has a hundred columns
    if rows.empty or path not in rows:
        return {"value": "", "file": "", "sheet": "", "row": 0, "column": ""}
    row = rows.iloc[0]
    column = profiles.heading(str(row.get(f"{table}.profile", "")), path, profiles_from)
    if not column and table == "line" and short in _SUPPLIED and row["goods.row"]:
        table = "goods"
        column = profiles.heading(str(row["goods.profile"]), f"goods.{short}", profiles_from)
    return {
        "value": texts(rows[path].iloc[:1])[0], "file": str(row.get(f"{table}.file", "")),
        "sheet": str(row.get(f"{table}.sheet", "")), "row": int(row.get(f"{table}.row", 0)), "column": column,
    }  # fmt: skip


def _needed(frame: pd.DataFrame, path: str, table: str) -> list[str]:
    """The columns that say where a field came from, as far as there are such."""
    tables = dict.fromkeys((table, "goods") if table == "line" else (table,))
    names = (path, *(f"{one}.{name}" for one in tables for name in _PLACE))
    return [name for name in dict.fromkeys(names) if name in frame]
