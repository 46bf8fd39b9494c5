"""The inventory's own lines, where somebody else draws it up, held against the order's: line by line, value by value.

What we declare of a parcel is made of its order's lines. Where a declarant's sheet says otherwise, the two would not be
the same inventory, and customs would refuse one that is not its order's (codes 1320 and 1322).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mappings import rules
from mappings.canonical import columns
from mappings.engine.columns import positions
from tasks.cleaning import Cleaned, amounts
from tasks.cleaning.blame import Blame, texts

_MOST = 1 << 32  # more lines than an order has
_GOODS = "goods"


def compare(cleaned: Cleaned, blame: Blame) -> None:
    """Every difference, with both values and the cell each came from; nothing where no inventory was given."""
    table = cleaned.inventory
    if not len(table):
        return
    owner = positions(table["inventory.order_no"], cleaned.order["order.order_no"])
    blame.add("MAT-111", table, owner < 0, "inventory.order_no")
    of_live = (owner >= 0) & ~cleaned.excluded[owner] if len(cleaned.order) else owner >= 0
    rows = np.flatnonzero(of_live)
    rows = rows[np.argsort(owner[rows], kind="stable")]
    part, owner = table.iloc[rows].reset_index(drop=True), owner[rows]
    _as_many(cleaned, part, owner, blame)
    number = _numbers(part, owner)
    at = _lines(cleaned, owner, number)
    one = at >= 0
    one[_again(at)] = False
    _strangers(cleaned, part, owner, number, np.flatnonzero(~one & _numbered(part)), blame)
    paired = np.flatnonzero(one)
    for short in rules.match().inventory_equal:
        _equal(cleaned, part.iloc[paired].reset_index(drop=True), at[paired], short, blame)


def _as_many(cleaned: Cleaned, part: pd.DataFrame, owner: np.ndarray, blame: Blame) -> None:
    """MAT-108: at the order's first line of the inventory, or at the order where the inventory has none for it."""
    count = len(cleaned.order)
    mine, theirs = (np.bincount(o, minlength=count) for o in (owner, cleaned.owner))
    wrong = np.flatnonzero((mine != theirs) & ~cleaned.excluded)
    first = np.searchsorted(owner, wrong)
    places = np.array(blame.cell(cleaned.order, wrong, "order.order_no"), dtype=object)
    some = mine[wrong] > 0
    for there, table, at, field in (
        (some, part, first, "inventory.order_no"), (~some, cleaned.order, wrong, "order.order_no"),
    ):  # fmt: skip
        told = wrong[there]
        blame.add("MAT-108", table, at[there], field, [str(n) for n in mine[told]],
                  [str(n) for n in theirs[told]], list(places[there]))  # fmt: skip


def _numbered(part: pd.DataFrame) -> np.ndarray:
    stated, has = amounts.numbers(part["inventory.gnum"])
    return has & (stated != 0)


def _numbers(part: pd.DataFrame, owner: np.ndarray) -> np.ndarray:
    """The number of the order's line that each stands for: its own, else its place among the order's, from 1."""
    stated, _ = amounts.numbers(part["inventory.gnum"])
    place = np.arange(1, len(part) + 1) - np.searchsorted(owner, owner, side="left")
    return np.where(_numbered(part), stated, place)


def _lines(cleaned: Cleaned, owner: np.ndarray, number: np.ndarray) -> np.ndarray:
    """The row of the order's line for each line of the inventory, or -1."""
    lines = amounts.numbers(cleaned.line["line.gnum"])[0]
    keys = cleaned.owner * _MOST + lines
    wanted = owner * _MOST + np.clip(number, 0, _MOST - 1)
    at = np.searchsorted(keys, wanted)
    at[at == len(keys)] = 0
    return np.where(keys[at] == wanted, at, -1) if len(keys) else np.full(len(wanted), -1)


def _again(at: np.ndarray) -> np.ndarray:
    """The positions at which a line of an order stands that stood before."""
    _, first = np.unique(at, return_index=True)
    return np.setdiff1d(np.arange(len(at)), first)


def _strangers(
    cleaned: Cleaned, part: pd.DataFrame, owner: np.ndarray, number: np.ndarray, at: np.ndarray, blame: Blame
) -> None:
    counts = np.bincount(cleaned.owner, minlength=len(cleaned.order))[owner[at]]
    own = ["1" if n == 1 else f"1-{n}" if n else "" for n in counts.tolist()]
    places = blame.cell(cleaned.order, owner[at], "order.order_no")
    blame.add("MAT-109", part, at, "inventory.gnum", [str(n) for n in number[at].tolist()], own, places)


def _equal(cleaned: Cleaned, part: pd.DataFrame, at: np.ndarray, short: str, blame: Blame) -> None:
    """MAT-110 where a line of the inventory and its order's line hold different values, as far as both hold one."""
    field, line = f"inventory.{short}", f"line.{short}"
    left, right = part[field], cleaned.line[line].iloc[at]
    if columns.columns("inventory")[field].kind == "text":
        mine, theirs = left.to_numpy(), right.to_numpy()
        wrong = np.asarray((mine != theirs) & (mine != "") & (theirs != ""), dtype=bool)
    else:
        one, other = amounts.numbers(left), amounts.numbers(right)
        wrong = one[1] & other[1] & (one[0] != other[0])
    beside = at[wrong]
    blame.add("MAT-110", part, wrong, field, other=texts(cleaned.line[line].iloc[beside]),
              other_place=blame.cell(cleaned.line, beside, line, _GOODS))  # fmt: skip
