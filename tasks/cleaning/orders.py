"""Orders: sent twice, cancelled, without goods of value; charges become freight, lines become goods value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mappings.canonical import columns
from mappings.canonical.coded import selected
from mappings.canonical.columns import SCALE
from mappings.engine.columns import positions
from tasks.cleaning import amounts
from tasks.cleaning.blame import SOURCE, Blame
from tasks.cleaning.tables import ROLE


@dataclass
class Orders:
    """Orders (one row each), their goods lines with `owner` (row of the order), and which orders are left out."""

    order: pd.DataFrame
    line: pd.DataFrame
    owner: np.ndarray
    excluded: np.ndarray


def same_rows(table: pd.DataFrame, name: str, at: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Whether rows `at` and `other` of a table have the same canonical contents."""
    equal = np.ones(len(at), dtype=bool)
    for path in columns.columns(name):
        one, two = table[path].iloc[at], table[path].iloc[other]
        same = pd.Series(one.to_numpy() == two.to_numpy()).fillna(False).to_numpy(dtype=bool)
        equal &= same | (one.isna().to_numpy() & two.isna().to_numpy())
    return equal


def repeated(table: pd.DataFrame, key: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows whose key stood in an earlier row, and that earlier row; empty keys are not compared."""
    numbers, _ = pd.factorize(table[key])
    _, first, back = np.unique(numbers, return_index=True, return_inverse=True)
    at = np.flatnonzero((first[back] != np.arange(len(table))) & (table[key] != "").to_numpy())
    return at, first[back][at]


def _once(order: pd.DataFrame, blame: Blame) -> pd.DataFrame:
    at, first = repeated(order, "order.order_no")
    if len(at):
        equal = same_rows(order, "order", at, first)
        places = np.array(blame.place(order, first), dtype=object)
        for code, mask in (("ORD-005", equal), ("ORD-004", ~equal)):
            blame.add(code, order, at[mask], "order.order_no", other=list(places[mask]), other_place=list(places[mask]))
        order = order.drop(index=at.tolist())
    empty = (order["order.order_no"] == "").to_numpy()
    blame.add("ORD-003", order, empty, "order.order_no")
    return order[~empty].reset_index(drop=True)


def _owners(order: pd.DataFrame, line: pd.DataFrame, blame: Blame) -> tuple[pd.DataFrame, np.ndarray]:
    owner = positions(line["line.order_no"], order["order.order_no"])
    lost = owner < 0
    if lost.any():
        empty = (line["line.order_no"] == "").to_numpy()
        blame.add("ORD-003", line, lost & empty, "line.order_no")
        blame.add("LIN-007", line, lost & ~empty, "line.order_no")
        line, owner = selected(line, ~lost), owner[~lost]
    return line, owner


def _two_files(order: pd.DataFrame, line: pd.DataFrame, owner: np.ndarray, blame: Blame) -> None:
    files = pd.factorize(pd.Series([place.file for place in blame.places]))
    if line[SOURCE].nunique() < 2 or len(files[1]) < 2:
        return
    at = files[0][line[SOURCE].to_numpy()]
    lowest, highest = np.full(len(order), 1 << 30), np.full(len(order), -1)
    np.minimum.at(lowest, owner, at)
    np.maximum.at(highest, owner, at)
    both = np.flatnonzero((highest > lowest) & (highest >= 0))
    told = [f"{files[1][a]}, {files[1][b]}" for a, b in zip(lowest[both], highest[both], strict=True)]
    blame.add("LIN-009", order, both, "order.order_no", other=told, other_place=told)


def _totals(line: pd.DataFrame, blame: Blame, live: np.ndarray) -> pd.DataFrame:
    quantity, has_quantity = amounts.numbers(line["line.quantity"])
    price, has_price = amounts.numbers(line["line.price"])
    given, has_total = amounts.numbers(line["line.total_price"])
    parted = ~has_price & has_total & has_quantity & (quantity > 0)
    price, has_price = _each(line, parted, blame, live), has_price | parted
    worked = amounts.product(quantity, price)
    huge = np.abs(worked) >= amounts.LARGEST
    told = [f"{q} × {p}" for q, p in zip(*(columns.plain_column(v[huge]) for v in (quantity, price)), strict=True)]
    blame.add("VAL-001", line, np.flatnonzero(huge), "line.total_price", told, column="")
    known = has_quantity & has_price & ~huge & ~parted
    wrong = np.flatnonzero(live & has_total & known & (given != worked))
    blame.add("LIN-004", line, wrong, "line.total_price", other=columns.plain_column(worked[wrong]))
    total = amounts.column(np.where(has_total, given, worked), has_total | known)
    return line.assign(**{"line.total_price": total, "line.price": amounts.column(price, has_price)})


def _each(line: pd.DataFrame, parted: np.ndarray, blame: Blame, live: np.ndarray) -> np.ndarray:
    """Prices, those of lines that state only quantity and total worked out: LIN-013 where they cannot be exact."""
    price, at = amounts.numbers(line["line.price"])[0].copy(), np.flatnonzero(parted)
    total, quantity = (amounts.numbers(line[f"line.{name}"])[0][at].tolist() for name in ("total_price", "quantity"))
    shares = [divmod(2 * t * SCALE + q, 2 * q) for t, q in zip(total, quantity, strict=True)]
    price[at] = [min(share, amounts.LARGEST) for share, _ in shares]
    inexact = np.array([rest != q for (_, rest), q in zip(shares, quantity, strict=True)], dtype=bool)
    told = at[inexact & live[at]]
    blame.add("LIN-013", line, told, "line.total_price", other=columns.plain_column(price[told]))
    return price


def gather(order: pd.DataFrame, line: pd.DataFrame, blame: Blame) -> Orders:
    """Orders with freight and goods value, their goods lines numbered, and which are not to be declared at all."""
    order = _once(order, blame)
    line, owner = _owners(order, line, blame)
    _two_files(order, line, owner, blame)
    goods = (line[ROLE] == "").to_numpy()
    value = amounts.numbers(line["line.quantity"])[0] > 0
    value &= (amounts.numbers(line["line.price"])[0] > 0) | (amounts.numbers(line["line.total_price"])[0] > 0)
    worth = amounts.per_owner(owner, (goods & value).astype(np.int64), len(order)) > 0
    cancelled = order["order.cancelled"].to_numpy(dtype=bool)
    has_lines = np.bincount(owner, minlength=len(order)) > 0
    unread = _unread(order, line, owner, goods)
    valueless = ~cancelled & ~worth & has_lines & ~unread
    blame.add("ORD-001", order, cancelled, "order.order_no")
    blame.add("ORD-002", order, valueless, "order.order_no")
    excluded = cancelled | valueless
    blame.add("ORD-008", order, ~cancelled & ~has_lines, "order.order_no")
    line = _totals(line, blame, goods & ~excluded[owner])
    order = _freight(order, line, owner, excluded, blame)
    if not goods.all():
        line, owner = selected(line, goods), owner[goods]
    order = _goods_value(order, line, owner, ~excluded, blame)
    return Orders(order, *_numbered(line, owner), excluded)


def _unread(order: pd.DataFrame, line: pd.DataFrame, owner: np.ndarray, goods: np.ndarray) -> np.ndarray:
    """Orders with a goods line whose quantity or price is missing: they are faulty, not worthless."""
    absent = line["line.quantity"].isna().to_numpy() | (
        line["line.price"].isna().to_numpy() & line["line.total_price"].isna().to_numpy()
    )
    return np.bincount(owner, weights=goods & absent, minlength=len(order)) > 0


def _freight(
    order: pd.DataFrame, line: pd.DataFrame, owner: np.ndarray, excluded: np.ndarray, blame: Blame
) -> pd.DataFrame:
    role, total = line[ROLE], amounts.numbers(line["line.total_price"])[0]
    live = ~excluded[owner]
    shown = [*columns.plain_column(total)] if (role != "").any() else []
    for code, kind in (("ORD-010", "discount"), ("ORD-011", "fee")):
        at = np.flatnonzero((role == kind).to_numpy() & live)
        named = [f"{line['line.item_no'].iloc[i]} {shown[i]}" for i in at.tolist()]
        blame.add(code, line, at, "line.item_no", named)
    freight = (role == "freight").to_numpy()
    given = amounts.numbers(order["order.freight"])[0]
    charged = amounts.per_owner(owner[freight], total[freight], len(order))
    return order.assign(**{"order.freight": amounts.column(given + charged, np.ones(len(order), bool))})


def _goods_value(
    order: pd.DataFrame, line: pd.DataFrame, owner: np.ndarray, live: np.ndarray, blame: Blame
) -> pd.DataFrame:
    given, has = amounts.numbers(order["order.goods_value"])
    summed = amounts.per_owner(owner, amounts.numbers(line["line.total_price"])[0], len(order))
    lines = np.bincount(owner, minlength=len(order)) > 0
    wrong = np.flatnonzero(live & lines & has & (given != summed))
    blame.add("ORD-007", order, wrong, "order.goods_value", other=columns.plain_column(summed[wrong]))
    return order.assign(
        **{"order.goods_value": amounts.column(np.where(has, given, summed), np.ones(len(order), bool))}
    )


def _numbered(line: pd.DataFrame, owner: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    """Goods lines by order, numbered from 1 in the order in which they came."""
    if len(owner) and (np.diff(owner) < 0).any():
        by = np.argsort(owner, kind="stable")
        line, owner = selected(line, by), owner[by]
    start = np.searchsorted(owner, owner, side="left")
    number = np.arange(1, len(owner) + 1) - start
    return line.assign(**{"line.gnum": amounts.column(number, np.ones(len(owner), bool))}), owner
