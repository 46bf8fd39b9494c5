"""The audit: every captured parcel in exactly one place, and nothing half-way for long.

What a parcel's state claims of its documents is given by the caller (the tables of parcels); everything else the ledger
knows by itself. An "error" means that the promise is broken, a "warning" that somebody should look.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, exists, func, or_, select

from adapters.ledger import applications, ranges
from adapters.ledger.books.accounts import unbalanced
from adapters.ledger.ledger import reads
from adapters.ledger.tables import (
    DEAD,
    PARKED,
    UNCHECKED,
    WAITING,
    document,
    list_document,
    message,
    parcel,
    raw,
    receipt,
)
from mappings import clock

ERROR, WARNING = "error", "warning"
CLAIM_SECONDS = 600.0
MOST = 50  # ids that a finding names
TOGETHER = 20_000  # parcels judged at a time: 33 MB at the most; all at once took 116 for each 100,000
TEXTS = {
    "unknown-state": (ERROR, "包裹 {order_no} 的状态“{state}”不在状态表中",
                      "Parcel {order_no} is in a state that the tables do not know: {state}"),
    "missing-document": (ERROR, "包裹 {order_no} 状态为 {state}，但没有有效的 {type}",
                         "Parcel {order_no} is {state}, which claims a {type} that is not there"),
    "unclaimed-document": (ERROR, "包裹 {order_no} 状态为 {state}，却有有效的 {type}",
                           "Parcel {order_no} is {state}, but has a live {type}"),
    "two-attempts": (ERROR, "包裹 {order_no} 的 {type} 有 {count} 份有效单证",
                     "Parcel {order_no} has {count} live documents of type {type}; there may be one"),
    "two-places": (ERROR, "订单 {order_no} 在多票货运中有效申报：{shipments}",
                   "Order {order_no} is declared in more than one shipment: {shipments}"),
    "same-key": (ERROR, "业务主键 {business_key}（{type}）在多票货运中有效",
                 "Business key {business_key} ({type}) is live in more than one shipment"),
    "wrong-shipment": (ERROR, "单证 {document_id} 与其报文或包裹不属于同一票货运",
                       "Document {document_id} is not in the shipment of its message and parcel"),
    "dangling": (ERROR, "表 {table} 有 {count} 行的 {column} 指向不存在的记录（请从备份恢复）：编号 {ids}",
                 "{count} rows of {table} refer by {column} to what is gone (restore it from a backup): ids {ids}"),
    "wrong-count": (ERROR, "报文 {type} {seq} 应有 {expected} 份单证，实有 {count} 份",
                    "Message {type} {seq} should hold {expected} documents; the ledger has {count}"),
    "old-claim": (ERROR, "报文 {type} {seq} 被 {worker} 占用过久",
                  "Message {type} {seq} has been claimed by {worker} for too long: its outcome is unknown"),
    "two-applications": (ERROR, "包裹 {order_no} 有多个未了结的同类申请（{kind}）",
                         "Parcel {order_no} has more than one open application of kind {kind}"),
    "not-cancelled": (ERROR, "包裹 {order_no} 的撤销已获准，但清单仍为 {state}",
                      "The cancel of parcel {order_no} was granted, but its inventory is still {state}"),
    "conflict": (WARNING, "单证 {business_key}（{type}）的回执与终态矛盾",
                 "A receipt contradicts the final state of {type} {business_key}"),
    "parked-raw": (WARNING, "有 {count} 份收到的报文无法读取（{authority}）：编号 {ids}",
                   "{count} messages received from {authority} could not be read and are parked: raw ids {ids}"),
    "parked-receipt": (WARNING, "有 {count} 份回执找不到对应单证（{authority}）：编号 {ids}",
                       "{count} receipts from {authority} wait for a document that we do not know: ids {ids}"),
    "unbalanced": (ERROR, "账簿 {book} 的账户 {account} 与其分录不符（{why}）",
                   "The account {account} of the book {book} is not what its entries say ({why})"),
}  # fmt: skip


class Claim(NamedTuple):
    """What a parcel state says of the parcel's documents: one live document of each `required` type, and beside
    them none but of the `optional` types. Of a `repeated` type there may be several (returns of a part each)."""

    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    repeated: frozenset[str] = frozenset()


class Finding(NamedTuple):
    """One thing that is not as it should be."""

    code: str
    severity: str
    shipment_id: int | None
    message_zh: str
    message_en: str


Found = Iterator[tuple[str, int | None, dict[str, Any]]]
Claims = Mapping[str, Claim] | Callable[[Connection, int], Mapping[str, Claim]]  # the same for all, or by shipment


@reads
def audit(
    tx: Connection,
    states: Claims | None = None,
    claim_seconds: float = CLAIM_SECONDS,
    theirs: Mapping[int, frozenset[str]] | None = None,
) -> list[Finding]:
    """Everything that is wrong, worst first; an empty list means that the ledger holds together.

    `states` are all parcel states with what they claim, or give these by shipment; without, states are not judged.
    `claim_seconds` are real.
    `theirs` are the document types that partners send themselves, by shipment: no parcel of it claims one of ours.
    """
    overdue = clock.now() - timedelta(seconds=claim_seconds * clock.clock().speed)
    found = [*_states(tx, states or {}, theirs or {}), *_claims(tx, overdue)]
    found += [entry for check in _CHECKS for entry in check(tx)]
    findings = []
    for code, shipment_id, values in found:
        severity, zh, en = TEXTS[code]
        findings.append(Finding(code, severity, shipment_id, zh.format(**values), en.format(**values)))
    return sorted(findings, key=lambda finding: (finding.severity != ERROR, finding.shipment_id or 0, finding.code))


def _live(where: Any = document) -> Any:
    return where.c.state.not_in(DEAD)


def _superseded() -> Any:
    """A live later attempt that is a change (or a cancel) stands in this document's place."""
    later = document.alias("later")
    same = (later.c[name] == document.c[name] for name in ("authority", "type", "business_key"))
    follows = and_(*same, later.c.attempt > document.c.attempt, later.c.app_type.not_in(("", "1")), _live(later))
    return exists().where(follows)


