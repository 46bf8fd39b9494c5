"""One small made-up truck and ways to write it down: each layout is a folder of files and the profiles that read it.

The people and companies are invented. Whatever the layout, the batch must come out the same.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import yaml

ORDERS = [  # number, UTC time, country, freight
    ("A-1001", "2026-11-20T01:02:03", "GB", "3.50"),
    ("A-1002", "2026-11-20T02:00:00", "FR", "0"),
    ("A-1003", "2026-11-21T16:30:00", "IE", "12"),
]
LINES = [  # order, item, quantity, price
    ("A-1001", "SKU-1", "2", "10.25"),
    ("A-1001", "SKU-2", "1", "1234.5"),
    ("A-1002", "SKU-2", "3", "0.99"),
    ("A-1003", "SKU-1", "10", "5"),
]
GOODS = {  # item: HS code, customs name, item name, unit, legal unit, net weight of one in kg, origin
    "SKU-1": ("3926400000", "塑料装饰品", "Party star", "011", "035", "0.021", "CN"),
    "SKU-2": ("9405500000", "烛台灯具", "Candle lamp", "011", "011", "0.15", "VN"),
}
PEOPLE = {"A-1001": "Ada Sample", "A-1002": "Bob Sample", "A-1003": "Eve Sample"}
NAMES_ZH = {"GB": "英國", "FR": "法國", "IE": "愛爾蘭"}
NAMES_EN = {"GB": "United Kingdom", "FR": "France", "IE": "EIRE"}
TRUCK = {
    "master_waybill": "MAWB-1", "customs_office": "5788", "exit_port": "5788", "transport_mode": "4",
    "port_of_destination": "HKG", "mainland_plate": "粤Z0001港",
    "planned": {"arrival_at_yard": "2026-11-23T22:00:00+08:00", "departure": "2026-11-24T06:30:00+08:00",
                "crossing": "2026-11-24T07:10:00+08:00"},
    "parties": {"platform": {"code": "P1", "name": "平台"}, "seller": {"code": "S1", "name": "商家"},
                "carrier": {"code": "C1", "name": "物流"}, "agent": {"code": "G1", "name": "报关"}},
}  # fmt: skip


def due(order: str) -> Decimal:
    """What the buyer of an order paid: goods and freight."""
    goods = sum(Decimal(q) * Decimal(p) for o, _, q, p in LINES if o == order)
    return Decimal(goods) + next(Decimal(f) for o, _, _, f in ORDERS if o == order)


def gross(order: str) -> Decimal:
    """An order's gross weight in kilograms."""
    return sum((Decimal(q) * Decimal(GOODS[i][5]) for o, i, q, _ in LINES if o == order), Decimal("0.05"))


def at(order: str) -> datetime:
    """When an order was placed, in UTC, without saying so."""
    return datetime.fromisoformat(next(t for o, t, _, _ in ORDERS if o == order))


def csv_bytes(heads: list[str], rows: Iterable[Iterable[Any]], encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    """A CSV file."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(heads)
    writer.writerows(rows)
    return out.getvalue().encode(encoding)


def xlsx_bytes(heads: list[str], rows: Iterable[Iterable[Any]], sheet: str, above: int = 0) -> bytes:
    """A workbook whose sheet (the second when it has a name) holds the table, `above` lines of other text over it."""
    book = openpyxl.Workbook()
    page = book.create_sheet(sheet) if sheet else book.worksheets[0]
    for _ in range(above):
        page.append(["說明", "made-up data"])
    page.append(heads)
    for row in rows:
        page.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def write(folder: Path, files: dict[str, bytes], profiles: Iterable[str]) -> tuple[Path, Path]:
    """The files and profiles of a layout as two directories; the truck's file is always there."""
    data, layout = folder / "data", folder / "profiles"
    data.mkdir(parents=True)
    layout.mkdir()
    files = {"truck.json": json.dumps(TRUCK, ensure_ascii=False).encode(), **files}
    for name, body in files.items():
        if not body:  # the layout has it elsewhere
            continue
        (data / name).write_bytes(body)
    for text in profiles:
        name = yaml.safe_load(text)["name"]
        (layout / f"{name}.yaml").write_text(text, encoding="utf-8")
    return data, layout


GOODS_ROWS = [(item, *rest) for item, rest in GOODS.items()]


def goods_xlsx() -> bytes:
    """The registered goods as the shipped profile reads them."""
    heads = ["商品货号", "商品编码", "商品名称", "英文品名", "成交单位", "法定单位", "净重(千克)", "原产国"]
    return xlsx_bytes(heads, [(*r[:6], float(r[6]), r[7]) for r in GOODS_ROWS], "")
