"""An electronic tax bill (CEB816) against what we computed: every difference in words, in both languages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import pandas as pd

from mappings.canonical.batch import Batch
from mappings.canonical.columns import plain, scaled
from mappings.imports.tables import table

COLUMNS = ("seq", "gnum", "field", "computed", "billed", "zh", "en")


def compare_bill(batch: Batch, heads: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """The differences between the taxes of a judged batch and tax bills, as COLUMNS; gnum 0 is the bill's head.

    `heads` has the bill's own fields (customsTax, ...) as texts and `seq`, the parcel's number; `lines` likewise, with
    gnum. A line that only one of the two has is a difference; parcels without a bill are not looked at.
    """
    seqs = batch.parcels["parcel.seq"]
    ours = batch.lines.assign(seq=seqs.to_numpy()[batch.lines["parcel"].to_numpy()])
    ours = ours[ours["seq"].isin(heads["seq"])]
    ours = ours.assign(gnum=ours["line.gnum"].astype("int64"))
    theirs = lines.assign(gnum=[int(n) for n in lines["gnum"]], seq=lines["seq"].astype("int64"))
    found = [*_one_sided(ours, theirs)]
    both = ours.merge(theirs, on=["seq", "gnum"], suffixes=("", "_billed"))
    found += _differences(both, table("bill")["lines"], both["gnum"])
    head = batch.parcels.assign(seq=seqs).merge(heads.astype({"seq": "int64"}), on="seq", suffixes=("", "_billed"))
    found += _differences(head, table("bill")["head"], pd.Series(0, index=head.index))
    found.sort(key=lambda d: (d["seq"], d["gnum"]))
    return pd.DataFrame(found, columns=list(COLUMNS))


def _differences(frame: pd.DataFrame, fields: Iterable[Mapping[str, Any]], gnum: pd.Series) -> list[dict[str, Any]]:
    """The rows of a joined frame where a field of the bill is not what we have."""
    found = []
    for field in fields:
        billed, computed = frame[field["tag"]].astype(str), frame[field["column"]]
        if not field.get("text"):
            billed = pd.Series([scaled(Decimal(text)) for text in billed], index=frame.index, dtype="Int64")
        for at in frame.index[(billed != computed).fillna(True).to_numpy(dtype=bool)]:
            ours, theirs = _text(computed[at]), _text(billed[at])
            found.append(_said(int(frame["seq"][at]), int(gnum[at]), field, ours, theirs, _rate(frame, at)))
    return found


def _rate(frame: pd.DataFrame, at: Any) -> str:
    return str(frame["line.tax_rate"][at]) if "line.tax_rate" in frame and "gnum" in frame else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if pd.isna(value) else plain(int(value))


def _said(seq: int, gnum: int, field: Mapping[str, Any], computed: str, billed: str, place: str = "") -> dict[str, Any]:
    by_zh, by_en = (f"（税率 {place}）", f" (rate {place})") if place else ("", "")
    where_zh, where_en = (f"第{gnum}项", f"line {gnum}: ") if gnum else ("", "")
    zh = f"{where_zh}{field['zh']}：税单{billed or '无'}，计算{computed or '无'}{by_zh}"
    en = f"{where_en}{field['en']}: the bill says {billed or 'nothing'}, computed was {computed or 'nothing'}{by_en}"
    return {"seq": seq, "gnum": gnum, "field": field["tag"], "computed": computed, "billed": billed, "zh": zh, "en": en}


def _one_sided(ours: pd.DataFrame, theirs: pd.DataFrame) -> list[dict[str, Any]]:
    """Lines that only we, or only the bill has."""
    mine, bill = (set(zip(f["seq"].tolist(), f["gnum"].tolist(), strict=True)) for f in (ours, theirs))
    name = {"tag": "gnum", "zh": "商品项", "en": "goods line"}
    return [
        *(_said(seq, gnum, name, str(gnum), "") for seq, gnum in sorted(mine - bill)),
        *(_said(seq, gnum, name, "", str(gnum)) for seq, gnum in sorted(bill - mine)),
    ]
