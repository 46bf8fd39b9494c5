"""What the same receipts make of documents that were alike: folded once, for all of them (decision 0009).

Of a truck's documents nearly all live the same life: the same statuses, told at the same times. What folding makes of
a document depends on these, on what it holds, and on whether there is a number, never on which number or text it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from adapters.ledger import folding
from adapters.ledger.folding import Held

Shape = tuple[str, Any, bool, bool]  # of a receipt: status, time as the driver has it, whether it has preNo, invtNo


class Likeness(NamedTuple):
    """What a document holds, as far as its life depends on it: of its numbers only whether there are any."""

    state: str
    rank: int
    status: str
    time: Any
    final: bool
    conflict: bool
    pre_no: bool
    invt_no: bool


class Life(NamedTuple):
    """What receipts make of each such document: what becomes of each of them, and what the document holds then.

    `info`, `pre_no` and `invt_no` say whose text it holds: that of the receipt at this place (from 1), 0 for
    none, OWN for what it held before.
    """

    said: tuple[str, ...]
    touched: bool
    state: str
    rank: int
    status: str
    time: Any
    info: int
    pre_no: int
    invt_no: int
    final: bool
    conflict: bool


OWN = -1


class _Sign(NamedTuple):
    """A receipt of such a life: in place of its texts stands its place."""

    id: int
    status: str
    return_time: Any
    info: Any
    pre_no: Any
    invt_no: Any


def life(was: Likeness, shapes: Sequence[Shape], meanings: folding.Meanings) -> Life | None:
    """What receipts of these shapes, in order of coming, make of such documents.

    None where that cannot be told from these receipts alone: a status that nobody knows, or one that has the story told
    anew from those before it.
    """
    rows = [
        _Sign(place, status, at, place, place * bool(pre_no), place * bool(invt_no))
        for place, (status, at, pre_no, invt_no) in enumerate(shapes, 1)
    ]
    pre_no: Any = OWN * bool(was.pre_no)
    invt_no: Any = OWN * bool(was.invt_no)
    held = Held(was.state, was.rank, was.status, was.time, OWN, pre_no, invt_no, bool(was.final), bool(was.conflict))
    if (held.status or held.final) and any(folding.unsettles(held, row, meanings) for row in rows):
        return None
    said = folding.advance(held, rows, meanings)
    if len(said) < len(rows):
        return None
    return Life(tuple(said[row.id] for row in rows), held.touched, *held.values())
