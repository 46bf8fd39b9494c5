"""The match of an import: order, buyer, payment, waybill and lines agree as customs compares them.

The pairs of values, with customs' own codes, are data (mappings/rules/import.yaml). Nothing that customs takes is held.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import numpy as np
import pandas as pd

from mappings import rules
from mappings.canonical import columns
from tasks.cleaning import Cleaned, amounts
from tasks.cleaning.blame import Blame, texts
from tasks.conversion.partners import theirs
from tasks.matching.compare import lines

_PAYMENT_MISSING = {"warn": "PAY-005", "hold": "PAY-001"}


def compare(cleaned: Cleaned, rows: Mapping[str, np.ndarray], asked: rules.Asked, blame: Blame) -> None:
    """All rules on all orders; `rows` gives per table the row that belongs to each order, or -1."""
    live = ~cleaned.excluded
    elsewhere = "CEB411Message" in theirs(cleaned.truck)  # the company tells customs itself, and may not tell us
    choice = "warn" if elsewhere else asked.payment_missing
    absent = {"payment": _PAYMENT_MISSING[choice], "waybill": "WAY-001", "buyer": "BYR-001"}
    for table, code in absent.items():
        blame.add(code, cleaned.order, live & (rows[table] < 0), "order.order_no")
    lines(cleaned, blame, asked.max_lines)
    everywhere = {**rows, "order": np.arange(len(cleaned.order))}
    for rule in asked.equal:
        _equal(cleaned, everywhere, rule, live, blame)


def _equal(cleaned: Cleaned, rows: Mapping[str, np.ndarray], rule: rules.Equal, live: np.ndarray, blame: Blame) -> None:
    """The left value's row is blamed where both stand and differ; the right one and its place are told."""
    (left, mine), (right, theirs) = (_table(cleaned, rows, path) for path in (rule.left, rule.right))
    if rule.left not in left or rule.right not in right:
        return
    both = np.flatnonzero((mine >= 0) & (theirs >= 0) & live)
    at, beside = mine[both], theirs[both]
    wrong = _differ(left[rule.left].iloc[at], right[rule.right].iloc[beside])
    at, beside = at[wrong], beside[wrong]
    other = texts(right[rule.right].iloc[beside])
    blame.add(rule.code, left, at, rule.left, other=other, other_place=blame.place(right, beside))


def _table(cleaned: Cleaned, rows: Mapping[str, np.ndarray], path: str) -> tuple[pd.DataFrame, np.ndarray]:
    name = path.partition(".")[0]
    return getattr(cleaned, name), rows[name]


def _differ(left: pd.Series, right: pd.Series) -> np.ndarray:
    """Where two columns of one length hold different values, as far as both hold one."""
    if left.dtype != "str":
        one, other = (amounts.numbers(s) for s in (left, right))
        tolerance = columns.scaled(Decimal(rules.match().tolerance))
        return one[1] & other[1] & (np.abs(one[0] - other[0]) > tolerance)
    mine, theirs = left.to_numpy(), right.to_numpy()
    return np.asarray((mine != theirs) & (mine != "") & (theirs != ""), dtype=bool)
