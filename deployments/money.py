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
from tasks.reporting.faults import explained

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
    try:
        yuan = Decimal(amount)
    except InvalidOperation:
        raise DataFault(f"{amount!r} is no amount 金额无效: write yuan, such as 50000.00") from None
    new = supplying.top_up(at.ledger, code, yuan, reference, actor, clock.now())
    return new, wake(at)


def stock_in(at: Office, file: Path, arrival: bool, actor: str) -> tuple[int, list[int]]:
    """Takes a CSV file of stock in, all or nothing; rows that were new, shipments that go on. Raises DataFault."""
    occasion = supplying.ARRIVAL if arrival else supplying.OPENING
    taken = supplying.take_in(at.ledger, file.name, file.read_bytes(), actor, clock.now(), occasion)
    if len(taken.faults):
        raise DataFault(f"{file.name}: nothing was taken in 未入库", [*explained(taken.faults)])
    return taken.rows, wake(at)


def wake(at: Office) -> list[int]:
    """Starts a run of every shipment whose parcels found room now; their ids."""
    again = room.offer(at)
    for shipment in again:
        services.wake(at, shipment)
    return again
