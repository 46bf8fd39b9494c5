"""A person's corrections: new values of canonical fields, put in before anything is checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation

import pandas as pd

from mappings.canonical.columns import Column, columns, scaled
from mappings.errors import DataFault
from tasks.capture.captured import Correction

TABLES = ("order", "payment", "waybill")


def value_of(correction: Correction) -> object:
    """The value as its column holds it. Raises DataFault where there is no such value."""
    table = correction.field.partition(".")[0]
    column = columns(table).get(correction.field) if table in TABLES else None
    if column is None or correction.field == f"{table}.order_no":
        raise DataFault(f"{correction.field} cannot be corrected by hand 该字段不能手工更正")
    return _typed(column, correction.value)


def _typed(column: Column, text: str) -> object:
    if column.kind not in ("decimal", "integer"):
        return text
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise DataFault(f"{column.path}: {text!r} is not a number 不是数字") from error
    return scaled(number) if column.kind == "decimal" else int(number)


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
