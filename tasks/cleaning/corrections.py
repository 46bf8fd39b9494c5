"""A person's corrections: new values of canonical fields, put in before anything is checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation

import pandas as pd

from mappings.canonical.columns import SCALE, SCALE_DIGITS, Column, columns
from mappings.errors import DataFault
from tasks.capture.captured import Correction
from tasks.cleaning import amounts

TABLES = ("order", "buyer", "payment", "waybill")


def value_of(correction: Correction) -> object:
    """The value as its column holds it. Raises DataFault where there is no such value."""
    table = correction.field.partition(".")[0]
    column = columns(table).get(correction.field) if table in TABLES else None
    if column is None or correction.field == f"{table}.order_no":
        raise DataFault(f"{correction.field} cannot be corrected by hand 该字段不能手工更正")
    return _typed(column, correction.value)


def _typed(column: Column, text: str) -> object:
    if column.kind == "text":
        return text
    if column.kind not in ("decimal", "integer"):
        raise DataFault(f"{column.path} cannot be corrected by hand: send a corrected file 该字段请以更正文件修改")
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise DataFault(f"{column.path}: {text!r} is not a number 不是数字") from error
    if not number.is_finite() or abs(number) >= amounts.LARGEST // SCALE:
        raise DataFault(f"{column.path}: {text!r} is beyond what an amount can be 数值超出范围")
    exact = number * SCALE if column.kind == "decimal" else number
    if exact != int(exact):
        most = SCALE_DIGITS if column.kind == "decimal" else 0
        raise DataFault(f"{column.path}: {text!r} has more than {most} decimals 小数位数超过 {most} 位")
    return int(exact)


def corrected(frames: Mapping[str, pd.DataFrame], corrections: Iterable[Correction]) -> dict[str, pd.DataFrame]:
    """The typed tables with every correction in its place, a later one over an earlier."""
    made = dict(frames)
    for correction in corrections:
        value, table = value_of(correction), correction.field.partition(".")[0]
        frame = made[table]
        here = (frame[f"{table}.order_no"] == correction.order_no).to_numpy()
        if here.any():
            made[table] = frame.assign(**{correction.field: frame[correction.field].mask(here, value)})
    return made
