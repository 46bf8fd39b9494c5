"""Messages of applications: cancel (605, 623), return (625, 213), tally (215), summary (701), from their message files.

Interface specification 202205. What comes from the batch is as it was declared; the rest is the application's own:
document.*, application.reason, original.* (the inventory's number), return.* (quantities and the way back).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from mappings.applications import Rule
from mappings.canonical.batch import Batch
from mappings.engine import spec, writer
from mappings.engine.rows import Rows, Value
from mappings.identity import Identities
from tasks.conversion import sources
from tasks.conversion.declare import AUTHORITY, business_keys, roles
from tasks.conversion.messages import BATCH_OF, Framed, OutDocument, OutMessage

_WAY = ("vehicle", "voyage_no", "bill_no", "location")  # of a return, as told by who asks


def number(letter: str, master_waybill: str, seq: int, attempt: int) -> str:
    """Our number of an application: at most 20 characters, which is what the shortest field for it takes."""
    return f"{letter}{hashlib.sha256(master_waybill.encode()).hexdigest()[:8].upper()}{seq:05d}-{attempt}"


@dataclass(frozen=True)
class Applied:
    """What is to be written: `asked` has seq, number, attempt, reason, invt_no, detail; `lines` seq, gnum, quantity."""

    batch: Batch
    rule: Rule
    asked: pd.DataFrame
    lines: pd.DataFrame

    def ordered(self) -> tuple[Batch, pd.DataFrame]:
        """The parcels asked for, and what is asked, in one order."""
        part = self.batch.select(self.batch.parcels["parcel.seq"].isin(self.asked["seq"]).to_numpy())
        return part, self.asked.set_index("seq").loc[part.parcels["parcel.seq"].tolist()].reset_index()


def _way(batch: Batch, asked: pd.DataFrame, rule: Rule) -> dict[str, Value]:
    """The way back of returned goods: as told, else that of the truck, with the parcel's own waybill as bill."""
    truck, told = batch.truck, asked["detail"].tolist()
    other = {"vehicle": truck.mainland_plate, "voyage_no": truck.batch_no, "location": ""}
    values: dict[str, Value] = {
        f"return.{name}": pd.Series([d.get(name) or other.get(name, "") for d in told], dtype="str") for name in _WAY
    }
    bills = zip(told, batch.parcels["waybill.waybill_no"], strict=True)
    values["return.bill_no"] = pd.Series([d.get("bill_no") or waybill for d, waybill in bills], dtype="str")
    values["return.trade_mode"] = rule.value("trade_modes", {}).get(truck.regime, "")
    return values


def _head(batch: Batch, asked: pd.DataFrame, rule: Rule, identities: Identities, at: datetime) -> Rows:
    own: dict[str, Value] = {
        "document.guid": identities.guids(len(asked)),
        "document.app_type": "1",
        "document.app_time": at,
        "document.cop_no": asked["number"].tolist(),
        "application.reason": asked["reason"].tolist(),
        "original.invt_no": asked["invt_no"].tolist(),
    }
    return sources.parcel_rows(batch).adding(own | _way(batch, asked, rule))


def share(whole: pd.Series, part: pd.Series, of: pd.Series) -> pd.Series:
    """The part of a whole that belongs to `part` of `of`, in hundred-thousandths, rounded; missing stays missing."""
    found = [
        pd.NA if pd.isna(w) else (int(w) * int(p) * 2 + int(o)) // (int(o) * 2)
        for w, p, o in zip(whole, part, of, strict=True)
    ]
    return pd.Series(found, dtype="Int64")


def _list(batch: Batch, lines: pd.DataFrame) -> Rows:
    """The goods lines that are returned, each with its part of the legal quantities."""
    owner = batch.lines["parcel"].to_numpy()
    keys = pd.DataFrame({"seq": batch.parcels["parcel.seq"].to_numpy()[owner], "gnum": batch.lines["line.gnum"]})
    keys = keys.astype("int64").merge(lines.astype("int64"), on=["seq", "gnum"], how="left")
    named = keys["quantity"].notna().to_numpy()
    goods = batch.lines[named].reset_index(drop=True)
    quantity = keys["quantity"][named].astype("Int64").reset_index(drop=True)
    values: dict[str, Value] = {c: goods[c] for c in goods.columns if c != "parcel"}
    values["return.quantity"] = quantity
    for n in ("1", "2"):
        values[f"return.quantity{n}"] = share(goods[f"line.quantity{n}"], quantity, goods["line.quantity"])
    return Rows(values, len(goods), goods["parcel"].to_numpy(dtype=np.int64))


def rows_of(applied: Applied, identities: Identities, at: datetime) -> tuple[Rows, dict[str, Rows]]:
    """The head rows and the repeated rows of what is asked for, as the message files name their values."""
    batch, asked = applied.ordered()
    listed = roles()["messages"][applied.rule.sends].get("list")
    head = _head(batch, asked, applied.rule, identities, at)
    return head, ({listed: _list(batch, applied.lines)} if listed else {})


def written(applied: Applied, identities: Identities, at: datetime) -> list[OutMessage]:
    """The messages, at most 100 documents each, every document about one parcel."""
    rows, lists = rows_of(applied, identities, at)
    batch, asked = applied.ordered()
    keys, guids = business_keys(applied.rule.sends, rows), rows.values["document.guid"]
    told = zip(guids, keys, asked["seq"].tolist(), asked["attempt"].tolist(), strict=True)  # type: ignore[call-overload]
    documents = [OutDocument(guid, key, seq, attempt) for guid, key, seq, attempt in told]
    return packed(applied.rule.sends, batch, rows, lists, documents, identities)


def packed(
    type_: str, batch: Batch, rows: Rows, lists: dict[str, Rows], documents: list[OutDocument], identities: Identities,
    size: int = BATCH_OF,
) -> list[OutMessage]:  # fmt: skip
    """Documents in messages of at most `size`, sent by the company that owns the type."""
    role: Any = roles()["messages"][type_]["role"]
    size = min(size, spec.load(type_).most_documents)
    sender = sources.sender_values(batch.truck, role)
    made = writer.write(type_, rows, lists, sender, identities.guids(-(-rows.count // size)), size)
    return [
        OutMessage(AUTHORITY, type_, n, w.guid, w.body, role, documents[w.start : w.stop], Framed.of(w))
        for n, w in enumerate(made, 1)
    ]
