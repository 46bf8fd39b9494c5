"""A made-up import truck (9610) or bonded batch (1210) in layouts of its own, the same for the same seed.

`make_import` gives clean orders as records; `demo_import_flaws` makes some wrong and says which; `demo_import_files`
writes them. People and companies are made up; amounts are fen, weights grams.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from math import floor
from pathlib import Path
from typing import Any

import numpy as np
from stdnum.cn import ric, uscc

from mappings import yamls

DAY = date(2026, 11, 23)
_SHARE = Fraction(7, 10)  # of VAT and consumption tax, within the limits (mappings/imports/parameters.yaml)
Record = dict[str, Any]


@dataclass(frozen=True)
class MadeImport:
    """One made-up import: the truck's sheet, orders as the platform has them, payments, waybills by order number."""

    regime: str
    truck: Record
    orders: list[Record]
    payments: list[Record]
    waybills: list[Record]
    flaws: dict[str, str] = field(default_factory=dict)


@lru_cache
def tables() -> Record:
    """The goods, names and places that a made-up import is made of."""
    made: Record = yamls.load((Path(__file__).parent / "demo_import.yaml").read_text("utf-8"))
    return made


def party(role: str) -> dict[str, str]:
    """A company of the table, with a code that holds its check digit."""
    name, letters, customs = tables()["parties"][role]
    head = f"91440400MA{letters}".translate(str.maketrans("IOZSV", "1ABCD")).ljust(17, "0")
    return {"code": head + uscc.calc_check_digit(head), "customs_code": customs, "name": name,
            "dxp_id": f"DXPENT88{customs[-8:]}"}  # fmt: skip


def _truck(regime: str, seed: int, day: date) -> Record:
    companies = {role: party(role) for role in tables()["parties"]}
    if regime == "1210":
        batch = {"reference": f"BOND{day:%y%m%d}{seed:04d}", "office": "5795", "port": "5795", "mode": "Y",
                 "accountBook": f"T5795W{seed:06d}", "packages": "2", "leavesAt": f"{day}T20:00:00"}  # fmt: skip
        return {"batch": batch, "companies": {r: c for r, c in companies.items() if r != "yard"}}
    journey = {"waybill": f"HZMBIMP{seed:06d}", "voyage": f"5788{day:%y%m%d}{seed % 1000:03d}", "mode": "4",
               "from": "HK", "plate": f"粤ZY{100 + seed % 900}港", "packages": "2", "leaves": f"{day}T20:00:00",
               "enters": f"{day}T21:10:00", "atYard": f"{day}T22:00:00",
               "driver": {"name": "示例司机", "licence": f"SYNTHETIC-{seed % 10000:04d}"}}  # fmt: skip
    return {"journey": journey, "customs": {"office": "5788", "port": "5788"},
            "companies": {r: c for r, c in companies.items() if r != "area"}}  # fmt: skip


def _person(random: np.random.Generator, number: int) -> dict[str, str]:
    data = tables()
    names = [data[key][int(random.integers(len(data[key])))] for key in ("surnames", "given")]
    head = f"990000{date(1990, 1, 1) + timedelta(days=number % 365):%Y%m%d}{number // 365 % 1000:03d}"
    return {"account": f"U{number:08d}", "name": "".join(names), "idType": "身份证",
            "idNumber": head + ric.calc_check_digit(head + "0"), "phone": f"100{number:08d}"}  # fmt: skip


def taxes_of(lines: Sequence[tuple[Sequence[Any], int]], freight: int) -> int:
    """What customs levies on goods (rows of the table, with their fen) and their freight, each line to the cent."""
    value, found = sum(fen for _, fen in lines), 0
    for goods, fen in lines:
        vat, consumption = (Fraction(rate) for rate in goods[11:13])
        base = (fen + Fraction(freight * fen, value)) / (1 - consumption)
        found += sum(floor(base * rate * _SHARE + Fraction(1, 2)) for rate in (vat, consumption))
    return found


def _order(random: np.random.Generator, regime: str, seed: int, number: int, at: datetime) -> Record:
    goods, data = tables()["goods"], tables()
    count = int(1 + random.poisson(0.8))
    chosen = random.choice(len(goods), min(count, 3), replace=False)
    items = [
        {"sku": goods[i][0], "title": goods[i][3], "qty": int(random.integers(1, 3)), "fen": goods[i][10]}
        for i in chosen
    ]
    value = sum(item["qty"] * item["fen"] for item in items)
    freight, discount = int(random.integers(0, 3)) * 500, int(random.integers(0, 2)) * 300
    taxes = taxes_of([(goods[i], item["qty"] * item["fen"]) for i, item in zip(chosen, items, strict=True)], freight)
    buyer = _person(random, seed * 10_000 + number)
    district, place = data["districts"][int(random.integers(len(data["districts"])))]
    street = data["streets"][int(random.integers(len(data["streets"])))]
    return {
        "orderNo": f"SP{regime}{seed:04d}{number:06d}", "placedAt": at, "currency": "CNY", "status": "paid",
        "fen": {"goods": value, "freight": freight, "taxes": taxes, "discount": discount,
                "paid": value + freight + taxes - discount},
        "buyer": buyer, "items": items, "lineCount": len(items),
        "receiver": {"name": buyer["name"], "phone": buyer["phone"], "district": district,
                     "address": f"{place}{street}{int(random.integers(1, 200))}号"},
    }  # fmt: skip


def make_import(parcels: int, regime: str = "9610", seed: int = 1, day: date = DAY) -> MadeImport:
    """An import of clean parcels, of the same bytes for the same seed; no order is above 5,000 yuan."""
    random = np.random.default_rng(seed)
    eve = datetime(day.year, day.month, day.day, 9, 0, 0) - timedelta(days=1)  # noqa: DTZ001 local time of the files
    orders = [_order(random, regime, seed, n, eve + timedelta(seconds=7 * n)) for n in range(parcels)]
    grams = {row[0]: row[9] for row in tables()["goods"]}
    payments = [
        {"order": o["orderNo"], "pay_no": f"TX{eve:%Y%m%d}{seed:04d}{n:08d}", "fen": o["fen"]["paid"],
         "currency": "人民币", "at": o["placedAt"] + timedelta(minutes=2), "payer": dict(o["buyer"])}
        for n, o in enumerate(orders)
    ]  # fmt: skip
    waybills = [
        {"order": o["orderNo"], "waybill": f"IM{seed:04d}{n:08d}CN", "freight": o["fen"]["freight"], "pieces": 1,
         "grams": sum(i["qty"] * grams[i["sku"]] for i in o["items"]) + 150, "receiver": dict(o["receiver"]),
         "signed": ""}
        for n, o in enumerate(orders)
    ]  # fmt: skip
    return MadeImport(regime, _truck(regime, seed, day), orders, payments, waybills)
