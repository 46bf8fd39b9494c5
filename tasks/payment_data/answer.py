"""Answer: prepare what can be gathered, upload it, alarm what cannot be answered (DESIGN, promise 5).

An upload is claimed before it leaves and settled after; a lost answer is unknown, and after a dated time the same
bytes go again, marked as a recovery. An answer 10000 says that the data arrived, not that its signature is right.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row

from adapters.ann179 import PaymentDataOnDemand
from adapters.ledger import payment_requests as ledger
from adapters.ledger import raws
from mappings import clock
from mappings.errors import (
    AuthorityRejected,
    AuthorityUnavailable,
    BadSignature,
    ConfigurationError,
    OutcomeUnknown,
)
from tasks.office import Office
from tasks.payment_data import desk
from tasks.payment_data.gather import gather
from tasks.payment_data.sources import Archive, read_archive

log = logging.getLogger(__name__)
UNREAD = "archive 支付数据布局有误 the profiles of the payment files are wrong"


@dataclass
class Standing:
    """How the requests stand: by state, and those of which an alarm was given that are not answered."""

    states: dict[str, int] = field(default_factory=dict)
    alarmed: list[Row[Any]] = field(default_factory=list)

    @property
    def waiting(self) -> int:
        """How many are not answered."""
        return sum(count for state, count in self.states.items() if state != ledger.ANSWERED)


def prepare_waiting(office: Office) -> Counter[str]:
    """Gather, sign and keep the upload of every request that has none; counts "prepared" and "incomplete"."""
    waiting = ledger.listing(office.ledger, (ledger.ASKED, ledger.INCOMPLETE))
    done: Counter[str] = Counter()
    if not waiting:
        return done
    try:
        archive = read_archive(desk.folder(office))
    except ConfigurationError as error:
        log.warning("%s", error)
        for request in waiting:
            ledger.incomplete(office.ledger, request.id, UNREAD)
        return Counter(incomplete=len(waiting))
    customs = desk.authority(office)
    for request in waiting:
        done[_prepare(office, customs, archive, request)] += 1
    return done


def _prepare(office: Office, customs: PaymentDataOnDemand, archive: Archive, request: Row[Any]) -> str:
    found = gather(office.ledger, archive, request.order_no, office.identities.guid())
    if found.problems:
        reason = found.reason() + (f"; files not read 未能读取的文件: {len(archive.unread)}" if archive.unread else "")
        ledger.incomplete(office.ledger, request.id, reason)
        return ledger.INCOMPLETE
    try:
        sealed = customs.seal(request.session_id, found.head, found.orders, found.company, office.keys)
    except (ConfigurationError, BadSignature) as error:
        log.warning("request %s: %s", request.id, error)
        ledger.incomplete(office.ledger, request.id, "signature 无法签名 cannot be signed")
        return ledger.INCOMPLETE
    with office.ledger.begin() as tx:
        ledger.prepare(tx, request.id, sealed, found.company)
        if found.differs:
            ledger.note(tx, request.id, "differs-from-declared", detail={"fields": found.differs})
    return ledger.PREPARED


def upload_waiting(office: Office) -> Counter[str]:
    """Upload what is prepared, and again what was lost long enough ago; counts outcomes.

    Raises AuthorityUnavailable, ConfigurationError; what was not sent is as it was before.
    """
    customs, done = desk.authority(office), Counter[str]()
    now = clock.now()
    ledger.forget_claims(office.ledger, now - desk.seconds(customs, "claim_seconds"))
    for answer in ledger.to_send(office.ledger, now - desk.seconds(customs, "unknown_deadline_seconds")):
        if ledger.claim(office.ledger, answer.id, office.worker):
            done[_upload(office, customs, answer)] += 1
    return done


def _upload(office: Office, customs: PaymentDataOnDemand, answer: Row[Any]) -> str:
    where, mine = office.ledger, (answer.id, office.worker)
    try:
        said = customs.send(raws.body(where, answer.raw_id), recovery=answer.state == ledger.UNKNOWN)
    except (AuthorityUnavailable, ConfigurationError) as error:
        ledger.give_back(where, *mine)
        alarm, name = isinstance(error, ConfigurationError), type(error).__name__  # what is down comes back by itself
        ledger.note(where, answer.request_id, "not-sent", alarm, {"error": name}, f"not-sent:{name}")
        raise
    except OutcomeUnknown as error:
        ledger.lose(where, *mine, type(error).__name__)
        return ledger.UNKNOWN
    except AuthorityRejected as error:
        ledger.settle(where, *mine, False, error.code, str(error), getattr(error, "raw", b""))
        return ledger.REFUSED
    ledger.settle(where, *mine, True, said.code, said.text, said.raw)
    return ledger.ANSWERED


def standing(office: Office) -> Standing:
    """Alarm what is overdue, and tell how all requests stand."""
    new = ledger.alarm_overdue(office.ledger)
    if new:
        log.warning("%d requests for payment data are overdue 支付数据请求超时未答复", new)
    counts = Counter(row.state for row in ledger.listing(office.ledger))
    return Standing(dict(counts), ledger.alarmed(office.ledger))


def reopen(office: Office, session_id: str) -> int:
    """Answer the refused requests of a session anew, with the data as it is now. Returns how many."""
    refused = ledger.listing(office.ledger, (ledger.REFUSED,), session_id)
    return sum(ledger.reopen(office.ledger, row.id) for row in refused)


def erase_old(office: Office) -> int:
    """Overwrite the raw data of requests older than the legal time of keeping. Returns how many raws."""
    years = int(desk.authority(office).profile.value("keep_years"))
    now = clock.now()
    leap = now.month == 2 and now.day == 29
    before = now.replace(year=now.year - years, day=28) if leap else now.replace(year=now.year - years)
    return ledger.erase(office.ledger, before)
