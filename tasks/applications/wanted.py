"""The chosen parcels: from text that a person typed, from a file (CSV, XLSX), or from an API call, as one table.

All faults of a file come at once, each with its row and column.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import pandas as pd
from python_calamine import CalamineError, CalamineWorkbook

from mappings import applications
from mappings.canonical.columns import scaled
from mappings.codes import folded
from tasks.capture.tabular import cell_text

COLUMNS = ("given", "gnum", "quantity", "reason", "row")
STAGE = "apply"
_BETWEEN = re.compile(r"[\s,;，；、]+")
_MOST = Decimal(10**14)


@dataclass
class Wanted:
    """What is asked for: one row a parcel or goods line. `given` is an order or waybill number as it was written."""

    rows: pd.DataFrame
    file: str = ""
    headings: dict[str, str] = field(default_factory=dict)
    faults: list[dict[str, Any]] = field(default_factory=list)
    request: str = ""
    reason: str = ""  # of all that name none

    def place(self, row: int, column: str) -> dict[str, Any]:
        """Where a fault of a row stands; nowhere for what came from no file."""
        return {"file": self.file, "row": row, "column": self.headings.get(column, "")} if self.file else {}


def _frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    made = pd.DataFrame([{name: row.get(name) for name in COLUMNS} for row in rows], columns=list(COLUMNS))
    for name in ("gnum", "quantity", "row"):
        made[name] = made[name].astype("Int64")
    return made.assign(given=made["given"].astype("str"), reason=made["reason"].fillna("").astype("str"))


def of_text(text: str, reason: str = "", request: str = "") -> Wanted:
    """Order or waybill numbers with anything between them; the same one twice counts once."""
    given = dict.fromkeys(part for part in _BETWEEN.split(text.strip()) if part)
    rows = _frame({"given": g, "reason": reason, "row": 0} for g in given)
    return Wanted(rows, request=request or digest(text), reason=reason)


def of_records(records: Sequence[Mapping[str, Any]], reason: str = "", request: str = "") -> Wanted:
    """Records of an API call: order_no or waybill_no, and gnum, quantity and reason where they have them."""
    said = repr([sorted(map(str, r.items())) for r in records])
    made = Wanted(_frame([]), request=request or digest(said), reason=reason)
    rows = [_row(made, n, {k: str(v) for k, v in record.items() if v is not None}, reason) for n, record in
            enumerate(records, 1)]  # fmt: skip
    made.rows = _frame(row for row in rows if row)
    return made


def digest(said: str | bytes) -> str:
    """What tells one request from another: the same again is the same request."""
    return hashlib.sha256(said.encode() if isinstance(said, str) else said).hexdigest()[:32]


def of_file(name: str, body: bytes, reason: str = "", request: str = "") -> Wanted:
    """A file of chosen parcels, by the headings of mappings/applications/file.yaml; its faults are in the answer."""
    made = Wanted(_frame([]), file=name, request=request or digest(body), reason=reason)
    cells = _cells(made, body)
    head = cells[0] if cells else []
    found = _headings(made, head)
    if not {"order_no", "waybill_no"} & found.keys():
        if not made.faults:
            wished = ", ".join(applications.headings()["order_no"][:3])
            made.faults.append(_fault(made, "APP-006", "", 1, ", ".join(head), wished))
        return made
    texts = [(n, {key: row[at].strip() for key, at in found.items() if at < len(row)}) for n, row in
             enumerate(cells[1:], 2)]  # fmt: skip
    rows = [_row(made, n, row, reason) for n, row in texts if any(row.values())]
    if not rows:
        made.faults.append(_fault(made, "APP-008", "order_no", 2))
    made.rows = _frame(row for row in rows if row)
    return made


def _cells(made: Wanted, body: bytes) -> list[list[str]]:
    try:
        if body[:2] == b"PK":
            sheet = CalamineWorkbook.from_filelike(io.BytesIO(body)).get_sheet_by_index(0)
            return [[cell_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
        return list(csv.reader(io.StringIO(_decoded(body), newline="")))
    except (CalamineError, csv.Error, ValueError) as error:
        made.faults.append(_fault(made, "APP-007", "", 0, str(error)[:80]))
        return []


def _decoded(body: bytes) -> str:
    """The text, in UTF-8 or GB 18030. Raises ValueError where it is in neither."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("gb18030")


def _headings(made: Wanted, head: Sequence[str]) -> dict[str, int]:
    names = {folded(alias): key for key, aliases in applications.headings().items() for alias in aliases}
    found: dict[str, int] = {}
    for at, heading in enumerate(head):
        key = names.get(folded(heading))
        if key is not None and key not in found:
            found[key], made.headings[key] = at, heading
    return found


def _fault(made: Wanted, code: str, column: str, row: int, value: str = "", other: str = "") -> dict[str, Any]:
    return {"code": code, "value": value, "other_value": other, "stage": STAGE, **made.place(row, column)}


def _row(made: Wanted, n: int, said: Mapping[str, str], reason: str) -> dict[str, Any] | None:
    """One row as it is meant; None, with its faults noted, where it cannot be read."""
    given = said.get("order_no") or said.get("waybill_no") or ""
    bad = [] if given else [_fault(made, "APP-008", "order_no", n)]
    gnum, quantity = _whole(said.get("gnum", "")), _quantity(said.get("quantity", ""))
    told = {"gnum": (gnum, "商品序号 line number"), "quantity": (quantity, "数量 quantity")}
    for name, (value, called) in told.items():
        if value is None:
            bad.append({**_fault(made, "APP-003", name, n, said[name], called), "order_no": given})
    made.faults += bad
    values = {"given": given, "gnum": gnum or None, "quantity": quantity or None, "row": n}
    return None if bad else {**values, "reason": said.get("reason") or reason}


def _whole(text: str) -> int | None:
    """A line number; 0 where none is given, None where it is none."""
    number = text.removesuffix(".0")
    return 0 if not text else int(number) if re.fullmatch(r"0*[1-9]\d{0,4}", number) else None


def _quantity(text: str) -> int | None:
    """A quantity scaled by 100,000; 0 where none is given, None where it is none, not above 0 or too fine."""
    if not text:
        return 0
    try:
        value = Decimal(text.replace(",", ""))
    except InvalidOperation:
        return None
    fine = value.is_finite() and 0 < value < _MOST and value == round(value, 5)
    return scaled(value) if fine else None