def _states(tx: Connection, states: Claims, theirs: Mapping[int, frozenset[str]]) -> Found:
    """Each parcel against what its state claims."""
    claimed: dict[int, Mapping[str, Claim]] = {}
    last = tx.execute(select(func.max(parcel.c.id))).scalar() or 0
    for first in range(0, last, TOGETHER):
        live = _documents_of(tx, first)
        query = select(parcel.c.id, parcel.c.shipment_id, parcel.c.order_no, parcel.c.state)
        some = query.where(parcel.c.id > first, parcel.c.id <= first + TOGETHER).order_by(parcel.c.id)
        for ident, shipment_id, order_no, state in tx.execute(some).all():
            if shipment_id not in claimed:
                claimed[shipment_id] = states(tx, shipment_id) if callable(states) else states
            known, mine = claimed[shipment_id], theirs.get(shipment_id, frozenset())
            for code, told in _judged(state, live.get(ident, {}), known, mine):
                yield code, shipment_id, {"order_no": order_no, "state": state, **told}


def _documents_of(tx: Connection, first: int) -> dict[int, dict[str, int]]:
    """How many live documents of each type the parcels after `first` have, by their ids."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    c = document.c
    counted = select(c.parcel_id, c.type, func.count()).where(c.parcel_id > first, c.parcel_id <= first + TOGETHER)
    live = counted.where(_live(), ~_superseded()).group_by(c.parcel_id, c.type)
    for ident, kind, count in tx.execute(live).all():
        found[ident][kind] = count
    return found


def _judged(
    state: str, kinds: Mapping[str, int], known: Mapping[str, Claim], theirs: frozenset[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is wrong with a parcel in this state that has so many documents of these kinds."""
    repeated = known[state].repeated if state in known else frozenset()
    for kind, count in kinds.items():
        if count > 1 and kind not in repeated:
            yield "two-attempts", {"type": kind, "count": count}
    if known and state not in known:
        yield "unknown-state", {}
    elif known:
        claim = known[state]
        for kind in sorted(claim.required - kinds.keys() - theirs):
            yield "missing-document", {"type": kind}
        for kind in sorted(kinds.keys() - claim.required - claim.optional):
            yield "unclaimed-document", {"type": kind}


def _claims(tx: Connection, overdue: Any) -> Found:
    c = message.c
    query = select(c.shipment_id, c.type, c.seq, c.claimed_by).where(c.state == "claimed", c.claimed_at < overdue)
    for shipment_id, kind, seq, worker in tx.execute(query).all():
        yield "old-claim", shipment_id, {"type": kind, "seq": seq, "worker": worker}


def _two_places(tx: Connection) -> Found:
    other, mine = parcel.alias("other"), document.alias("mine")
    same = and_(
        other.c.platform_code == parcel.c.platform_code,
        other.c.order_no == parcel.c.order_no,
        other.c.shipment_id > parcel.c.shipment_id,
    )
    query = select(parcel.c.order_no, parcel.c.shipment_id, other.c.shipment_id).distinct().join(other, same)
    query = query.join(document, document.c.parcel_id == parcel.c.id).join(mine, mine.c.parcel_id == other.c.id)
    for order_no, here, there in tx.execute(query.where(_live(), _live(mine))).all():
        yield "two-places", here, {"order_no": order_no, "shipments": f"{here}, {there}"}


