"""Erasing a person from shipments that have been closed longer than the law wants their data kept (keeping.yaml).

Hashes, keys and states stay, so that the ledger can still be audited. The raw messages of such a shipment hold many
people in one signed text; past the keeping time nobody needs them any more, so they are erased whole.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Select, select, union, update

from adapters.ledger import bulk, pool, stories
from adapters.ledger.books import buyers
from adapters.ledger.events import record
from adapters.ledger.ledger import alone, writes
from adapters.ledger.raws import ERASED
from adapters.ledger.tables import (
    application,
    conversion,
    document,
    event,
    fault,
    message,
    parcel,
    raw,
    receipt,
    shipment,
    snapshot,
    story,
)
from adapters.ledger.tables import source_file as source
from mappings import clock, yamls
from mappings.canonical.batch import Batch
from mappings.canonical.columns import columns
from mappings.canonical.model import TABLES, Driver
from mappings.errors import ConfigurationError

_NAMES = ("waybill.consignee_name", "payment.payer_name", "buyer.name", "order.consignee_name")
_PHONES = ("waybill.consignee_phone", "payment.payer_phone", "buyer.phone", "order.consignee_phone")


class Person(NamedTuple):
    """Whom to erase: whatever is known; each value that is given finds them."""

    name: str = ""
    phone: str = ""
    waybill_no: str = ""

    def rows(self, frame: pd.DataFrame) -> np.ndarray:
        """Which parcels are this person's."""
        wanted = [(column, self.name) for column in _NAMES]
        wanted += [*((column, self.phone) for column in _PHONES), ("waybill.waybill_no", self.waybill_no)]
        found = np.zeros(len(frame), dtype=bool)
        for column, value in wanted:
            if value and column in frame:
                found |= (frame[column] == value).to_numpy(dtype=bool)
        return found


@dataclass
class Erased:
    """What was erased; `kept` are shipments not closed for long enough, `shared` raws that such shipments need too."""

    shipments: list[int] = field(default_factory=list)
    snapshots: int = 0
    raws: int = 0
    shared: int = 0
    kept: list[int] = field(default_factory=list)


@lru_cache
def keeping_years(day: date) -> int:
    """How many years a closed shipment's data is kept, by the rule in force on a day (the first one, before all)."""
    rules = yamls.load((Path(__file__).parent / "keeping.yaml").read_text("utf-8"))["keeping"]
    begun = [rule for rule in rules if rule["since"] <= day] or [min(rules, key=lambda rule: rule["since"])]
    return int(max(begun, key=lambda rule: rule["since"])["years"])


def kept_until(closed_at: datetime, day: date) -> datetime:
    """When a shipment that was closed then may be erased, by the rule in force on a day."""
    year = closed_at.year + keeping_years(day)
    leap = closed_at.month == 2 and closed_at.day == 29
    return closed_at.replace(year=year, month=3, day=1) if leap else closed_at.replace(year=year)


@writes
def erase_person(tx: Connection, actor: str, person: Person) -> Erased:
    """Overwrite a person's data in every shipment that is past its keeping time. Nothing is half-erased."""
    if not any(person):
        raise ConfigurationError("请给出姓名、电话或运单号。Say whom to erase: a name, a phone or a waybill number.")
    now, erased = clock.now(), Erased()
    for authority in sorted(tx.execute(select(message.c.authority).distinct()).scalars()):
        alone(tx, f"settle {authority}")  # who settles may write anew what is erased here
    for row in list(tx.execute(select(shipment.c.id, shipment.c.truck, shipment.c.closed_at).order_by("id")).all()):
        orders, said, rewritten = _snapshots(tx, row.id, person)
        drives = bool(person.name) and (row.truck.get("driver") or {}).get("name") == person.name
        if not (orders or drives or _carries(tx, row.id, person)):
            continue
        if row.closed_at is None or kept_until(row.closed_at, now.date()) > now:
            erased.kept.append(row.id)
            continue
        for ident, body in rewritten.items():
            tx.execute(update(snapshot).where(snapshot.c.id == ident).values(body=body))
        erased.shipments.append(row.id)
        erased.snapshots += len(rewritten)
        _shipment(tx, row, drives, orders, said)
        buyers.forget(tx, row.id, orders, now)
        pool.forget(tx, orders)
        record(tx, row.id, "person-erased", actor=actor)
    _raws(tx, erased, now)
    years = keeping_years(now.date())
    erased.raws += pool.forget_old(tx, now - timedelta(days=366 * years))
    return erased


def _carries(tx: Connection, shipment_id: int, person: Person) -> bool:
    mine = (parcel.c.shipment_id == shipment_id) & (parcel.c.waybill_no == person.waybill_no)
    return bool(person.waybill_no) and tx.execute(select(parcel.c.id).where(mine)).first() is not None


