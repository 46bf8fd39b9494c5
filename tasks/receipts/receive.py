"""Receipts by poll and by push, into one idempotent path: stored raw first, then read (DESIGN, promises 3 and 4).

What cannot be read is parked with its reason, never dropped. Reading again what was read changes nothing.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, Protocol

from sqlalchemy import Connection, Row

from adapters.contract import Authority, NoPlace, Opened, Polled, ReceiptRow
from adapters.ledger import Ledger, bills, raws
from adapters.ledger.leases import cursors, set_cursor
from adapters.ledger.ledger import alone
from adapters.ledger.receipts import add_all
from adapters.ledger.settling import Settled
from mappings import clock
from mappings.errors import AuthorityUnavailable, DataFault, Unsupported
from tasks.receipts.lookup import complete_keys, whole

log = logging.getLogger(__name__)
_raw_id = attrgetter("raw_id")
SLICE = 40  # messages kept in one transaction: who else writes waits for no more than that
AHEAD = 8 * SLICE  # messages read before they are kept, so that what is about the same documents is kept together
AHEAD_BYTES = 48 << 20  # and so many bytes of them: one that was pushed may have hundreds of megabytes
PAGES = 4  # pages fetched for one company before it is another's turn, and what they brought is read
PUSH = "push"
CURSOR, POLLED = "receipts:", "polled:"
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


def receive(ledger: Ledger, authority: Authority, dxp_ids: Iterable[str]) -> Received:
    """Fetch what lies ready for these DXP ids since last time, keep it and read it. Raises AuthorityUnavailable."""
    stored = 0
    try:
        stored = fetch(ledger, authority, dxp_ids)
    finally:
        done = read_waiting(ledger, authority)
    done.raw = stored
    return done


def fetch(
    ledger: Ledger, authority: Authority, dxp_ids: Iterable[str], between: Callable[[], bool] | None = None
) -> int:
    """Fetch what lies ready for these DXP ids since last time and keep it, unread. Returns how many messages are new.

    They take turns of a few pages, who was heard longest ago first: one to whom more comes all the time holds up no
    other. Asks `between` after a turn that did not come to its end whether to go on: what has come does not wait for
    the end, and the rest is there for who hears next.
    Raises AuthorityUnavailable; where one company has no place of its own (NoPlace), after the others were heard.
    """
    stored, missing, began, told = 0, None, clock.now().isoformat(), cursors(ledger, authority.name)
    turns = deque(sorted(dxp_ids, key=lambda dxp_id: told.get(POLLED + dxp_id, "")))
    since = {dxp_id: _since(authority, told, dxp_id) for dxp_id in turns}
    while turns:
        dxp_id = turns.popleft()
        try:
            fresh, since[dxp_id], further = _turn(ledger, authority, dxp_id, since[dxp_id])
        except NoPlace as error:
            missing = error
            continue
        set_cursor(ledger, authority.name, POLLED + dxp_id, began)
        stored += fresh
        if further:
            turns.append(dxp_id)
            if between and not between():
                break
    if missing is not None:
        raise missing
    return stored


def accept_push(ledger: Ledger, authority: Authority, body: bytes, peer: str = "") -> Received:
    """Take in what the authority pushed to us; the same path as a poll. Unreadable is parked, and no error."""
    return take_in(ledger, authority, [body], PUSH, peer)


def keep_push(ledger: Ledger, authority: Authority, body: bytes, peer: str = "") -> int:
    """Keeps what the authority pushed, and reads nothing of it yet; how many messages are new."""
    return _store(ledger, authority, [body], PUSH, peer)


def take_in(ledger: Ledger, authority: Authority, bodies: list[bytes], channel: str, peer: str = "") -> Received:
    """Raw messages, however they came: kept, then read."""
    stored = _store(ledger, authority, bodies, channel, peer)
    done = read_waiting(ledger, authority)
    done.raw = stored
    return done


def _since(authority: Authority, told: Mapping[str, str], dxp_id: str) -> str:
    """Where to go on for a DXP id, by what the ledger has told of the authority."""
    seconds = float(authority.profile.value("poll_overlap_seconds", 0.0))
    return overlapped(told.get(CURSOR + dxp_id, ""), told.get(POLLED + dxp_id, ""), seconds)


def _turn(ledger: Ledger, authority: Authority, dxp_id: str, since: str) -> tuple[int, str, bool]:
    """A few pages for one DXP id. Returns how many messages are new, where to go on, and whether there is more."""
    stored = 0
    for _ in range(PAGES):
        page = _page(ledger, authority, dxp_id, since)
        fresh = _store(ledger, authority, page.messages, page.channel, dxp_id)
        stored += fresh
        page.stored()
        further = _further(page, since, fresh)
        if not further:
            break
        if page.next:
            since = page.next
            set_cursor(ledger, authority.name, CURSOR + dxp_id, since)
    return stored, since, further


def _page(ledger: Ledger, authority: Authority, dxp_id: str, since: str) -> Polled:
    """One page; an answer that is none is kept, and no hearing. Raises AuthorityUnavailable."""
    try:
        return authority.poll(dxp_id, since)
    except AuthorityUnavailable as error:
        if error.raw:
            _store(ledger, authority, [error.raw], "poll", dxp_id)
        raise


def _further(page: Polled, since: str, fresh: int) -> bool:
    """Whether to ask on: not where the same comes again because it could not be taken away."""
    return bool(page.messages) and ((page.more and fresh > 0) or (bool(page.next) and page.next != since))


def overlapped(cursor: str, last: str, seconds: float) -> str:
    """Where to poll from: the cursor, or `seconds` before the last poll where that is earlier.

    What was published then may have become visible only afterwards. A cursor that is no instant stays as it is.
    """
    try:
        since, polled = datetime.fromisoformat(cursor), datetime.fromisoformat(last)
    except ValueError:
        return cursor
    return min(since, polled - timedelta(seconds=seconds)).isoformat()


def _store(ledger: Ledger, authority: Authority, bodies: list[bytes], channel: str, peer: str) -> int:
    """Keep raw messages that are not there already. Returns how many are new."""
    soon = channel != PUSH  # what is pushed another process reads
    return raws.store_new(ledger, authority.name, channel, peer, bodies, "application/xml", soon) if bodies else 0


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
