"""The monthly summary (701): closed inventories with statisticsFlag B of one declarant, customs office and seller.

A summary is about parcels of many trucks. It stands with the truck that was closed last, which listens for its
receipts; what it names is in its lines. An inventory is named by one live summary only, so that asking again finds
what is new.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Row, and_, select

from adapters.ledger import applications as ledger
from adapters.ledger import bulk, preparing, shipments
from adapters.ledger.ledger import reads
from adapters.ledger.tables import application, application_line, document, parcel
from mappings import clock
from mappings.applications import Rule, rule
from mappings.canonical.model import Truck
from mappings.clock import CHINA
from mappings.engine.rows import Rows
from mappings.errors import DataFault
from mappings.identity import Identities
from tasks.applications.asking import Asked
from tasks.applications.case import Case
from tasks.applications.messages import packed
from tasks.conversion import sources
from tasks.conversion.declare import business_keys, roles
from tasks.conversion.messages import OutDocument, OutMessage
from tasks.office import Office

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


@dataclass
class Group:
    """What one summary is of: agent, customs office, seller; the trucks, and their inventories still to be summed."""

    truck: Truck
    shipment_id: int = 0
    closed_at: datetime | None = None
    parcel_ids: list[int] = field(default_factory=list)


def last_month() -> str:
    """The month before this one, in China."""
    return (clock.now().astimezone(CHINA).replace(day=1) - timedelta(days=1)).strftime("%Y-%m")


def bounds(month: str) -> tuple[datetime, datetime]:
    """Start and end of a month in China. Raises DataFault where it is none, or not over."""
    fault = DataFault(f"{month!r} 不是已结束的月份 is no month that is over",
                      [{"code": "APP-040", "value": month, "stage": "apply"}])  # fmt: skip
    if not _MONTH.fullmatch(month):
        raise fault
    start = datetime(int(month[:4]), int(month[5:]), 1, tzinfo=CHINA)
    end = (start + timedelta(days=32)).replace(day=1)
    if end > clock.now():
        raise fault
    return start, end


def ask_summaries(office: Office, month: str, actor: str, declarant: str = "") -> dict[int, Asked]:
    """Ask for the summaries of a month (YYYY-MM), of every declarant or the one with this code, by shipment."""
    start, end = bounds(month)
    found: dict[int, Asked] = {}
    with office.ledger.begin() as tx:
        for group in groups(tx, rule("summary", "export"), start, end):
            if declarant in ("", group.truck.parties["agent"].code):
                new = ledger.add(tx, group.shipment_id, _askings(tx, group, month), actor)
                found.setdefault(group.shipment_id, Asked("summary")).new += new
        for row in tx.execute(select(application.c.id, application.c.shipment_id, application.c.detail).where(
            application.c.kind == "summary", application.c.state.in_((*ledger.OPEN, ledger.GRANTED)),
        )).all():  # fmt: skip
            mine = found.setdefault(row.shipment_id, Asked("summary")) if row.detail["month"] == month else None
            if mine is not None and row.id not in mine.new and declarant in ("", row.detail["agent"]):
                mine.known.append(row.id)
    return {ident: asked for ident, asked in found.items() if asked.ids}


def groups(tx: Connection, found: Rule, start: datetime, end: datetime) -> list[Group]:
    """The inventories closed in a time that no live summary names, by agent, customs office and seller."""
    d, a = document.c, application.c
    summed = select(application_line.c.parcel_id).join(application, a.id == application_line.c.application_id)
    summed = summed.where(a.kind == "summary", a.state.in_((*ledger.OPEN, ledger.GRANTED)))
    query = select(d.parcel_id, d.shipment_id, d.return_time).where(d.type == found.about, d.state.in_(_states(found)))
    mine = query.where(d.return_time >= start, d.return_time < end, d.parcel_id.not_in(summed)).order_by(d.id)
    trucks: dict[int, Truck] = {}
    made: dict[tuple[str, ...], Group] = {}
    for parcel_id, shipment_id, closed_at in tx.execute(mine).all():
        if shipment_id not in trucks:
            trucks[shipment_id] = Truck.model_validate(shipments.get(tx, shipment_id).truck)
        truck = trucks[shipment_id]
        if truck.statistics_flag != found.value("statistics_flag"):
            continue
        group = made.setdefault(_key(truck), Group(truck))
        group.parcel_ids.append(parcel_id)
        if group.closed_at is None or closed_at >= group.closed_at:
            group.truck, group.shipment_id, group.closed_at = truck, shipment_id, closed_at
    return list(made.values())


def _states(found: Rule) -> list[str]:
    return [state for state, said in found.inventory.items() if said == "may"]


def _key(truck: Truck) -> tuple[str, ...]:
    return (truck.parties["agent"].code, truck.customs_office, truck.parties["seller"].code)


def _askings(tx: Connection, group: Group, month: str) -> list[ledger.Asking]:
    """One application a part, each with its inventories; the number counts the summaries of a group and month."""
    stem = hashlib.sha256("|".join(_key(group.truck)).encode()).hexdigest()[:8].upper()
    stem = f"S{month.replace('-', '')}{stem}-"
    before = select(application.c.number).where(application.c.kind == "summary", application.c.number.like(f"{stem}%"))
    n = 1 + len(set(tx.execute(before).scalars()))
    size = int(roles()["parcels_per_list"]["value"])
    parts = [group.parcel_ids[i : i + size] for i in range(0, len(group.parcel_ids), size)]
    detail = {"month": month, "parts": len(parts), "agent": group.truck.parties["agent"].code}
    return [
        ledger.Asking("summary", rule("summary", "export").sends, f"{stem}{n}", attempt=n, part=part, detail=detail,
                      request=month, lines=tuple((ident, 0, 0) for ident in ids))
        for part, ids in enumerate(parts, 1)
    ]  # fmt: skip


def written(case: Case, rows: Sequence[Row[Any]], identities: Identities, at: datetime) -> list[OutMessage]:
    """The messages of summaries: one a part, numbered msgSeqNo of msgCount."""
    made: list[OutMessage] = []
    for row in rows:
        numbers = inventory_numbers(case.tx, [line.parcel_id for line in ledger.lines(case.tx, [row.id])], case.rule)
        head = Rows(sources.truck_values(case.truck) | {
            "document.guid": identities.guids(1), "document.app_type": "1", "document.app_time": at,
            "document.cop_no": row.number, "document.part_count": row.detail["parts"],
            "document.part": pd.Series([row.part]),
        }, 1)  # fmt: skip
        lists = {roles()["messages"][row.type]["list"]: Rows(
            {"original.invt_no": numbers}, len(numbers), np.zeros(len(numbers), dtype=np.int64))}  # fmt: skip
        guid: Any = head.values["document.guid"]
        doc = OutDocument(guid[0], business_keys(row.type, head)[0], None, row.attempt)
        made += packed(row.type, case.batch, head, lists, [doc], identities, 1)
    return made


def inventory_numbers(tx: Connection, parcel_ids: Sequence[int], found: Rule) -> list[str]:
    """Customs' numbers of the inventories that were closed, in the order of the parcels."""
    d = document.c
    query = select(d.parcel_id, d.invt_no).where(d.type == found.about, d.state.in_(_states(found)))
    known = {
        row.parcel_id: row.invt_no for row in tx.execute(query.where(bulk.among(tx, d.parcel_id, parcel_ids))).all()
    }
    return [known[ident] for ident in parcel_ids]


def name_inventories(tx: Connection, ids: Sequence[int]) -> None:
    """The parcels of its own shipment that a summary's document names, as other lists do; its lines have all."""
    a, line = application.c, application_line.c
    query = select(a.document_id, parcel.c.seq).join_from(application, application_line, a.id == line.application_id)
    query = query.join(parcel, and_(parcel.c.id == line.parcel_id, parcel.c.shipment_id == a.shipment_id))
    named: dict[int, list[int]] = {}
    for ident, seq in tx.execute(query.where(a.id.in_(ids))).all():
        named.setdefault(ident, []).append(seq)
    preparing.name_parcels(tx, named)


@reads
def orders(tx: Connection, ids: Sequence[int]) -> dict[int, list[str]]:
    """The order numbers that each of these summaries names."""
    line, found = application_line.c, dict[int, list[str]]()
    query = select(line.application_id, parcel.c.order_no).join(parcel, parcel.c.id == line.parcel_id)
    for ident, order in tx.execute(query.where(line.application_id.in_(ids)).order_by(line.id)).all():
        found.setdefault(ident, []).append(order)
    return found
