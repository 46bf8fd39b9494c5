"""A truck's orders, payments and goods out of the pool: those of its waybills, found by the database, as captured rows.

What the truck's own files say of an order goes before what the pool says of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Row

from adapters.ledger import events, pool
from mappings import faults, profiles
from mappings.canonical.batch import Batch
from mappings.errors import ConfigurationError
from mappings.profiles import Field
from tasks.capture import completeness
from tasks.capture.captured import Captured, RawTable, SourceFile
from tasks.capture.extract import Rows
from tasks.office import Office
from tasks.pool import keys

MISSING, STAGE = "POOL-001", "match"
_ORDER, _WAYBILL, _NUMBER = "order.order_no", "waybill.order_no", "waybill.waybill_no"
_ORDERS = ("order", "line", "payment", "buyer")


@dataclass
class Joined:
    """`parts` are the pool's rows, oldest file first; `newest` what the pool was then (0: it is not used)."""

    newest: int = 0
    parts: list[Captured] = field(default_factory=list)


def join(office: Office, own: Captured) -> Joined:
    """What the pool has of a truck's parcels. Raises ConfigurationError where a layout is gone."""
    with office.ledger.read() as tx:
        found = Joined(pool.newest(tx))
        if not found.newest:
            return found
        agent = own.truck.parties.get("platform") if own.truck else None
        platform = agent.code if agent else ""
        wanted = keys.all_texts(own.tables.get("waybill", []), _WAYBILL)
        wanted += keys.all_texts(own.tables.get("order", []), _ORDER)
        rows = pool.rows_of(tx, pool.ORDER, wanted, platform)
        found.parts = _parts(tx, office, rows)
        lines = [raw for part in (own, *found.parts) for raw in part.tables.get("line", [])]
        goods = pool.rows_of(tx, pool.ITEM, keys.all_texts(lines, "line.item_no"), platform)
        found.parts += _parts(tx, office, goods)
    return found


def _parts(tx: Connection, office: Office, rows: Sequence[pool.Said]) -> list[Captured]:
    """The rows as captured tables, one part for each file that said them last."""
    known = {profile.name: profile for profile in profiles.profiles(office.home.profiles)}
    rules = profiles.folder_rules(office.home.profiles)
    by_file: dict[int, dict[int, list[Any]]] = {}
    for row in rows:
        by_file.setdefault(row.last_file_id, {}).setdefault(row.pool_file_id, []).append(row.rows)
    parts = []
    for files in by_file.values():
        part, found = Captured(), list[dict[str, Any]]()
        for ident, entries in files.items():
            _again(part, pool.file(tx, ident), entries, known)
        completeness(part, found, rules)
        part.faults = faults.frame(found)
        parts.append(part)
    return parts


def _again(part: Captured, file: Row[Any], entries: list[Any], known: dict[str, Any]) -> None:
    """The rows of one file of the pool, read by its layout as if the truck had sent them."""
    if file.profile not in known:
        raise ConfigurationError(
            f"No profile {file.profile!r}, by which {file.name} was taken in 缺少读取该文件的布局; put it back 请恢复"
        )
    count = 0
    for place in sorted({place for place, _ in entries}):
        numbered = sorted((row for at, some in entries if at == place for row in some), key=lambda row: row[0])
        headings, sheet = file.layout[str(place)]
        rows = Rows(file.name, known[file.profile], place, [record for _, record in numbered],
                    np.array([number for number, _ in numbered], dtype=np.int64), tuple(headings), sheet)  # fmt: skip
        for raw in rows.tables():
            part.tables.setdefault(raw.table, []).append(raw)
        count += len(numbered)
    part.files.append(SourceFile(file.name, file.kind, file.profile, file.sender, count, file.sha256, file.size))


@dataclass(frozen=True)
class Waiting:
    """Waybills whose orders are nowhere yet, by order number: waybill number, and where it stands."""

    by_order: dict[str, dict[str, Any]] = field(default_factory=dict)


def waiting(captured: Captured) -> Waiting:
    """The waybills without an order in any file; each gets a row of its own for an order, so that it is a parcel."""
    there = set(keys.all_texts(captured.tables.get("order", []), _ORDER))
    found: dict[str, dict[str, Any]] = {}
    stubs = []
    for raw in captured.tables.get("waybill", []):
        if _WAYBILL not in raw.fields:
            continue
        orders, numbers = keys.texts(raw, _WAYBILL), keys.texts(raw, _NUMBER)
        keep = np.array([bool(o) and o not in there and o not in found for o in orders], dtype=bool)
        heading = raw.fields[_WAYBILL].heading
        for order, number, row in zip(
            *(np.array(x, dtype=object)[keep] for x in (orders, numbers, raw.rows)), strict=True
        ):
            found.setdefault(order, {"waybill_no": number, "file": raw.file, "sheet": raw.sheet, "row": int(row),
                                     "column": heading})  # fmt: skip
        if keep.any():
            stubs.append(_stub(raw, keep))
    if stubs:
        captured.tables.setdefault("order", []).extend(stubs)
        _no_longer_missing(captured)
    return Waiting(found)


def _stub(raw: RawTable, keep: np.ndarray[Any, Any]) -> RawTable:
    data = pd.DataFrame({_ORDER: raw.data[_WAYBILL][keep].reset_index(drop=True)})
    known = raw.fields[_WAYBILL]
    fields: dict[str, Field] = {_ORDER: replace(known, path=_ORDER)}
    return replace(raw, table="order", fields=fields, data=data, rows=raw.rows[keep], once_per=())


def _no_longer_missing(captured: Captured) -> None:
    """Orders and their lines are waited for parcel by parcel: the truck as a whole does not wait for them."""
    captured.missing = [name for name in captured.missing if name not in _ORDERS]
    errors = (captured.faults["code"] == "CAP-002") & (captured.faults["severity"] == "error")
    if not captured.missing:
        captured.faults = captured.faults[~errors].reset_index(drop=True)


def held(batch: Batch, waits: Waiting) -> Batch:
    """The batch with the waiting parcels held by that one fault alone, each with its waybill number."""
    if not waits.by_order:
        return batch
    known = waits.by_order
    mine = batch.parcels[_ORDER].isin(known.keys()).to_numpy()
    orders = batch.parcels[_ORDER][mine]
    told = faults.frame(
        {"code": MISSING, "order_no": o, "value": o, "stage": STAGE, "field": _ORDER, **known[o]} for o in orders
    )  # fmt: skip
    parcels = batch.parcels.copy()
    parcels.loc[mine, "parcel.state"], parcels.loc[mine, "parcel.reason"] = "held", MISSING
    parcels.loc[mine, _NUMBER] = [known[o]["waybill_no"] for o in orders]
    others = batch.faults[~batch.faults["order_no"].isin(known.keys())]
    return replace(batch, parcels=parcels, faults=faults.together([others, told]))


def recheck(tx: Connection, shipment_id: int, newest: int, kind: str) -> None:
    """A file was published while the truck was worked up: that is a delivery, too, and it is worked up once more."""
    if newest and not pool.still(tx, newest):
        events.record(tx, shipment_id, kind, actor="pool", detail={"files": [], "pool": ""})


def startable(office: Office, missing: Iterable[str]) -> bool:
    """Whether a folder that lacks these tables may start, because the pool is used and they come from it."""
    return set(missing) <= {"order", "line"} and pool.newest(office.ledger) > 0