def _snapshots(tx: Connection, shipment_id: int, person: Person) -> tuple[set[str], set[str], dict[int, bytes]]:
    """The person's orders, all that is said of them, and every snapshot that names them as it reads without them.

    A batch that today's model cannot read, and a text that names them, are emptied.
    """
    orders: set[str] = set()
    said = {value for value in person if value}
    rewritten: dict[int, bytes] = {}
    texts: dict[int, bytes] = {}
    query = select(snapshot.c.id).where(snapshot.c.shipment_id == shipment_id)
    for ident in list(tx.execute(query.order_by(snapshot.c.id)).scalars()):
        body = tx.execute(select(snapshot.c.body).where(snapshot.c.id == ident)).scalar_one()
        if not _is_batch(body):
            texts[ident] = body
            continue
        try:
            batch = Batch.from_bytes(body)
        except ValueError:
            rewritten[ident] = b""
            continue
        found = person.rows(batch.parcels)
        orders.update(batch.parcels["order.order_no"][found])
        said.update(value for path in _personal(batch) for value in batch.parcels[path][found] if value)
        if found.any() or (person.name and batch.truck.driver.name == person.name):
            rewritten[ident] = _without(batch, found, person, said).to_bytes()
    rewritten.update({ident: b"" for ident, body in texts.items() if _names(body, said)})
    return orders, said, rewritten


def _is_batch(body: bytes) -> bool:
    return body.startswith(b'{"truck"') and b'"sizes"' in body.partition(b"\n")[0]


def _names(text: bytes, said: set[str]) -> bool:
    """Whether a text names somebody, plainly or as JSON writes it in ASCII."""
    return any(value.encode() in text or json.dumps(value)[1:-1].encode() in text for value in said)


def _personal(batch: Batch) -> list[str]:
    paths = (c.path for table in TABLES for c in columns(table).values() if c.personal)
    return [path for path in paths if path in batch.parcels]


def _without(batch: Batch, found: np.ndarray, person: Person, said: set[str]) -> Batch:
    parcels, faults = batch.parcels.copy(), batch.faults.copy()
    for path in _personal(batch):
        parcels.loc[found, path] = ""
    theirs = faults["order_no"].isin(set(parcels["order.order_no"][found]))
    for name in ("value", "other_value"):
        faults.loc[theirs | faults[name].isin(said), name] = ""
    driver = Driver() if batch.truck.driver.name == person.name else batch.truck.driver
    truck = batch.truck.model_copy(update={"driver": driver})
    return replace(batch, truck=truck, parcels=parcels, faults=faults)


def _shipment(tx: Connection, row: Any, drives: bool, orders: set[str], said: set[str]) -> None:
    """Everything else of one shipment that may show the person: driver, faults, people's words, texts, examples."""
    if drives:
        truck = {**row.truck, "driver": Driver().model_dump()}
        tx.execute(update(shipment).where(shipment.c.id == row.id).values(truck=truck))
    faults = select(fault.c.id, fault.c.order_no, fault.c.value, fault.c.other_value).where(
        fault.c.shipment_id == row.id
    )
    theirs = [
        (f.id, "", "") for f in tx.execute(faults).all() if f.order_no in orders or said & {f.value, f.other_value}
    ]
    bulk.update(tx, fault, ("id", "value", "other_value"), theirs)
    words = tx.execute(select(event.c.id, event.c.detail).where(event.c.shipment_id == row.id)).all()
    for ident in (e.id for e in words if e.detail and _names(json.dumps(e.detail, ensure_ascii=False).encode(), said)):
        tx.execute(update(event).where(event.c.id == ident).values(detail={}))
    tx.execute(update(shipment).where(shipment.c.id == row.id).values(held_reason=""))
    tx.execute(update(conversion).where(conversion.c.shipment_id == row.id).values(example=""))
    mine = select(document.c.id).where(document.c.shipment_id == row.id)
    tx.execute(update(receipt).where(receipt.c.document_id.in_(mine)).values(info=""))
    stories.without_texts(tx, row.id)
    tx.execute(update(document).where(document.c.shipment_id == row.id).values(return_info=None))
    tx.execute(update(application).where(application.c.shipment_id == row.id).values(reason=""))


def _raws(tx: Connection, erased: Erased, now: datetime) -> None:
    """The raw bytes of the erased shipments; those that shipments still to be kept need too stay, and are counted."""
    tied = set(tx.execute(_tied(shipment.c.id.in_(erased.shipments))).scalars())
    needed = set(tx.execute(_tied(shipment.c.id.not_in(erased.shipments))).scalars())
    for ident in sorted(tied - needed):
        gone = update(raw).where(raw.c.id == ident, raw.c.erased_at.is_(None))
        erased.raws += tx.execute(gone.values(body=b"", state=ERASED, erased_at=now)).rowcount
    erased.shared = len(tied & needed)


def _tied(which: Any) -> Any:
    """The raws that belong to some shipments: theirs by name, their files, their messages, their receipts."""
    heard: Select[Any] = select(receipt.c.raw_id).join(document, receipt.c.document_id == document.c.id)
    return union(
        select(raw.c.id).join(shipment, raw.c.shipment_id == shipment.c.id).where(which),
        select(source.c.raw_id).join(shipment, source.c.shipment_id == shipment.c.id).where(which),
        select(message.c.raw_id).join(shipment, message.c.shipment_id == shipment.c.id).where(which),
        heard.join(shipment, document.c.shipment_id == shipment.c.id).where(which),
        select(story.c.raw_id).join(shipment, story.c.shipment_id == shipment.c.id).where(which),
    )
