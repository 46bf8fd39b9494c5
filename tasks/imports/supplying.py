"""What a company puts into its books: its guarantee, and warehouse stock from a file or by hand."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import pandas as pd
from sqlalchemy import Connection

from adapters.ledger.books import supply
from adapters.ledger.books.accounts import Key
from adapters.ledger.books.supply import Supply
from adapters.ledger.ledger import writes
from mappings import codes, faults
from mappings.canonical.columns import SCALE_DIGITS, scaled
from mappings.errors import DataFault
from mappings.imports import tables
from tasks.imports.booking import GUARANTEE, MONEY, STAGE, STOCK

ENCODINGS = ("utf-8-sig", "gb18030")
OPENING, ARRIVAL = "opening", "in"


@dataclass(frozen=True)
class TakenIn:
    """What became of a stock file: how many rows went in, its faults, and whether it says anything at all.

    With an error nothing went in.
    """

    rows: int
    faults: pd.DataFrame
    told: bool = True


@writes
def top_up(tx: Connection, assure_code: str, amount: Decimal, occasion: str, actor: str, at: datetime) -> bool:
    """Open a company's guarantee, or top it up, by yuan; False when this `occasion` (a reference) was told before."""
    if amount <= 0 or not assure_code or not occasion:
        raise DataFault(
            "A guarantee needs a company, an amount above 0 and a reference 担保须有企业代码、正金额和凭证号"
        )
    row = Supply(Key(GUARANTEE, assure_code), MONEY, scaled(amount), occasion)
    return supply.add(tx, [row], actor, at) == 1


@writes
def adjust_stock(
    tx: Connection, ems_no: str, item: str, unit: str, quantity: Decimal, occasion: str, actor: str, at: datetime
) -> bool:
    """Correct an item's stock by a signed quantity (a stocktake); False when this `occasion` was told before.

    Raises DataFault where less would be left than parcels hold already.
    """
    row = Supply(Key(STOCK, ems_no, item), unit, scaled(quantity), occasion)
    return supply.adjust(tx, [row], actor, at) == 1


@writes
def take_in(tx: Connection, name: str, body: bytes, actor: str, at: datetime, occasion: str = OPENING) -> TakenIn:
    """Take stock in from a CSV file (columns: mappings/imports/stock.yaml), all of it or, with a fault, nothing.

    The same bytes count once. `occasion` "opening": an item is opened once; "in": an arrival, added to what is there.
    """
    rows, found = _rows(name, body)
    digest = hashlib.sha256(body).hexdigest()
    known = {ems: supply.stock_of(tx, STOCK, ems) for ems in {row["ems_no"] for row in rows}}
    opened: set[tuple[str, str]] = set()
    for row in rows:
        of, key = known[row["ems_no"]].get(row["item_record_no"]), (row["ems_no"], row["item_record_no"])
        if of and of.unit != row["unit"]:
            found.append(_fault("STK-015", name, row["row"], row["item_record_no"], of.unit))
        if occasion == OPENING and (key in opened or (of and of.opened not in ("", digest))):
            found.append(_fault("STK-013", name, row["row"], row["item_record_no"], row["ems_no"]))
        opened.add(key)
    if found:
        return TakenIn(0, faults.frame(found))
    supplies = [
        Supply(
            Key(STOCK, r["ems_no"], r["item_record_no"]), r["unit"], r["quantity"], f"{occasion} {digest} {r['row']}"
        )
        for r in rows
    ]
    return TakenIn(supply.add(tx, supplies, actor, at), faults.frame([]), told=bool(rows))


def _rows(name: str, body: bytes) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows of a stock file, typed, and all that is wrong with them."""
    reader = csv.reader(io.StringIO(_text(name, body)))
    head = [codes.folded(cell) for cell in next(reader, [])]
    columns: Mapping[str, Any] = tables.table("stock")["columns"]
    at = {field: _column(head, one["headings"]) for field, one in columns.items()}
    missing = [_heading(columns[field]) for field, number in at.items() if number is None]
    if missing:
        return [], [_fault("STK-010", name, 1, heading) for heading in missing]
    rows, found = [], []
    for number, cells in enumerate(reader, 2):
        if any(cell.strip() for cell in cells):
            said = {f: cells[n].strip() if n is not None and n < len(cells) else "" for f, n in at.items()}
            row, wrong = _typed(name, number, said)
            rows += [] if wrong else [row]
            found += wrong
    return rows, found


def _text(name: str, body: bytes) -> str:
    for encoding in ENCODINGS:
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise DataFault(f"{name} is neither UTF-8 nor GB 18030 文件编码无法识别: save it as UTF-8 请另存为 UTF-8")


def _column(head: list[str], headings: list[str]) -> int | None:
    return next((head.index(codes.folded(h)) for h in headings if codes.folded(h) in head), None)


def _heading(column: Mapping[str, Any]) -> str:
    """What a column is called, in Chinese and English."""
    headings = column["headings"]
    return f"{next(h for h in headings if not h.isascii())} {headings[0]}"


def _typed(name: str, number: int, said: Mapping[str, str]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    columns = tables.table("stock")["columns"]
    wrong = [_fault("STK-012", name, number, "", _heading(columns[f])) for f, text in said.items() if not _plain(text)]
    quantity, unit = _quantity(said["quantity"]), codes.unit(said["unit"])
    if said["quantity"] and quantity is None:
        wrong.append(_fault("STK-011", name, number, said["quantity"]))
    if said["unit"] and not unit:
        wrong.append(_fault("STK-014", name, number, said["unit"]))
    return {**said, "quantity": quantity, "unit": unit, "row": number}, wrong


def _plain(text: str) -> bool:
    """Whether a cell says something, in signs that can be read."""
    return bool(text) and text.isprintable()


def _quantity(text: str) -> int | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    plain = number.is_finite() and 0 < number < 10**13 and number == round(number, SCALE_DIGITS)
    return scaled(number) if plain else None


def _fault(code: str, name: str, row: int, value: str, other: str = "") -> dict[str, Any]:
    return {"code": code, "file": name, "row": row, "value": value, "other_value": other, "stage": STAGE}
