"""Cleaning: captured texts become typed canonical tables, and every fault of every file comes out at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mappings import faults
from mappings.canonical.model import Truck
from mappings.engine.columns import positions
from mappings.errors import DataFault
from mappings.rules import asked as asked_of
from mappings.rules import match as match_rules
from tasks.capture.captured import Captured, RawTable, SourceFile
from tasks.cleaning import checks, goods, orders, paid, tables
from tasks.cleaning.blame import Blame, Place
from tasks.cleaning.cells import Distinct
from tasks.cleaning.corrections import corrected
from tasks.cleaning.score import Score, score

__all__ = ["Cleaned", "Score", "clean", "score"]


@dataclass
class Cleaned:
    """Typed tables: one row an order; goods lines sorted by order with `owner`, the row of their order.

    `excluded` marks the orders that are not declared at all; `line.*` carry what the registered goods know.
    Every table has @source (a number in `places`) and @row. `inventory` are the inventory's own lines, where given.
    """

    truck: Truck
    order: pd.DataFrame
    line: pd.DataFrame
    owner: np.ndarray
    excluded: np.ndarray
    payment: pd.DataFrame
    waybill: pd.DataFrame
    buyer: pd.DataFrame
    inventory: pd.DataFrame
    places: list[Place]
    files: list[SourceFile]
    faults: pd.DataFrame


def _place(raw: RawTable) -> Place:
    headings = {path: f.heading for path, f in raw.fields.items()}
    return Place(raw.file, raw.sheet, raw.sender, raw.profile, headings)


def clean(captured: Captured) -> Cleaned:
    """The truck's tables, typed and checked. Raises DataFault when there is no truck or there are no orders."""
    if captured.truck is None or captured.missing:
        rows = [{str(k): v for k, v in row.items()} for row in captured.faults.to_dict("records")]
        found = [faults.explain(row) for row in rows]
        told = "; ".join(f"{f['message_zh']} {f['message_en']}" for f in found)
        raise DataFault(f"无法整理 / cannot be prepared: {told}", [*rows])
    raws = [raw for table in captured.tables.values() for raw in table]
    blame = Blame([_place(raw) for raw in raws], "clean")
    cache: dict[tuple[object, ...], Distinct] = {}
    asked = asked_of(captured.truck.direction, captured.truck.regime)
    typed = [(raw.table, tables.typed(raw, number, blame, cache, asked.targets)) for number, raw in enumerate(raws)]
    frames = {
        name: tables.together((frame for table, frame in typed if table == name), name)
        for name in ("order", "buyer", "line", "inventory", "payment", "waybill", "goods")
    }
    frames = corrected(frames, captured.corrections)
    made = orders.gather(frames["order"], _filled(frames["line"], frames["order"], "line"), blame)
    if asked.imports:
        made = paid.work_out(made, blame)
    live = ~made.excluded[made.owner]
    line = goods.fill(made.line, frames["goods"], live, blame)
    payment = _filled(frames["payment"], made.order, "payment")
    waybill = _filled(frames["waybill"], made.order, "waybill")
    checks.check(made.order, "order", ~made.excluded, blame, asked)
    checks.check(line, "line", live, blame, asked)
    for name, table in (("buyer", frames["buyer"]), ("payment", payment), ("waybill", waybill)):
        checks.check(table, name, _live(table, name, made), blame, asked)
    return Cleaned(
        captured.truck, made.order, line, made.owner, made.excluded, payment, waybill, frames["buyer"],
        frames["inventory"], blame.places, captured.files,
        faults.together([captured.faults, blame.frame()]),
    )  # fmt: skip


def _live(table: pd.DataFrame, name: str, made: orders.Orders) -> np.ndarray:
    """Rows of payments or waybills whose order is not left out (an unknown order is told by the match)."""
    at = positions(table[f"{name}.order_no"], made.order["order.order_no"])
    return (at < 0) | ~made.excluded[at] if len(made.excluded) else np.ones(len(table), dtype=bool)


def _filled(table: pd.DataFrame, order: pd.DataFrame, name: str) -> pd.DataFrame:
    """The table with what it may take over from its order (match.yaml: fill)."""
    for path, source in match_rules().fill.items():
        here = path.startswith(f"{name}.") and source.startswith("order.")
        if not here or not len(table) or not (table[path] == "").any():
            continue
        known = order.drop_duplicates("order.order_no")
        at = positions(table[f"{name}.order_no"], known["order.order_no"])
        values = pd.Series(known[source].array.take(at, allow_fill=True, fill_value=""), dtype="str")
        table = table.assign(**{path: table[path].where(table[path] != "", values)})
    return table
