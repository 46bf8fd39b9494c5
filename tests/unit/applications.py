"""Steps that tests of applications share: numbers from customs, approval, receipts by the way that all take."""

from __future__ import annotations

import base64
from datetime import timedelta

from lxml import etree
from sqlalchemy import select, update

from adapters.ledger import applications, messages, raws
from adapters.ledger.tables import document, message, parcel
from mappings import clock
from mappings.engine import spec
from tasks.applications.asking import Asked
from tasks.receipts.receive import accept_push
from tasks.receipts.settle import settle
from tests.unit.customs import IDENTITIES, envelope, receipt, stamp
from tests.unit.desk import Desk

TEXTS = {"100": "[Code:1300;Desc:人工退单]", "399": "[Code:2300;Desc:审核通过]"}
KEYS = {
    "CEB605Message": ("agentCode", "copNo"), "CEB623Message": ("agentCode", "copNo"),
    "CEB625Message": ("agentCode", "copNo"), "CEB213Message": ("agentCode", "coElNo"),
    "CEB215Message": ("logisticsNo", "coElNo"), "CEB701Message": ("agentCode", "copNo", "msgSeqNo"),
}  # fmt: skip


def invt(seq: int) -> str:
    """The number that customs gave a parcel's inventory."""
    return f"57882026E{seq:09d}"


def numbered(desk: Desk, *seqs: int, kind: str = "CEB603Message") -> None:
    """Customs has numbered the inventories (of these parcels, or all)."""
    with desk.ledger.begin() as tx:
        query = select(document.c.id, parcel.c.seq).join(parcel, parcel.c.id == document.c.parcel_id)
        for ident, seq in list(tx.execute(query.where(document.c.type == kind))):
            if not seqs or seq in seqs:
                tx.execute(update(document).where(document.c.id == ident).values(invt_no=invt(seq)))


def approve(desk: Desk, asked: Asked) -> None:
    """A person says yes."""
    applications.approve(desk.ledger, asked.ids, "boss")
    desk.settle()


def refusals(asked: Asked) -> list[tuple[str, str]]:
    """(order, code) of what was refused."""
    return list(zip(asked.faults["order_no"], asked.faults["code"], strict=True))


def body(desk: Desk, kind: str, attempt: int = 1) -> bytes:
    """A business message as it was sealed."""
    query = select(message.c.raw_id).where(message.c.type == kind, message.c.attempt == attempt)
    with desk.ledger.read() as tx:
        raw_id = tx.execute(query.order_by(message.c.id)).scalars().first()
    outer = etree.fromstring(raws.body(desk.ledger, raw_id))
    return base64.b64decode("".join(outer.xpath("//*[local-name()='Data']/text()")))


def hear(desk: Desk, kind: str, *statuses: str, minutes: int = 10, latest: bool = True, **fields: str) -> None:
    """Customs says these of every document of a type (of its latest attempt): pushed, read, settled."""
    found = {d.parcel_seq or d.id: d for d in messages.documents(desk.ledger, desk.id, type=kind)}
    answer = str(spec.load(kind).receipt)
    for n, status in enumerate(statuses):
        at = stamp(clock.now() + timedelta(minutes=minutes, seconds=n))
        rows = [
            dict(zip(KEYS[kind], d.business_key.split("|"), strict=True))
            | {"returnStatus": status, "returnTime": at, "returnInfo": TEXTS.get(status, ""), "guid": IDENTITIES.guid()}
            | fields
            for d in found.values()
        ]
        push(desk, receipt(answer, rows), answer)


def push(desk: Desk, business: bytes, kind: str) -> None:
    """A message of customs, by the way that all take."""
    here = desk.office.authority("cn_ecommerce")
    sealed = envelope.write(business, kind, "DXPEDCCEB0000003", "DXPTEST", IDENTITIES.guid(), clock.now())
    accept_push(desk.ledger, here, sealed)
    settle(desk.ledger, here)
    desk.settle()
