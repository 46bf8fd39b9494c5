"""Which payment and which waybill belong to an order; what was sent twice, differs, or belongs to none."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mappings.engine.columns import positions
from tasks.cleaning import Cleaned, amounts
from tasks.cleaning.blame import Blame, texts
from tasks.cleaning.orders import repeated, same_rows


def _spread(order: pd.DataFrame, at: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """For each order the first of `rows` that belongs to it, or -1."""
    chosen = np.full(len(order), -1, dtype=np.int64)
    chosen[at[::-1]] = rows[::-1]
    return chosen


def _twice(table: pd.DataFrame, name: str, codes: tuple[str, str], shown: str, blame: Blame, rows: np.ndarray) -> None:
    """Rows of the same order after its first: the same contents (codes[0]) or others (codes[1])."""
    part = table.iloc[rows].reset_index(drop=True)
    at, first = repeated(part, f"{name}.order_no")
    if not len(at):
        return
    equal = same_rows(part, name, at, first)
    texts = np.array(_texts(part, shown), dtype=object)
    places = np.array(blame.place(part, first), dtype=object)
    for code, mask in ((codes[0], equal), (codes[1], ~equal)):
        blame.add(code, part, at[mask], shown, list(texts[at[mask]]), list(texts[first[mask]]), list(places[mask]))


def _texts(table: pd.DataFrame, path: str) -> list[str]:
    return texts(table[path])


def payments(cleaned: Cleaned, blame: Blame) -> np.ndarray:
    """For each order the row of the payment that is declared, or -1."""
    table, order = cleaned.payment, cleaned.order
    at = positions(table["payment.order_no"], order["order.order_no"])
    lost = (at < 0) & (table["payment.order_no"] != "").to_numpy()
    blame.add("PAY-003", table, lost, "payment.order_no")
    blame.add("VAL-004", table, (table["payment.order_no"] == "").to_numpy(), "payment.order_no")
    rows = np.flatnonzero((at >= 0) & ~(cleaned.excluded[at] if len(order) else at < 0))
    _paid_twice(table, rows, blame)
    return _spread(order, at[rows], rows)


def _paid_twice(table: pd.DataFrame, rows: np.ndarray, blame: Blame) -> None:
    """PAY-002 where number, amount and currency are those of the order's first payment; PAY-004 where not."""
    part = table.iloc[rows].reset_index(drop=True)
    at, first = repeated(part, "payment.order_no")
    if not len(at):
        return
    equal = np.ones(len(at), dtype=bool)
    for path in ("payment.pay_no", "payment.currency"):
        texts = part[path].to_numpy()
        equal &= texts[at] == texts[first]
    amount, present = amounts.numbers(part["payment.amount"])
    equal &= (amount[at] == amount[first]) & (present[at] == present[first])
    places = np.array(blame.place(part, first), dtype=object)
    numbers = part["payment.pay_no"].to_numpy()
    blame.add("PAY-002", part, at[equal], "payment.pay_no", other=list(numbers[first[equal]]),
              other_place=list(places[equal]))  # fmt: skip
    told = np.array([f"{a} ({n})" for a, n in zip(_texts(part, "payment.amount"), numbers, strict=True)], dtype=object)
    blame.add("PAY-004", part, at[~equal], "payment.amount", list(told[at[~equal]]), list(told[first[~equal]]),
              list(places[~equal]))  # fmt: skip


def buyers(cleaned: Cleaned, blame: Blame) -> np.ndarray:
    """For each order the row of its buyer, or -1."""
    table, order = cleaned.buyer, cleaned.order
    if not len(table):
        return np.full(len(order), -1, dtype=np.int64)
    at = positions(table["buyer.order_no"], order["order.order_no"])
    blame.add("BYR-004", table, (at < 0) & (table["buyer.order_no"] != "").to_numpy(), "buyer.order_no")
    rows = np.flatnonzero((at >= 0) & ~(cleaned.excluded[at] if len(order) else at < 0))
    _twice(table, "buyer", ("BYR-003", "BYR-002"), "buyer.order_no", blame, rows)
    return _spread(order, at[rows], rows)


def _orders_of(cleaned: Cleaned) -> np.ndarray:
    """For each waybill the row of its order, or -1: by order number, else by the number that the order states."""
    table, order = cleaned.waybill, cleaned.order
    at = positions(table["waybill.order_no"], order["order.order_no"])
    if "order.waybill_no" in order:
        stated = order["order.waybill_no"].where(~order["order.waybill_no"].duplicated(), "")
        numbers = pd.Index(table["waybill.waybill_no"])
        by_number = {no: row for row, no in enumerate(stated.tolist()) if no}
        at = np.where(at >= 0, at, [by_number.get(no, -1) for no in numbers])
    return np.asarray(at, dtype=np.int64)


def waybills(cleaned: Cleaned, blame: Blame) -> np.ndarray:
    """For each order the row of its waybill, or -1."""
    table, order = cleaned.waybill, cleaned.order
    at = _orders_of(cleaned)
    lost = (at < 0) & (table["waybill.order_no"] != "").to_numpy()
    blame.add("WAY-007", table, lost, "waybill.order_no")
    blame.add("VAL-004", table, (at < 0) & ~lost, "waybill.order_no")
    rows = np.flatnonzero((at >= 0) & ~(cleaned.excluded[at] if len(order) else at < 0))
    _twice(table, "waybill", ("WAY-009", "WAY-006"), "waybill.waybill_no", blame, rows)
    _number_twice(table, rows, blame)
    return _spread(order, at[rows], rows)


def _number_twice(table: pd.DataFrame, rows: np.ndarray, blame: Blame) -> None:
    """One waybill number under two orders: a fault of both."""
    part = table.iloc[rows].reset_index(drop=True)
    at, first = repeated(part, "waybill.waybill_no")
    orders = part["waybill.order_no"].to_numpy()
    other = orders[at] != orders[first]
    at, first = at[other], first[other]
    for mine, theirs in ((at, first), (first, at)):
        told = [f"{a}, {b}" for a, b in zip(orders[mine], orders[theirs], strict=True)]
        blame.add("WAY-005", part, mine, "waybill.waybill_no", other=told, other_place=blame.place(part, theirs))
