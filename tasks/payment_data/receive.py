"""Receive: what customs asks is kept raw first, then read, and answered at once (DESIGN, promise 4)."""

from __future__ import annotations

import logging
from typing import Any

from adapters.ledger import payment_requests, raws
from mappings import clock
from mappings.errors import DataFault
from tasks.office import Office
from tasks.payment_data.desk import authority, seconds

log = logging.getLogger(__name__)


def take_request(office: Office, body: bytes, peer: str = "") -> dict[str, Any]:
    """Take in one call of platDataOpen; our answer, code 10000 or 20000. The same session and order count once."""
    media = payment_requests.FORM
    kept = raws.store_raw(office.ledger, raws.IN, payment_requests.AUTHORITY, "http", peer, body, media_type=media)
    return authority(office).reply(_read(office, kept, body))


def read_waiting(office: Office) -> int:
    """Read what a process that died had stored and not read. Returns how many."""
    left = raws.unread(office.ledger, payment_requests.AUTHORITY)
    for ident in left:
        _read(office, ident, raws.body(office.ledger, ident))
    return len(left)


def _read(office: Office, raw_id: int, body: bytes) -> str:
    """Why the request cannot be taken, '' when it was."""
    customs = authority(office)
    try:
        asked = customs.open(body)
    except DataFault as error:
        raws.park(office.ledger, raw_id, str(error))
        log.warning("parked request for payment data %s: %s", raw_id, error)
        return str(error)
    due = clock.now() + seconds(customs, "answer_deadline_seconds")
    with office.ledger.begin() as tx:
        payment_requests.ask(tx, asked.session_id, asked.order_no, asked.service_time, raw_id, due)
        raws.mark_read(tx, raw_id)
    return ""
