"""From a parcel's canonical field back to the cell of the sender's file."""

from __future__ import annotations

from pathlib import Path

from mappings import profiles
from mappings.canonical.batch import Batch
from tasks.cleaning.blame import texts

_SUPPLIED = ("hs_code", "goods_name", "unit", "unit1", "unit2", "goods_model", "bar_code", "net_weight", "origin")


def locate(batch: Batch, seq: int, path: str, gnum: int = 0, profiles_from: Path | None = None) -> dict[str, str | int]:
    """Where parcel `seq`'s field came from: value, file, sheet, row, column ('' and 0 when it is nobody's cell)."""
    found = batch.parcels.index[batch.parcels["parcel.seq"] == seq]
    table, _, short = path.partition(".")
    rows = batch.parcels.loc[found]
    if table == "line":
        rows = batch.lines[batch.lines["parcel"].isin(found) & (batch.lines["line.gnum"] == max(gnum, 1))]
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
