"""Reading what is kept raw: its receipts and tax bills into the ledger, slice by slice.

What cannot be read is parked with its reason, never dropped. Reading again what was read changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Protocol

from sqlalchemy import Connection, Row

from adapters.contract import Authority, Opened, ReceiptRow
from adapters.ledger import Ledger, bills, raws
from adapters.ledger.ledger import alone
from adapters.ledger.receipts import add_all
from adapters.ledger.settling import Settled
from mappings.errors import DataFault, Unsupported
from tasks.receipts.lookup import complete_keys, whole

log = logging.getLogger(__name__)
SLICE = 40  # messages kept in one transaction: who else writes waits for no more than that
AHEAD = 8 * SLICE  # messages read before they are kept, so that what is about the same documents is kept together
AHEAD_BYTES = 48 << 20  # and so many bytes of them: one that was pushed may have hundreds of megabytes
_raw_id = attrgetter("raw_id")
Told = Sequence[tuple[int, Sequence[ReceiptRow]]]  # receipts by the raw message that brought them


class Keep(Protocol):
    """Keeps receipts: how many are new, and what was settled at once."""

    def ready(self, ledger: Ledger, told: Told) -> Any:
        """What can be made of them before the transaction that keeps them begins; it is called with that."""

    def __call__(self, tx: Connection, told: Any) -> tuple[int, Settled]:
        """In a transaction that is alone."""


@dataclass
class Received:
    """What came: raw messages stored, receipts that are new (how many of them unusable), messages parked and why.

    `settled` is what those receipts did that were settled as they were kept.
    """

    raw: int = 0
    receipts: int = 0
    unusable: int = 0
    parked: dict[int, str] = field(default_factory=dict)
    settled: Settled = field(default_factory=Settled)


@dataclass(frozen=True)
class Read:
    """One raw message as read: its receipts, or why it is parked."""

    raw_id: int
    rows: list[ReceiptRow]
    reason: str = ""


def read_waiting(ledger: Ledger, authority: Authority, keep: Keep | None = None, channel: str = "") -> Received:
    """Read every raw message that waits (of one channel), slice by slice; also what a process that died had stored.

    Its receipts wait for their effect, unless `keep` settles them at once.
    """
    done = Received()
    while waiting := raws.unread(ledger, authority.name, AHEAD, channel, AHEAD_BYTES):
        for read in together(read_all(ledger, authority, waiting)):
            _read_slice(ledger, authority, read, keep or Wait(), done)
    for ident, reason in done.parked.items():
        log.warning("parked incoming message %s of %s: %s", ident, authority.name, reason)
    return done


def together(read: Sequence[Read]) -> Iterator[list[Read]]:
    """Messages in slices, those that begin with the same document in one, each slice as they came.

    Customs answers the same hundred documents several times. Where much waits, as after a night or under full load,
    a document is then written once for all of it. Receipts may be kept in any order (decision 0009).
    """
    about: dict[tuple[str, str], list[Read]] = {}
    for one in read:
        about.setdefault((one.rows[0].type, one.rows[0].business_key) if one.rows else ("", ""), []).append(one)
    found: list[Read] = []
    for same in about.values():
        if found and len(found) + len(same) > SLICE:
            yield sorted(found, key=_raw_id)
            found = []
        found += same
        while len(found) >= SLICE:
            yield sorted(found[:SLICE], key=_raw_id)
            found = found[SLICE:]
    if found:
        yield sorted(found, key=_raw_id)


def _read_slice(ledger: Ledger, authority: Authority, read: list[Read], keeps: Keep, done: Received) -> None:
    """Keep a slice of messages that were read, and note in `done` what came of it."""
    told = [(one.raw_id, one.rows) for one in read]
    ready = keeps.ready(ledger, told) if all(whole(rows) for _, rows in told) else None
    with ledger.begin() as tx:
        new, settled = _keep(tx, authority.name, read, keeps, ready)
    done.receipts += new
    done.settled += settled
    bad = [row for one in read for row in one.rows if row.problem]
    done.unusable += len(bad)
    for row in bad:
        log.warning("unusable receipt of %s: %s", authority.name, row.problem)
    done.parked.update({one.raw_id: one.reason for one in read if one.reason})


class Wait:
    """Keeps receipts, and leaves their effect to whoever settles next."""

    def ready(self, ledger: Ledger, told: Told) -> Told:
        """As they are."""
        return told

    def __call__(self, tx: Connection, told: Told) -> tuple[int, Settled]:
        """Adds them."""
        return add_all(tx, told), Settled()


def _keep(tx: Connection, authority: str, read: list[Read], keep: Keep, ready: Any) -> tuple[int, Settled]:
    """Keep what was read of a slice of messages (`ready`, where no key is open), and that they were read."""
    alone(tx, f"settle {authority}")  # nobody settles what is only half known
    new = raws.still_unread(tx, [one.raw_id for one in read])
    if len(new) < len(read):  # another process has kept them since they were read here
        read, ready = [one for one in read if one.raw_id in new], None
    if ready is None:
        ready = [(one.raw_id, complete_keys(tx, one.rows)) for one in read]
    kept = keep(tx, ready)
    for one in read:
        told = [(row.bill, row.return_time) for row in one.rows if row.bill and row.return_time and not row.problem]
        if told:
            bills.keep(tx, one.raw_id, authority, told)
        if one.reason:
            raws.park(tx, one.raw_id, one.reason)
    raws.mark_all_read(tx, [one.raw_id for one in read if not one.reason])
    return kept


def read_all(ledger: Ledger, authority: Authority, waiting: Sequence[int]) -> list[Read]:
    """Raw messages as read."""
    bodies = raws.bodies(ledger, waiting)
    return [_read(ledger, authority, ident, bodies[ident]) for ident in waiting]


def _read(ledger: Ledger, authority: Authority, raw_id: int, body: bytes) -> Read:
    try:
        opened = authority.open(body)
        if opened.kind == "refusal":
            rows = [refusal(authority, opened, raws.head(ledger, raw_id))]
        elif opened.kind == "accepted":
            rows = []  # the platform has it, or had it before: what customs says of it is still to come
        else:
            rows = authority.receipts(opened.business)
    except (DataFault, Unsupported) as error:
        return Read(raw_id, [], str(error)[:500])
    except (ValueError, ArithmeticError, LookupError, TypeError, AttributeError, RecursionError) as error:
        # what nobody thought of: parked like any other, else it would hold up all that waits behind it
        log.exception("incoming message %s of %s could not be read", raw_id, authority.name)
        return Read(raw_id, [], f"无法读取 cannot be read: {type(error).__name__}")
    return Read(raw_id, rows)


def refusal(authority: Authority, opened: Opened, came: Row[Any]) -> ReceiptRow:
    """An envelope-level refusal that comes late, as a receipt about the whole message: its status is minus its code.

    It has no guid and no time of its own: the hash of its bytes tells two apart, its time is when it came.
    """
    problem = "" if opened.cop_msg_id else "The refusal names no message / 未注明原报文"
    status = f"-{opened.code}"
    return ReceiptRow(
        authority.name, opened.type, opened.cop_msg_id, came.sha256[:36], status, came.at, opened.text,
        cop_msg_id=opened.cop_msg_id, receipt_type=opened.type, problem=problem,
    )  # fmt: skip