def _same_key(tx: Connection) -> Found:
    c = document.c
    query = select(c.type, c.business_key, func.min(c.shipment_id)).where(_live()).group_by(c.type, c.business_key)
    for kind, key, shipment_id in tx.execute(query.having(func.min(c.shipment_id) < func.max(c.shipment_id))).all():
        yield "same-key", shipment_id, {"type": kind, "business_key": key}


def _wrong_shipment(tx: Connection) -> Found:
    query = select(document.c.id, document.c.shipment_id).join(message, document.c.message_id == message.c.id)
    query = query.outerjoin(parcel, document.c.parcel_id == parcel.c.id)
    other = or_(message.c.shipment_id != document.c.shipment_id, parcel.c.shipment_id != document.c.shipment_id)
    for ident, shipment_id in tx.execute(query.where(other)).all():
        yield "wrong-shipment", shipment_id, {"document_id": ident}


def _dangling(tx: Connection) -> Found:
    for table in UNCHECKED:
        ident = next(iter(table.primary_key))
        for key in table.foreign_keys:
            other = key.column.table.alias("other")
            there = exists().where(other.c.id == key.parent)
            query = select(ident).where(key.parent.is_not(None), ~there).order_by(ident)
            if ids := list(tx.execute(query).scalars()):
                yield "dangling", None, {
                    "table": table.name, "column": key.parent.name, "count": len(ids), "ids": _named(ids),
                }  # fmt: skip


def _unknown_members(tx: Connection) -> Found:
    """Lists that name a parcel which their shipment does not have, or nothing that can be read."""
    members, d = list_document.c, document.c
    mine = select(d.shipment_id).join(list_document, d.id == members.document_id).distinct()
    for shipment_id in tx.execute(mine.order_by(d.shipment_id)).scalars().all():
        there = set(tx.execute(select(parcel.c.seq).where(parcel.c.shipment_id == shipment_id)).scalars())
        query = select(members.document_id, members.seqs).join(document, d.id == members.document_id)
        rows = tx.execute(query.where(d.shipment_id == shipment_id).order_by(d.id)).all()
        if ids := [row.document_id for row in rows if not _all_there(there, row.seqs)]:
            yield "dangling", shipment_id, {
                "table": list_document.name, "column": members.seqs.name, "count": len(ids), "ids": _named(ids),
            }  # fmt: skip


def _all_there(there: set[int], seqs: str) -> bool:
    try:
        return there.issuperset(ranges.read(seqs))
    except ValueError:
        return False


def _wrong_count(tx: Connection) -> Found:
    count = func.count(document.c.id)
    query = select(message.c.shipment_id, message.c.type, message.c.seq, message.c.documents, count)
    query = query.outerjoin(document, document.c.message_id == message.c.id).group_by(message.c.id)
    for shipment_id, kind, seq, expected, there in tx.execute(query.having(count != message.c.documents)).all():
        yield "wrong-count", shipment_id, {"type": kind, "seq": seq, "expected": expected, "count": there}


def _applications(tx: Connection) -> Found:
    for row in applications.doubles(tx):
        yield "two-applications", row.shipment_id, {"order_no": row.order_no, "kind": row.kind}
    for row in applications.unmoved(tx):
        yield "not-cancelled", row.shipment_id, {"order_no": row.order_no, "state": row.state}


def _conflicts(tx: Connection) -> Found:
    query = select(document.c.shipment_id, document.c.type, document.c.business_key).where(document.c.conflict)
    for shipment_id, kind, key in tx.execute(query.order_by(document.c.id)).all():
        yield "conflict", shipment_id, {"type": kind, "business_key": key}


def _parked(tx: Connection) -> Found:
    waiting: dict[str, Select[Any]] = {
        "parked-raw": select(raw.c.authority, raw.c.id).where(raw.c.state == "parked"),
        "parked-receipt": select(receipt.c.authority, receipt.c.id).where(WAITING, receipt.c.disposition == PARKED),
    }
    for code, query in waiting.items():
        found: dict[str, list[int]] = defaultdict(list)
        for authority, ident in tx.execute(query).all():
            found[authority].append(ident)
        for authority, ids in sorted(found.items()):
            yield code, None, {"authority": authority, "count": len(ids), "ids": _named(sorted(ids))}


def _unbalanced(tx: Connection) -> Found:
    """Accounts of the books; a buyer's is named by its pseudonym."""
    for key, why in unbalanced(tx):
        yield "unbalanced", None, {"book": key.book, "account": f"{key.holder} {key.item}".strip(), "why": why}


def _named(ids: list[int]) -> str:
    """Ids in a sentence, not more than a screen shows."""
    return ", ".join(map(str, ids[:MOST])) + (" …" if len(ids) > MOST else "")


_CHECKS: tuple[Callable[[Connection], Found], ...] = (
    _two_places, _same_key, _dangling, _unknown_members, _wrong_shipment, _wrong_count, _applications, _conflicts,
    _parked, _unbalanced,
)  # fmt: skip
