"""Preconditions of an application, by the names that the rules give them (mappings/applications).

Each takes the case, the chosen parcels and the wanted lines, and gives a row (position, code, values, column) for each
parcel that fails; all run, so that every reason is told at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import NamedTuple

import pandas as pd

from adapters.ledger.applications import GRANTED, OPEN, PREPARED
from mappings import clock
from mappings.canonical.columns import plain
from mappings.clock import CHINA
from tasks.applications.case import Case


class Failed(NamedTuple):
    """One reason why a chosen parcel (by its position) cannot be asked for; `row` is that of the file, 0 for none."""

    at: int
    code: str
    value: str = ""
    other_value: str = ""
    column: str = "order_no"
    row: int = 0


Check = Callable[[Case, pd.DataFrame, pd.DataFrame], Iterator[Failed]]


def numbered(case: Case, chosen: pd.DataFrame, lines: pd.DataFrame) -> Iterator[Failed]:
    """Customs has given the inventory its number."""
    yield from (Failed(at, "APP-015") for at, number in enumerate(chosen["invt_no"]) if not number)


def none_open(case: Case, chosen: pd.DataFrame, lines: pd.DataFrame) -> Iterator[Failed]:
    """No other application for the parcel is open."""
    going = {a.parcel_id: f"{a.kind} {a.number}" for a in case.applications if a.state in OPEN}
    yield from (Failed(at, "APP-016", going[i]) for at, i in enumerate(chosen["id"].tolist()) if i in going)


def in_time(case: Case, chosen: pd.DataFrame, lines: pd.DataFrame) -> Iterator[Failed]:
    """The window for asking is open."""
    days = timedelta(days=int(case.rule.value("ask_days")))
    for at, since in enumerate(case.since(chosen)):
        until = since + days
        if clock.now() > until:
            yield Failed(at, "APP-020", until.astimezone(CHINA).strftime("%Y-%m-%d"))


def goods_left(case: Case, chosen: pd.DataFrame, lines: pd.DataFrame) -> Iterator[Failed]:
    """The lines named are in the inventory, and not more is asked for than is left of each."""
    places = {ident: at for at, ident in enumerate(chosen["id"].tolist())}
    goods = case.left(chosen)
    known = {(i, g): n for i, g, n in zip(goods["id"], goods["gnum"], goods["left"], strict=True)}
    for ident, at in places.items():
        if not any(n > 0 for (i, _), n in known.items() if i == ident):
            yield Failed(at, "APP-026")
    named = lines[lines["gnum"].notna()]
    for ident, gnum, quantity, row in named[["id", "gnum", "quantity", "row"]].itertuples(index=False):
        left = known.get((ident, int(gnum)))
        if left is None:
            numbers = ", ".join(str(g) for i, g in known if i == ident)
            yield Failed(places[ident], "APP-021", str(gnum), numbers, "gnum", int(row))
        elif not pd.isna(quantity) and quantity > left:
            yield Failed(places[ident], "APP-022", plain(int(quantity)), plain(max(left, 0)), "quantity", int(row))


def second_unit(case: Case, chosen: pd.DataFrame, lines: pd.DataFrame) -> Iterator[Failed]:
    """Second unit and second quantity stand together, or neither."""
    goods, batch = case.left(chosen), case.batch
    places = {seq: at for at, seq in enumerate(chosen["seq"].tolist())}
    seqs = batch.parcels["parcel.seq"].to_numpy()[batch.lines["parcel"].to_numpy()]
    odd = (batch.lines["line.unit2"].fillna("") != "") != batch.lines["line.quantity2"].notna()
    wanted = set(goods["seq"].tolist())
    for seq, gnum in zip(seqs[odd].tolist(), batch.lines["line.gnum"][odd].tolist(), strict=True):
        if seq in wanted:
            yield Failed(places[seq], "APP-024", str(gnum))


def return_mode(case: Case, chosen: pd.DataFrame, lines: pd.DataFrame) -> Iterator[Failed]:
    """The regime has a mode for returns."""
    if case.truck.regime not in case.rule.value("trade_modes", {}):
        yield from (Failed(at, "APP-025", case.truck.regime) for at in range(len(chosen)))


def return_live(case: Case, chosen: pd.DataFrame, lines: pd.DataFrame) -> Iterator[Failed]:
    """A return was sent that no tally names yet."""
    tallied = {a.number for a in case.applications if a.kind == "tally" and a.state in (*OPEN, GRANTED)}
    waits = {a.parcel_id for a in case.applications if _to_tally(a) and a.number not in tallied}
    yield from (Failed(at, "APP-027") for at, i in enumerate(chosen["id"].tolist()) if i not in waits)


def _to_tally(application: object) -> bool:
    kind, state = application.kind, application.state  # type: ignore[attr-defined]
    return bool(kind == "return" and state in (PREPARED, GRANTED))


CHECKS: dict[str, Check] = {
    "numbered": numbered,
    "none_open": none_open,
    "in_time": in_time,
    "goods_left": goods_left,
    "second_unit": second_unit,
    "return_mode": return_mode,
    "return_live": return_live,
}
