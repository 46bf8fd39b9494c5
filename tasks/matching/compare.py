"""The match rules: which two values differ, and where each came from (mappings/rules/match.yaml)."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd

from mappings import rules
from mappings.canonical import columns
from mappings.canonical.columns import plain_column
from tasks.cleaning import Cleaned, amounts
from tasks.cleaning.blame import Blame
from tasks.conversion.partners import theirs


def missing(cleaned: Cleaned, paid: np.ndarray, carried: np.ndarray, blame: Blame) -> None:
    """Orders without a payment (held or warned, as the setting says) or without a waybill."""
    live = ~cleaned.excluded
    elsewhere = "CEB403Message" in theirs(cleaned.truck)  # the company tells customs itself, and may not tell us
    code = "PAY-001" if rules.match().payment_missing_holds and not elsewhere else "PAY-005"
    blame.add(code, cleaned.order, live & (paid < 0), "order.order_no")
    blame.add("WAY-001", cleaned.order, live & (carried < 0), "order.order_no")


def money(cleaned: Cleaned, paid: np.ndarray, blame: Blame) -> None:
    """Money received equals goods value plus freight, in the order's currency."""
    rows = np.flatnonzero((paid >= 0) & ~cleaned.excluded)
    payment, order = cleaned.payment.iloc[paid[rows]].reset_index(drop=True), cleaned.order
    places = np.array(blame.place(order, rows), dtype=object)
    amount, present = amounts.numbers(payment["payment.amount"])
    due = amounts.numbers(order["order.goods_value"])[0] + amounts.numbers(order["order.freight"])[0]
    tolerance = columns.scaled(Decimal(rules.match().tolerance))
    wrong = present & (np.abs(amount - due[rows]) > tolerance)
    blame.add("MAT-001", payment, wrong, "payment.amount", other=plain_column(due[rows][wrong]),
              other_place=list(places[wrong]))  # fmt: skip
    currency, wanted = payment["payment.currency"].to_numpy(), order["order.currency"].to_numpy()[rows]
    wrong = (currency != wanted) & (currency != "")
    blame.add("MAT-002", payment, wrong, "payment.currency", other=list(wanted[wrong]), other_place=list(places[wrong]))


def carriage(cleaned: Cleaned, carried: np.ndarray, blame: Blame) -> None:
    """A waybill's freight and currency beside the order's."""
    rows = np.flatnonzero((carried >= 0) & ~cleaned.excluded)
    waybill, order = cleaned.waybill.iloc[carried[rows]].reset_index(drop=True), cleaned.order
    places = np.array(blame.place(order, rows), dtype=object)
    freight, stated = amounts.numbers(waybill["waybill.freight"])
    due = amounts.numbers(order["order.freight"])[0][rows]
    wrong = stated & (freight != due)
    blame.add("MAT-004", waybill, wrong, "waybill.freight", other=plain_column(due[wrong]),
              other_place=list(places[wrong]))  # fmt: skip
    currency, wanted = waybill["waybill.currency"].to_numpy(), order["order.currency"].to_numpy()[rows]
    wrong = (currency != wanted) & (currency != "")
    blame.add("MAT-005", waybill, wrong, "waybill.currency", other=list(wanted[wrong]), other_place=list(places[wrong]))


def weight(cleaned: Cleaned, carried: np.ndarray, net: np.ndarray, blame: Blame) -> None:
    """The gross weight is not below what the goods weigh (as far as that is known)."""
    rows = np.flatnonzero((carried >= 0) & ~cleaned.excluded)
    waybill = cleaned.waybill.iloc[carried[rows]].reset_index(drop=True)
    gross, stated = amounts.numbers(waybill["waybill.gross_weight"])
    wrong = stated & (gross > 0) & (gross < net[rows])
    blame.add("WAY-003", waybill, wrong, "waybill.gross_weight", other=plain_column(net[rows][wrong]),
              other_place=_goods_place(cleaned, blame, rows[wrong]))  # fmt: skip


def _goods_place(cleaned: Cleaned, blame: Blame, rows: np.ndarray) -> list[str]:
    """Where the net weights of orders come from: the registered goods' file, else the lines'."""
    first = np.searchsorted(cleaned.owner, rows)
    line = cleaned.line.iloc[first]
    sources, own = line["goods@source"].to_numpy(), line["@source"].to_numpy()
    return [blame.places[s if s >= 0 else o].file for s, o in zip(sources, own, strict=True)]


def lines(cleaned: Cleaned, blame: Blame, limit: int = 0) -> None:
    """No more goods lines than a document takes (`limit`; 0: an export's); the order's currency in every line."""
    count = np.bincount(cleaned.owner, minlength=len(cleaned.order))
    limit = limit or rules.match().max_lines
    many = np.flatnonzero((count > limit) & ~cleaned.excluded)
    blame.add("ORD-006", cleaned.order, many, "order.order_no", [str(c) for c in count[many]], str(limit))
    wanted = cleaned.order["order.currency"].to_numpy()[cleaned.owner]
    currency = cleaned.line["line.currency"].to_numpy()
    wrong = (currency != wanted) & (currency != "") & (wanted != "") & ~cleaned.excluded[cleaned.owner]
    blame.add("LIN-008", cleaned.line, wrong, "line.currency", other=list(wanted[wrong]))


def companies(cleaned: Cleaned, blame: Blame) -> None:
    """The company codes that a file states are those of the truck's parties."""
    tables: dict[str, pd.DataFrame] = {
        "order": cleaned.order, "payment": cleaned.payment, "waybill": cleaned.waybill,
    }  # fmt: skip
    for path, role in rules.match().companies.items():
        table, party = tables[path.partition(".")[0]], cleaned.truck.parties.get(role)
        if path in table and party is not None:
            known = {party.code, party.customs_code}
            wrong = ~table[path].isin(known).to_numpy() & (table[path] != "").to_numpy()
            blame.add("MAT-003", table, wrong, path, other=party.code, other_place=f"truck.parties.{role}")
