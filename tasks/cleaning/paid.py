"""What a buyer really paid for an import order (acturalPaid): worked out, or compared where it is stated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mappings.canonical import columns
from tasks.cleaning import amounts
from tasks.cleaning.blame import Blame
from tasks.cleaning.orders import Orders


def due(made: Orders) -> np.ndarray:
    """Goods value + freight + taxes collected - what was not paid in money, scaled (rules.md 1)."""
    parts = {name: amounts.numbers(made.order[f"order.{name}"])[0] for name in _SIGNS}
    total = np.zeros(len(made.order), dtype=np.int64)
    for name, sign in _SIGNS.items():
        total += sign * parts[name]
    return total


_SIGNS = {"goods_value": 1, "freight": 1, "tax_total": 1, "discount": -1}


def work_out(made: Orders, blame: Blame) -> Orders:
    """The orders with `order.paid` everywhere; MAT-107 where a stated amount is another, MAT-106 where lines are."""
    worked, order = due(made), made.order
    given, has = amounts.numbers(order["order.paid"])
    wrong = np.flatnonzero(has & (given != worked) & ~made.excluded)
    blame.add("MAT-107", order, wrong, "order.paid", other=columns.plain_column(worked[wrong]))
    _lines(made, blame)
    paid = amounts.column(np.where(has, given, worked), np.ones(len(order), dtype=bool))
    return replace(made, order=order.assign(**{"order.paid": paid}))


def _lines(made: Orders, blame: Blame) -> None:
    """Where the order says how many lines it has: that many came."""
    if "order.line_count" not in made.order:
        return
    stated, has = amounts.numbers(made.order["order.line_count"])
    came = np.bincount(made.owner, minlength=len(made.order))
    wrong = np.flatnonzero(has & (stated != came) & ~made.excluded)
    shown = [str(n) for n in stated[wrong].tolist()]
    blame.add("MAT-106", made.order, wrong, "order.line_count", shown, [str(n) for n in came[wrong].tolist()])
