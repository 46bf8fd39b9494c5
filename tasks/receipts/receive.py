"""Receipts by poll and by push, into one idempotent path: stored raw first, then read (DESIGN, promises 3 and 4).

What they say is read by `reading`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from adapters.contract import Authority, NoPlace, Polled
from adapters.ledger import Ledger, raws
from adapters.ledger.leases import cursors, set_cursor
from mappings import clock
from mappings.errors import AuthorityUnavailable
from tasks.receipts.reading import Received, read_waiting

PAGES = 4  # pages fetched for one company before it is another's turn, and what they brought is read
PUSH = "push"
CURSOR, POLLED = "receipts:", "polled:"


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
