"""What the registered goods add to a line: HS code, names, units, net weight; and the legal quantities from them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd

from mappings import codes, rules
from mappings.canonical import coded
from mappings.engine.columns import positions
from tasks.cleaning import amounts
from tasks.cleaning.blame import ROW, SOURCE, Blame
from tasks.cleaning.orders import repeated, same_rows

_FILLED = (
    "hs_code",
    "goods_name",
    "item_name",
    "unit",
    "unit1",
    "unit2",
    "goods_model",
    "bar_code",
    "origin",
    "item_record_no",
)


def registered(goods: pd.DataFrame, blame: Blame) -> tuple[pd.DataFrame, set[str]]:
    """Goods by item number, each once; and the numbers that are registered twice with different contents."""
    blame.add("VAL-004", goods, (goods["goods.item_no"] == "").to_numpy(), "goods.item_no")
    at, first = repeated(goods, "goods.item_no")
    if not len(at):
        return goods, set()
    equal = same_rows(goods, "goods", at, first)
    places = np.array(blame.place(goods, first), dtype=object)
    for code, mask in (("GDS-001", equal), ("GDS-002", ~equal)):
        blame.add(code, goods, at[mask], "goods.item_no", other=list(places[mask]), other_place=list(places[mask]))
    return goods.drop(index=at.tolist()).reset_index(drop=True), set(goods["goods.item_no"].iloc[at[~equal]])


def fill(line: pd.DataFrame, goods: pd.DataFrame, live: np.ndarray, blame: Blame) -> pd.DataFrame:
    """Lines with what the registered goods know; a line's own values stay. LIN-003 where nothing is known."""
    goods, doubtful = registered(goods, blame)
    at = positions(line["line.item_no"], goods["goods.item_no"])
    at = np.where((line["line.item_no"] != "").to_numpy(), at, -1)
    found = at >= 0
    made: dict[str, pd.Series] = {
        f"goods{SOURCE}": pd.Series(np.where(found, _taken(goods[SOURCE], at), -1).astype(np.int32)),
        f"goods{ROW}": pd.Series(np.where(found, _taken(goods[ROW], at), 0)),
    }
    for short in _FILLED:
        own, supplied = line[f"line.{short}"], coded.laid_out(goods[f"goods.{short}"], at)
        made[f"line.{short}"] = supplied if coded.is_blank(own) else own.where(own != "", supplied)
    made["line.net_weight"] = _net(line, goods["goods.net_weight"], at)
    line = line.assign(**made)
    unknown = live & ~found & ((line["line.hs_code"] == "") | (line["line.goods_name"] == "")).to_numpy()
    named = (line["line.item_no"] != "").to_numpy()  # a line without a number: what is missing is told by the checks
    blame.add("LIN-003", line, unknown & named, "line.item_no")
    if doubtful:
        blame.add("GDS-002", line, live & line["line.item_no"].isin(doubtful).to_numpy(), "line.item_no",
                  provenance="goods")  # fmt: skip
    unweighed = live & ~unknown & line["line.net_weight"].isna().to_numpy() & line["line.quantity"].notna().to_numpy()
    blame.add("LIN-010", line, unweighed & found, "line.net_weight", provenance="goods")
    blame.add("LIN-010", line, unweighed & ~found, "line.net_weight")
    return _quantities(line, live & ~unknown, blame)


def _taken(values: pd.Series, at: np.ndarray) -> np.ndarray:
    return values.to_numpy()[at] if len(values) else np.zeros(len(at), dtype=np.int64)


def _net(line: pd.DataFrame, each: pd.Series, at: np.ndarray) -> pd.Series:
    """Net weight of a line: its own, else that of one unit (the line's or the registered one) times the quantity."""
    given, has = amounts.numbers(line["line.net_weight"])
    quantity, counted = amounts.numbers(line["line.quantity"])
    weight, known = amounts.numbers(each)
    unit, has_unit = _taken(pd.Series(weight), at), (_taken(pd.Series(known), at).astype(bool)) & (at >= 0)
    if "line.unit_net_weight" in line:
        own, has_own = amounts.numbers(line["line.unit_net_weight"])
        unit, has_unit = np.where(has_own, own, unit), has_unit | has_own
    worked = amounts.product(quantity, np.where(has_unit, unit, 0))
    known = has_unit & counted & (np.abs(worked) < amounts.LARGEST)
    return amounts.column(np.where(has, given, worked), has | known)


def _ratio(unit: str, legal: str) -> Fraction | None:
    """How many legal units one trade unit is, by the table of counting units; None when the table cannot tell."""
    pieces = rules.quality().pieces
    if unit == legal:
        return Fraction(1)
    return Fraction(pieces[unit], pieces[legal]) if unit in pieces and legal in pieces else None


def _quantities(line: pd.DataFrame, live: np.ndarray, blame: Blame) -> pd.DataFrame:
    for number in ("1", "2"):
        line = _quantity(line, number, live, blame)
    return line


def _coded(column: pd.Series) -> tuple[np.ndarray, list[str]]:
    """A column's numbers and the text that each stands for."""
    found = coded.coded(coded.array_of(column))
    return found.indices.to_numpy().astype(np.int64), found.dictionary.to_pylist()


def _quantity(line: pd.DataFrame, number: str, live: np.ndarray, blame: Blame) -> pd.DataFrame:
    """Quantity in a legal unit: the line's own; net weight for a unit of mass; else the trade quantity converted."""
    path, legal = f"line.quantity{number}", line[f"line.unit{number}"]
    given, has = amounts.numbers(line[path])
    quantity, counted = amounts.numbers(line["line.quantity"])
    weight, weighed = amounts.numbers(line["line.net_weight"])
    (one, units), (two, legals) = (_coded(column) for column in (line["line.unit"], legal))
    pairs = one * len(legals) + two
    worked, known = np.zeros(len(line), dtype=np.int64), np.zeros(len(line), dtype=bool)
    by_weight = np.zeros(len(line), dtype=bool)
    for pair in np.unique(pairs).tolist():
        unit, wanted = units[pair // len(legals)], legals[pair % len(legals)]
        mine, ratio, kilograms = pairs == pair, _ratio(unit, wanted), codes.kilograms(wanted)
        if not wanted:
            continue
        if ratio is not None:
            worked[mine], known[mine] = amounts.times(quantity[mine], ratio), counted[mine]
        elif kilograms:
            by_weight |= mine  # without a weight: LIN-010 says so already
            worked[mine], known[mine] = amounts.times(weight[mine], 1 / Fraction(kilograms)), weighed[mine]
    asked = (
        (legal != "").to_numpy() & live & ~has & ~known & ~by_weight & counted & (line["line.unit"] != "").to_numpy()
    )
    blame.add("LIN-006", line, asked, f"line.unit{number}", other=list(line["line.unit"][asked]), provenance="")
    return line.assign(**{path: amounts.column(np.where(has, given, worked), has | known)})
