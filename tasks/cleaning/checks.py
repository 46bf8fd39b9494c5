"""The checks of the quality rules, by column; and what the target messages ask: mandatory, not too long."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from mappings import rules
from mappings.canonical import coded
from mappings.canonical.columns import SCALE, whole
from mappings.rules import Rule
from tasks.cleaning import amounts
from tasks.cleaning.blame import Blame


def positive(values: pd.Series, rule: Rule) -> np.ndarray:
    """Where a number is zero or below."""
    number, present = amounts.numbers(values)
    return present & (number <= 0)


def not_negative(values: pd.Series, rule: Rule) -> np.ndarray:
    """Where a number is below zero."""
    number, present = amounts.numbers(values)
    return present & (number < 0)


def matches(values: pd.Series, rule: Rule) -> np.ndarray:
    """Where a text that is there does not match the rule's pattern as a whole."""
    found, pattern = coded.coded(coded.array_of(values)), re.compile(rule.pattern)
    texts = found.dictionary.to_pylist()
    bad = np.array([text != "" and not pattern.fullmatch(text) for text in texts], dtype=bool)
    return bad[found.indices.to_numpy()] if bad.any() else np.zeros(len(values), dtype=bool)


def exactly(values: pd.Series, rule: Rule) -> np.ndarray:
    """Where a number is another one than the rule's."""
    number, present = amounts.numbers(values)
    one = int(rule.pattern) * (1 if values.name in whole() else SCALE)
    return present & (number != one)


CHECKS: dict[str, Callable[[pd.Series, Rule], np.ndarray]] = {
    "positive": positive, "not_negative": not_negative, "matches": matches, "exactly": exactly,
}  # fmt: skip


def check(table: pd.DataFrame, name: str, live: np.ndarray, blame: Blame, asked: rules.Asked) -> None:
    """All rules of one table on its rows where `live` holds."""
    quality = rules.quality()
    for rule in (*quality.rules, *asked.rules):
        if rule.table != name:
            continue
        wrong = CHECKS[rule.check](table[rule.field], rule) & live
        if rule.unless and wrong.any():
            wrong &= ~blame.blamed(table, rule.unless)
        code = rule.code
        if (quality.gift or asked.gift) and code == "LIN-001":
            code = "LIN-012"
        _blame(code, table, wrong, rule.field, blame)
    for path, target in asked.targets.items():
        if path.startswith(f"{name}.") and path in table:
            _target(table, path, target, live, blame, asked.missing)


def _target(
    table: pd.DataFrame, path: str, target: rules.Target, live: np.ndarray, blame: Blame, missing: Mapping[str, str]
) -> None:
    values = table[path]
    if target.required:
        code = {**rules.quality().missing, **missing}.get(path, "VAL-004")
        absent = coded.absent(values) if values.dtype == "str" else values.isna().to_numpy()
        if code and absent.any():
            _blame(code, table, absent & live & ~blame.blamed(table, path), path, blame)
    if target.length and values.dtype == "str" and coded.longest(values) > target.length:
        long = (values.str.len() > target.length).to_numpy(dtype=bool) & live
        _blame("TXT-001", table, long, path, blame, f"{target.length} ({target.says})")


def _blame(code: str, table: pd.DataFrame, wrong: np.ndarray, path: str, blame: Blame, other: str = "") -> None:
    """The fault where the value came from: the line's own cell, or the registered good's."""
    if not wrong.any():
        return
    supplied = np.zeros(len(table), dtype=bool)
    if "goods@source" in table and path in _FROM_GOODS:
        own = np.array([path in place.headings for place in blame.places])
        supplied = (table["goods@source"].to_numpy() >= 0) & ~own[table["@source"].to_numpy()]
    blame.add(code, table, wrong & ~supplied, path, other=other)
    blame.add(code, table, wrong & supplied, path, other=other, provenance="goods")


_FROM_GOODS = frozenset(
    f"line.{s}"
    for s in (
        "hs_code",
        "goods_name",
        "unit",
        "unit1",
        "unit2",
        "goods_model",
        "bar_code",
        "net_weight",
        "origin",
        "item_record_no",
    )
)
