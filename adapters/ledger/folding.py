"""What receipts make of one document, whatever order they come in: a function of which came, not of when they came.

Receipts take effect by their own time (`order`). A higher rank moves a document on; a lower or equal one is late or a
duplicate; what contradicts a final state, or is a final verdict below what is known, is a conflict: flagged, and the
state stays. One that reaches back before what a document holds, and could have changed that, has the story told anew
 (`unsettles`, `refold`): so polls, pushes and repeats in any order end the same (tests: every permutation).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

APPLIED, DUPLICATE, LATE, CONFLICT = "applied", "duplicate", "late", "conflict"
PREPARED = "prepared"


class Meaning(Protocol):
    """What a status means for a document (mappings.states.State)."""

    @property
    def state(self) -> str: ...
    @property
    def rank(self) -> int: ...
    @property
    def final(self) -> bool: ...
    @property
    def follow(self) -> frozenset[str]: ...


class Rank(NamedTuple):
    """The smallest Meaning; `follow` are the statuses that may follow although it is final."""

    state: str
    rank: int
    final: bool = False
    follow: frozenset[str] = frozenset()


NONE = Rank("", 0)


class Told(Protocol):
    """A receipt; times and sealed texts as the driver gave them, they are only compared and handed on."""

    @property
    def id(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def return_time(self) -> Any: ...
    @property
    def info(self) -> Any: ...
    @property
    def pre_no(self) -> str: ...
    @property
    def invt_no(self) -> str: ...


Meanings = Callable[[str], Meaning | None]  # by status, for the one document


@dataclass(slots=True)
class Held:
    """What a document holds while receipts are applied to it."""

    state: str = PREPARED
    rank: int = 0
    status: str = ""
    time: Any = None
    info: Any = None
    pre_no: str = ""
    invt_no: str = ""
    final: bool = False
    conflict: bool = False
    touched: bool = False

    def apply(self, row: Told, meaning: Meaning, current: Meaning) -> str:
        """Let one receipt have its effect; `current` is what the document's own status means."""
        disposition = _judge(self, row, meaning, current)
        if disposition == APPLIED:
            self.touched = True
            self.state, self.rank, self.final = meaning.state, meaning.rank, meaning.final
            self.status, self.time, self.info = row.status, row.return_time, row.info
            self.pre_no, self.invt_no = row.pre_no or self.pre_no, row.invt_no or self.invt_no
            return disposition
        if disposition == CONFLICT:
            self.touched = self.conflict = True
        if (row.pre_no and not self.pre_no) or (row.invt_no and not self.invt_no):
            self.touched = True
            self.pre_no, self.invt_no = self.pre_no or row.pre_no, self.invt_no or row.invt_no
        return disposition

    def values(self) -> tuple[Any, ...]:
        """As the ledger's columns: state to conflict."""
        return (
            self.state, self.rank, self.status, self.time, self.info, self.pre_no, self.invt_no, self.final,
            self.conflict,
        )  # fmt: skip


def _judge(held: Held, row: Told, meaning: Meaning, current: Meaning) -> str:
    """The disposition of a receipt for a document in the state `held`."""
    if row.status == held.status:
        return DUPLICATE
    later = meaning.rank == held.rank and held.time is not None and row.return_time > held.time
    if not held.final or row.status in current.follow:
        if meaning.rank > held.rank or later:
            return APPLIED
        return CONFLICT if meaning.final and meaning.state != held.state else LATE
    if meaning.final and held.status not in meaning.follow:
        return DUPLICATE if meaning.state == held.state else CONFLICT
    return CONFLICT if meaning.rank > held.rank else LATE


def _place(time: Any, rank: int, final: bool, status: str) -> tuple[Any, bool, int, str]:
    """By time; at the same time the steps of the way in their order, then verdicts, the furthest first."""
    return time, final, -rank if final else rank, status


def order(row: Told, meaning: Meaning) -> tuple[tuple[Any, bool, int, str], bool, int]:
    """The order in which receipts take effect.

    Of the same status at the same time the one that was applied before stays first: its row may be the younger one.
    """
    place = _place(row.return_time, meaning.rank, meaning.final, row.status)
    return place, getattr(row, "disposition", "") != APPLIED, row.id


def _early(held: Held, row: Told, meaning: Meaning) -> bool:
    """Whether a receipt's time is before that of what the document holds."""
    return held.time is not None and order(row, meaning)[0] < _place(held.time, held.rank, held.final, held.status)


def unsettles(held: Held, row: Told, meanings: Meanings) -> bool:
    """Whether a receipt may change how those before it are to be read.

    It may where it reaches back before what the document holds (but a lower step of the way does not), and where a
    verdict, a conflict or another status of the same rank is there already. What no receipt brought about (refused at
    the door) is not told anew.
    """
    meaning, own = meanings(row.status), meanings(held.status)
    if meaning is None or own is None or own.state != held.state:
        return False
    beside = meaning.rank == held.rank and row.status != held.status
    if held.final or held.conflict or beside:
        return True
    return _early(held, row, meaning) and (meaning.final or meaning.rank >= held.rank)


def advance(held: Held, rows: Iterable[Told], meanings: Meanings) -> dict[int, str]:
    """Apply receipts, none of which unsettles the document, in their order. Returns each one's disposition by id."""
    known = [(order(row, meaning), row, meaning) for row in rows if (meaning := meanings(row.status)) is not None]
    said = {}
    for _, row, meaning in sorted(known, key=itemgetter(0)):
        said[row.id] = held.apply(row, meaning, meanings(held.status) or NONE)
    return said


def refold(
    held: Held, history: Iterable[Told], rows: Sequence[Told], meanings: Meanings
) -> tuple[Held, dict[int, str]]:
    """A document made anew from all its receipts: those settled before, and the new `rows`.

    Of the new ones a step that was passed already is late, as it would be had it changed nothing.
    """
    whole = Held()
    said = advance(whole, [*history, *rows], meanings)
    whole.pre_no, whole.invt_no = whole.pre_no or held.pre_no, whole.invt_no or held.invt_no
    for row in rows:
        meaning = meanings(row.status)
        passed = meaning is not None and _early(held, row, meaning) and whole.status == held.status
        if passed and said[row.id] == APPLIED:
            said[row.id] = LATE
    whole.touched = True
    return whole, said
