"""Requests for payment data (announcement 179): one a session and order, each answered, or alarmed.

A request is asked, then incomplete (data is missing; tried again), answering, answered or refused. An answer is one
upload: prepared, claimed before it leaves, then answered, refused or unknown. Order numbers and session ids are keys;
what is said of a payment is in the sealed raws alone, and `detail` of an event holds no person's data.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, exists, func, insert, or_, select, update

from adapters.ledger import raws
from adapters.ledger.bulk import insert_once
from adapters.ledger.ledger import reads, writes
from adapters.ledger.tables import parcel, payment_answer, payment_event, payment_request, raw
from mappings import clock

AUTHORITY = "ann179"
ASKED, INCOMPLETE, ANSWERING, ANSWERED, REFUSED = "asked", "incomplete", "answering", "answered", "refused"
PREPARED, CLAIMED, UNKNOWN = "prepared", "claimed", "unknown"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


@writes
def ask(
    tx: Connection, session_id: str, order_no: str, service_time: str, raw_id: int, due_at: datetime
) -> tuple[int, bool]:
    """The request with this session and order, and whether it is new; asked again it is only counted."""
    values = {"session_id": session_id, "order_no": order_no, "service_time": service_time, "raw_id": raw_id}
    now = clock.now()
    made = insert_once(tx, payment_request, {**values, "state": ASKED, "received_at": now, "due_at": due_at})
    if made is not None:
        note(tx, made, "asked")
        return made, True
    same = (payment_request.c.session_id == session_id) & (payment_request.c.order_no == order_no)
    again = update(payment_request).where(same).values(asked=payment_request.c.asked + 1)
    ident = tx.execute(again.returning(payment_request.c.id)).scalar_one()
    note(tx, ident, "asked-again", detail={"raw_id": raw_id})
    return ident, False


@reads
def get(tx: Connection, request_id: int) -> Row[Any]:
    """A request."""
    return tx.execute(select(payment_request).where(payment_request.c.id == request_id)).one()


@reads
def listing(tx: Connection, states: Iterable[str] = (), session_id: str = "") -> list[Row[Any]]:
    """The requests in these states (all by default), of one session if given, as they came."""
    query, wanted = select(payment_request), list(states)
    if wanted:
        query = query.where(payment_request.c.state.in_(wanted))
    if session_id:
        query = query.where(payment_request.c.session_id == session_id)
    return list(tx.execute(query.order_by(payment_request.c.id)).all())


@writes
def note(tx: Connection, request_id: int, kind: str, alarm: bool = False, detail: Any = None, once: str = "") -> bool:
    """Write down what happened to a request; False when `once` is there already."""
    values = {"request_id": request_id, "kind": kind, "alarm": alarm, "at": clock.now(), "detail": detail or {}}
    return insert_once(tx, payment_event, {**values, "once": once or None}) is not None


@reads
def events(tx: Connection, request_id: int) -> list[Row[Any]]:
    """What happened to a request (kind, alarm, at, detail), in order."""
    mine = payment_event.c.request_id == request_id
    return list(tx.execute(select(payment_event).where(mine).order_by(payment_event.c.at, payment_event.c.id)).all())


@reads
def alarmed(tx: Connection) -> list[Row[Any]]:
    """The requests that are not answered and of which an alarm was given."""
    told = exists().where(payment_event.c.request_id == payment_request.c.id, payment_event.c.alarm)
    query = select(payment_request).where(payment_request.c.state != ANSWERED, told)
    return list(tx.execute(query.order_by(payment_request.c.id)).all())


@writes
def incomplete(tx: Connection, request_id: int, reason: str) -> bool:
    """The data cannot be sent as it is: `reason` names fields, no values. Alarms once for each reason."""
    free = (payment_request.c.id == request_id) & payment_request.c.state.in_([ASKED, INCOMPLETE])
    if tx.execute(update(payment_request).where(free).values(state=INCOMPLETE, reason=reason)).rowcount != 1:
        return False
    return note(tx, request_id, "incomplete", True, {"reason": reason}, f"incomplete:{reason}")


@writes
def prepare(tx: Connection, request_id: int, body: bytes, company_code: str) -> int | None:
    """Keep an upload as it will be sent; its id, or None where another worker has prepared one already."""
    free = (payment_request.c.id == request_id) & payment_request.c.state.in_([ASKED, INCOMPLETE])
    if tx.execute(update(payment_request).where(free).values(state=ANSWERING, reason="")).rowcount != 1:
        return None
    mine = payment_answer.c.request_id == request_id
    attempt = (tx.execute(select(func.max(payment_answer.c.attempt)).where(mine)).scalar() or 0) + 1
    kept = raws.store_raw(tx, raws.OUT, AUTHORITY, "http", "", body, media_type=FORM)
    values = {"request_id": request_id, "attempt": attempt, "raw_id": kept, "company_code": company_code}
    made = insert(payment_answer).values(**values, state=PREPARED, prepared_at=clock.now())
    ident = tx.execute(made.returning(payment_answer.c.id)).scalar_one()
    note(tx, request_id, "prepared", detail={"attempt": attempt})
    return ident


@reads
def answers(tx: Connection, request_id: int) -> list[Row[Any]]:
    """The uploads for a request, by attempt."""
    mine = payment_answer.c.request_id == request_id
    return list(tx.execute(select(payment_answer).where(mine).order_by(payment_answer.c.attempt)).all())


@reads
def to_send(tx: Connection, unknown_before: datetime) -> list[Row[Any]]:
    """The uploads to send now: prepared ones, and those whose outcome is unknown since before that time."""
    lost = (payment_answer.c.state == UNKNOWN) & (payment_answer.c.claimed_at <= unknown_before)
    query = select(payment_answer).where(or_(payment_answer.c.state == PREPARED, lost))
    return list(tx.execute(query.order_by(payment_answer.c.id)).all())


@writes
def claim(tx: Connection, answer_id: int, worker: str) -> bool:
    """Take an upload before it leaves; False when another worker was first. One of unknown outcome is a recovery."""
    now = clock.now()
    free = (payment_answer.c.id == answer_id) & payment_answer.c.state.in_([PREPARED, UNKNOWN])
    values = {
        "recovery": or_(payment_answer.c.recovery, payment_answer.c.state == UNKNOWN),
        "state": CLAIMED,
        "claimed_by": worker,
        "claimed_at": now,
        "first_claimed_at": func.coalesce(payment_answer.c.first_claimed_at, now),
        "sends": payment_answer.c.sends + 1,
    }
    return tx.execute(update(payment_answer).where(free).values(values)).rowcount == 1


@writes
def give_back(tx: Connection, answer_id: int, worker: str) -> bool:
    """It surely did not leave: free again, as it was before the claim."""
    mine = _claimed(answer_id, worker)
    row = tx.execute(select(payment_answer.c.recovery, payment_answer.c.sends).where(mine)).first()
    if row is None:
        return False
    state = UNKNOWN if row.recovery else PREPARED
    tx.execute(update(payment_answer).where(mine).values(state=state, sends=row.sends - 1))
    return True


@writes
def lose(tx: Connection, answer_id: int, worker: str, reason: str) -> bool:
    """It may have arrived: unknown, and alarmed."""
    changed = tx.execute(update(payment_answer).where(_claimed(answer_id, worker)).values(state=UNKNOWN)).rowcount == 1
    if changed:
        _alarm(tx, answer_id, "unknown", {"reason": reason})
    return changed


@writes
def forget_claims(tx: Connection, before: datetime) -> int:
    """Uploads claimed before that time by a worker that never came back: unknown, and alarmed."""
    stale = (payment_answer.c.state == CLAIMED) & (payment_answer.c.claimed_at <= before)
    lost = list(
        tx.execute(update(payment_answer).where(stale).values(state=UNKNOWN).returning(payment_answer.c.id)).all()
    )
    for row in lost:
        _alarm(tx, row.id, "unknown", {"reason": "worker-died"})
    return len(lost)


@writes
def settle(tx: Connection, answer_id: int, worker: str, accepted: bool, code: str, message: str, reply: bytes) -> bool:
    """Customs has answered: keep it raw, and end upload and request alike."""
    late = (CLAIMED, UNKNOWN)  # a claim that was given up meanwhile is settled by its answer all the same
    mine, now, state = _claimed(answer_id, worker, late), clock.now(), ANSWERED if accepted else REFUSED
    kept = raws.store_raw(tx, raws.IN, AUTHORITY, "http", "customs", reply, media_type=JSON)
    raws.mark_read(tx, kept)
    values = {"state": state, "code": code, "message": message, "reply_raw_id": kept, "settled_at": now}
    row = tx.execute(update(payment_answer).where(mine).values(values).returning(payment_answer.c.request_id)).first()
    if row is None:
        return False
    ended = update(payment_request).where(payment_request.c.id == row.request_id)
    tx.execute(ended.values(state=state, reason="" if accepted else code, answered_at=now if accepted else None))
    if accepted:
        note(tx, row.request_id, "answered", detail={"code": code})
    else:
        _alarm(tx, answer_id, "refused", {"code": code})
    return True


@writes
def reopen(tx: Connection, request_id: int) -> bool:
    """A refused request is gathered and answered anew; False when it is not refused."""
    refused = (payment_request.c.id == request_id) & (payment_request.c.state == REFUSED)
    if tx.execute(update(payment_request).where(refused).values(state=ASKED, reason="")).rowcount != 1:
        return False
    return note(tx, request_id, "reopened")


@writes
def alarm_overdue(tx: Connection) -> int:
    """Alarm every request that is past its time and not answered, once. Returns how many are new."""
    late = (payment_request.c.state != ANSWERED) & (payment_request.c.due_at <= clock.now())
    found = tx.execute(select(payment_request.c.id).where(late).order_by(payment_request.c.id)).scalars()
    return sum(note(tx, ident, "overdue", True, once="overdue") for ident in list(found))


@reads
def shipments_of(tx: Connection, order_no: str) -> list[int]:
    """The shipments that have a parcel of this order, the newest first."""
    query = select(parcel.c.shipment_id).distinct().where(parcel.c.order_no == order_no)
    return list(tx.execute(query.order_by(parcel.c.shipment_id.desc())).scalars())


@writes
def erase(tx: Connection, before: datetime) -> int:
    """Overwrite the raws of requests that came and were last worked on before that time. Returns how many."""
    busy = exists().where(
        payment_answer.c.request_id == payment_request.c.id,
        func.coalesce(payment_answer.c.settled_at, payment_answer.c.claimed_at, payment_answer.c.prepared_at) >= before,
    )
    old = select(payment_request.c.id, payment_request.c.raw_id)
    rows = list(tx.execute(old.where(payment_request.c.received_at < before, ~busy)).all())
    requests, gone = [row.id for row in rows], {row.raw_id for row in rows}
    sent = select(payment_answer).where(payment_answer.c.request_id.in_(requests))
    for row in tx.execute(sent).all():
        gone |= {row.raw_id, row.reply_raw_id} - {None}
    told = select(payment_event.c.detail).where(payment_event.c.request_id.in_(requests))
    for event in tx.execute(told).scalars().all():
        gone |= {event["raw_id"]} if "raw_id" in event else set()
    tx.execute(update(payment_answer).where(payment_answer.c.request_id.in_(requests)).values(message=None))
    wanted = raw.c.id.in_(gone) & raw.c.erased_at.is_(None)
    return tx.execute(update(raw).where(wanted).values(body=b"", state=raws.ERASED, erased_at=clock.now())).rowcount


def _claimed(answer_id: int, worker: str, states: tuple[str, ...] = (CLAIMED,)) -> Any:
    c = payment_answer.c
    return (c.id == answer_id) & c.state.in_(states) & (c.claimed_by == worker)


def _alarm(tx: Connection, answer_id: int, kind: str, detail: dict[str, Any]) -> None:
    row = tx.execute(select(payment_answer).where(payment_answer.c.id == answer_id)).one()
    said = {**detail, "attempt": row.attempt, "sends": row.sends}
    note(tx, row.request_id, kind, True, said, f"{kind}:{row.attempt}:{row.sends}")
