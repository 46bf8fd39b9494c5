"""The books as a person asks for them: shown, topped up, stock taken in; what waited for room goes on."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pandas as pd

from deployments import services
from mappings import clock
from mappings.errors import DataFault
from tasks.clearing import room
from tasks.imports import showing, supplying
from tasks.office import Office

MOST = 10**12  # yuan: more is a slip of the hand
Shown = tuple[pd.DataFrame, pd.DataFrame]  # accounts, and the entries that explain them


def quota(at: Office, id_number: str) -> Shown:
    """A buyer's years; the number itself is not shown."""
    return showing.quota_of(at.ledger, id_number)


def guarantee(at: Office, code: str = "") -> Shown:
    """All guarantees, or one company's."""
    return showing.guarantee(at.ledger, code)


def stock(at: Office, ems_no: str = "", item: str = "") -> Shown:
    """Warehouse stock."""
    return showing.stock(at.ledger, ems_no, item)


def as_json(shown: Shown) -> dict[str, Any]:
    """For a program."""
    accounts, entries = shown
    return {"accounts": accounts.to_dict("records"), "entries": entries.to_dict("records")}


def top_up(at: Office, code: str, amount: str, reference: str, actor: str) -> tuple[bool, list[int]]:
    """Adds yuan to a guarantee; whether the reference was new, and the shipments that go on. Raises DataFault."""
    new = supplying.top_up(at.ledger, code, _yuan(amount), reference, actor, clock.now())
    return new, wake(at)


def _yuan(text: str) -> Decimal:
    """An amount that a person typed: whole fen, of a size that the books can hold. Raises DataFault."""
    try:
        yuan = Decimal(text)
    except InvalidOperation:
        yuan = Decimal("NaN")
    if yuan.is_finite() and abs(yuan) < MOST and yuan == round(yuan, 2):
        return yuan
    raise DataFault(f"{text!r} is no amount 金额无效: write yuan with at most two decimals, such as 50000.00")


def stock_in(at: Office, file: Path, arrival: bool, actor: str) -> tuple[int, list[int]]:
    """Takes a CSV file of stock in, all or nothing; rows that were new, shipments that go on. Raises DataFault."""
    occasion = supplying.ARRIVAL if arrival else supplying.OPENING
    taken = supplying.take_in(at.ledger, file.name, file.read_bytes(), actor, clock.now(), occasion)
    if not taken.told:
        raise DataFault(f"{file.name} has no rows under its heading 文件没有数据行: nothing was taken in 未入库")
    if len(taken.faults):
        raise DataFault(f"{file.name}: nothing was taken in 未入库", [*taken.faults.to_dict("records")])
    return taken.rows, wake(at)


def wake(at: Office) -> list[int]:
    """Starts a run of every shipment whose parcels found room now; their ids."""
    again = room.offer(at)
    for shipment in again:
        services.wake(at, shipment)
    return again
